"""Samples read again from files, and the hand-over between threads."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInputError
from ingest.pcm import PcmBlock, PcmBuffer, decode_pcm


def block(first, size):
    return PcmBlock(first, np.arange(first, first + size, dtype=np.int64).astype(np.int16))


class TestDecode:
    @pytest.mark.parametrize("name", ["clicks.mp4", "clicks.flv", "clicks.ts", "flac.mkv"])
    def test_late_audio_is_preceded_by_silence(self, media, tools, name):
        samples = np.concatenate(list(decode_pcm([media / name]))) * 32768
        assert samples.dtype == np.float32
        assert np.allclose(tools.clicks_in(samples), 1.3 + np.arange(11), atol=0.02)

    @pytest.mark.parametrize("name", ["clicks.mp4", "clicks.flv", "clicks.ts"])
    @pytest.mark.parametrize("start_ms", [500, 3_000, 7_850])
    def test_reading_from_a_later_moment_keeps_the_times(self, media, tools, name, start_ms):
        samples = np.concatenate(list(decode_pcm([media / name], start_ms=start_ms))) * 32768
        expected = [t for t in 1.3 + np.arange(11) if t * 1000 > start_ms]
        assert np.allclose(tools.clicks_in(samples) + start_ms / 1000, expected, atol=0.02)

    def test_blocks_are_bounded(self, media, tools, tmp_path):
        tools.make("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "95", tmp_path / "long.flac")
        sizes = [b.size for b in decode_pcm([tmp_path / "long.flac"])]
        assert sizes[:3] == [480_000] * 3 and sum(sizes) == pytest.approx(95 * 16_000, abs=100)

    def test_a_missing_segment_is_silence_in_its_place(self, media, tools, tmp_path):
        tools.make("-i", media / "clicks.ts", "-c", "copy", "-copyts", "-f", "segment", "-segment_time", "3",
                   tmp_path / "%d.ts")  # fmt: skip
        whole = list(decode_pcm([tmp_path / f"{i}.ts" for i in range(4)]))
        holed = list(decode_pcm([tmp_path / f"{i}.ts" for i in (0, 1, 3)]))
        clicks, kept = tools.clicks_in(np.concatenate(whole) * 32768), tools.clicks_in(np.concatenate(holed) * 32768)
        assert clicks.size == 11 and kept.size == 8
        assert all(np.min(np.abs(clicks - t)) < 0.02 for t in kept)

    def test_a_file_without_audio_gives_nothing(self, media):
        assert list(decode_pcm([media / "silent.mp4"])) == []

    def test_a_file_that_is_no_media_is_bad_input(self, media):
        with pytest.raises(BadInputError, match="not_media"):
            list(decode_pcm([media / "text.mp4"]))


class TestBuffer:
    @given(sizes=st.lists(st.integers(1, 3_000), min_size=1, max_size=60), taken=st.integers(0, 5))
    def test_a_lossy_buffer_keeps_the_newest_in_order_and_counts_the_rest(self, sizes, taken):
        buffer = PcmBuffer(0.25, lossy=True)
        first, kept = 0, []
        for index, size in enumerate(sizes):
            buffer.put(block(first, size))
            first += size
            if taken and index % taken == 0:
                kept.append(buffer.take(0))
        buffer.close()
        while not buffer.drained:
            kept.append(buffer.take(0))
        ends = [b.first_sample + b.samples.size for b in kept]
        assert all(b.first_sample >= end for b, end in zip(kept[1:], ends, strict=False))
        assert ends[-1] == first
        assert sum(b.samples.size for b in kept) + buffer.dropped_samples == first

    def test_a_buffer_for_files_waits_and_loses_nothing(self):
        buffer = PcmBuffer(0.01, lossy=False)

        def fill():
            for i in range(50):
                buffer.put(block(i * 100, 100))
            buffer.close()

        thread = threading.Thread(target=fill)
        thread.start()
        taken = []
        while not buffer.drained:
            taken.append(buffer.take(5))
        thread.join()
        assert [b.first_sample for b in taken] == list(range(0, 5_000, 100))
        assert buffer.dropped_samples == 0

    def test_closing_frees_a_waiting_producer_and_a_waiting_consumer(self):
        full, empty = PcmBuffer(0.001, lossy=False), PcmBuffer(1, lossy=False)
        full.put(block(0, 100))
        threads = [threading.Thread(target=full.put, args=(block(100, 1),)), threading.Thread(target=empty.take)]
        for thread in threads:
            thread.start()
        full.close(discard=True)
        empty.close()
        for thread in threads:
            thread.join(5)
            assert not thread.is_alive()
        assert full.drained and empty.drained

    def test_taking_gives_up_after_its_time_out(self):
        assert PcmBuffer(1, lossy=True).take(0.01) is None
