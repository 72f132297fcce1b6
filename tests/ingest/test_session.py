"""Recording from first to last: files, live sources, interruptions, broken and hostile input."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import ms_between
from core.errors import BadInputError, ConflictError, SourceError, StorageError
from core.records import Epoch
from ingest.hls_server import HlsLoopbackServer
from ingest.layout import stream_path
from ingest.pcm import decode_pcm
from ingest.segments import file_sha256, measure, recover_orphans
from ingest.session import ReconnectPolicy, ResumePoint, StreamRecorder
from ingest.sources import parse_source

QUICK = ReconnectPolicy(first_delay_s=0.05, max_delay_s=0.1, give_up_after_s=0.5)


def recorder(source, data, listener, **options):
    options = {"segment_seconds": 2, "min_free_bytes": 0, "policy": QUICK} | options
    return StreamRecorder("room", parse_source(str(source)), data, listener, **options)


def contents(data):
    return {s.name: file_sha256(s) for s in sorted((data / "streams/room/0001").iterdir())}


class Background:
    """A recorder running in a thread of its own; ``end()`` gives what `run` gave."""

    def __init__(self, running):
        self._recorder, self._result = running, []
        self._thread = threading.Thread(target=lambda: self._result.append(running.run()))
        self._thread.start()

    def end(self, *, stop=False):
        if stop:
            self._recorder.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self._result[0]


class TestFiles:
    def test_segments_are_hashed_numbered_and_cover_the_file(self, media, tmp_path, listener):
        end = recorder(media / "clicks.mp4", tmp_path, listener).run()
        assert (end.reason, end.truncated, end.epochs) == ("ended", False, 1)
        assert end.recorded_ms == pytest.approx(12_000, abs=50)
        assert end.resume.epoch == 2 and end.resume.sequence == 7 and end.resume.offset_ms == end.recorded_ms
        assert [s.sequence for s in listener.segments] == [1, 2, 3, 4, 5, 6]
        assert [s.start_ms for s in listener.segments] == [0, 2000, 4000, 6000, 8000, 10_000]
        assert all(s.sha256 == file_sha256(tmp_path / s.path) for s in listener.segments)
        assert all(s.size == (tmp_path / s.path).stat().st_size for s in listener.segments)
        assert listener.events == ["epoch_started", *["segment_closed"] * 6, "epoch_ended"]
        assert listener.ended[0] == replace(listener.epochs[0], complete=True)
        assert (listener.epochs[0].video_codec, listener.epochs[0].audio_codec) == ("h264", "aac")

    def test_the_listed_times_are_those_in_the_segments(self, media, tmp_path, listener):
        recorder(media / "clicks.mp4", tmp_path, listener).run()
        for segment in listener.segments:
            listed = (segment.pts_start_ms, segment.pts_end_ms)
            assert measure(tmp_path / segment.path) == pytest.approx(listed, abs=30)

    @pytest.mark.parametrize("name", ["clicks.mp4", "clicks.flv", "clicks.ts"])
    def test_samples_and_segments_share_one_timeline_though_audio_starts_late(
        self, media, tmp_path, listener, tools, name
    ):
        recorder(media / name, tmp_path, listener).run()
        expected = 1.3 + np.arange(11)
        assert np.allclose(tools.clicks_in(listener.samples()), expected, atol=0.02)
        origin = listener.epochs[0].pts_origin_ms / 1000
        in_segments = []
        for segment in listener.segments:
            with av.open(str(tmp_path / segment.path)) as container:
                for frame in container.decode(audio=0):
                    loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.2)
                    if loud.size:
                        in_segments.append(frame.time + loud[0] / frame.sample_rate - origin)
        firsts = [t for i, t in enumerate(in_segments) if i == 0 or t - in_segments[i - 1] > 0.5]
        assert np.allclose(firsts, expected, atol=0.02)

    def test_segments_decode_to_the_very_samples_that_were_given_live(self, media, tmp_path, listener):
        recorder(media / "clicks.mp4", tmp_path, listener).run()
        paths = [tmp_path / s.path for s in listener.segments]
        again = np.concatenate(list(decode_pcm(paths, origin_ms=listener.epochs[0].pts_origin_ms)))
        live = listener.samples() / np.float32(32768)
        assert abs(again.size - live.size) <= 1024
        shared = min(again.size, live.size)
        assert np.array_equal(again[:shared], live[:shared])

    def test_codecs_that_mpegts_cannot_carry_go_into_matroska(self, media, tmp_path, listener):
        recorder(media / "flac.mkv", tmp_path, listener).run()
        assert {Path(s.path).suffix for s in listener.segments} == {".mkv"}
        assert listener.epochs[0].audio_codec == "flac"
        assert sum(s.end_ms - s.start_ms for s in listener.segments) == pytest.approx(12_000, abs=150)

    @pytest.mark.parametrize("name", ["clicks.mp4", "flac.mkv"])
    def test_recording_again_after_a_crash_gives_the_same_bytes_and_tells_only_what_was_missing(
        self, media, tmp_path, listener, tools, name
    ):
        recorder(media / name, tmp_path, listener).run()
        before = contents(tmp_path)
        for late in sorted((tmp_path / "streams/room/0001").iterdir())[3:]:
            late.unlink()
        known = {s.sequence: s.sha256 for s in listener.segments[:3]}
        second = tools.listener()
        recorder(media / name, tmp_path, second, known=known).run()
        assert contents(tmp_path) == before
        assert second.segments[0].sequence == 4
        assert [s.sha256 for s in second.segments] == [s.sha256 for s in listener.segments[3:]]

    def test_content_that_differs_from_what_is_listed_is_refused_and_not_replaced(self, media, tmp_path, listener):
        recorder(media / "clicks.mp4", tmp_path, listener).run()
        before = contents(tmp_path)
        with pytest.raises(ConflictError, match="recording_differs"):
            recorder(media / "clicks.mp4", tmp_path, listener, known={2: "0" * 64}).run()
        assert contents(tmp_path) == before

    def test_a_later_file_follows_without_a_gap(self, media, tmp_path, listener):
        resume = ResumePoint(3, 40, 90_000, datetime(2026, 1, 1, tzinfo=UTC))
        end = recorder(media / "clicks.mp4", tmp_path, listener, resume=resume).run()
        assert listener.gaps == [] and listener.epochs[0].offset_ms == 90_000
        assert listener.segments[0].path == "streams/room/0003/00000040.ts"
        assert end.resume.offset_ms == pytest.approx(102_000, abs=50)

    def test_surround_sound_at_96_khz_becomes_16_khz_mono(self, media, tmp_path, listener):
        recorder(media / "surround.wav", tmp_path, listener).run()
        samples = listener.samples()
        assert samples.size == pytest.approx(48_000, abs=50)
        assert np.argmax(np.abs(np.fft.rfft(samples))) * 16_000 / samples.size == pytest.approx(440, abs=1)

    def test_a_file_cut_short_is_kept_as_far_as_it_goes_and_says_so(self, media, tmp_path, listener):
        end = recorder(media / "truncated.mp4", tmp_path, listener).run()
        assert end.reason == "ended" and end.truncated
        assert 3_000 < end.recorded_ms < 9_000
        assert listener.segments[-1].end_ms == end.recorded_ms

    def test_stopping_a_file_keeps_whole_segments_only_and_leaves_the_epoch_incomplete(
        self, media, tmp_path, listener, tools
    ):
        running = Background(recorder(media / "clicks.mp4", tmp_path, listener, realtime=True))
        tools.wait_for(lambda: listener.segments)
        assert running.end(stop=True).reason == "stopped"
        assert not listener.ended[0].complete
        assert not (tmp_path / "streams/room/0001/open").exists()
        assert all(segment.end_ms - segment.start_ms > 900 for segment in listener.segments)

    def test_a_slow_consumer_of_a_file_loses_nothing(self, media, tmp_path, listener):
        slow = recorder(media / "clicks.mp4", tmp_path, listener, pcm_buffer_s=0.1)
        slow.run()
        assert listener.samples().size == pytest.approx(12 * 16_000, abs=500)


class TestBadInput:
    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("text.mp4", "not_media"),
            ("empty.mp4", "empty_file"),
            ("headless.mp4", "truncated_file"),
            ("silent.mp4", "no_audio"),
        ],
    )
    def test_a_file_that_cannot_be_used_gets_a_sentence_and_leaves_nothing_behind(
        self, media, tmp_path, listener, name, code
    ):
        with pytest.raises(BadInputError) as caught:
            recorder(media / name, tmp_path, listener).run()
        assert caught.value.code == code
        assert caught.value.sentence.zh and caught.value.sentence.en
        assert list(tmp_path.iterdir()) == [] and listener.events == []

    def test_an_unreachable_host_a_wrong_port_and_a_missing_page_are_told_apart(self, tmp_path, listener, byte_server):
        missing = byte_server(b"gone", status="404 Not Found")
        page = byte_server(b"<html>no media here</html>" * 99, sized=True)
        for address, code in {
            "rtmp://127.0.0.1:9/live/x": "source_refused",
            "http://127.0.0.1:9/live.m3u8": "source_refused",
            f"http://{'x' * 64}.invalid/live.m3u8": "source_unresolved",
            missing.url: "source_not_found",
            page.url: "source_not_media",
        }.items():
            with pytest.raises(SourceError) as caught:
                recorder(address, tmp_path, listener).run()
            assert caught.value.code == code
        assert not (tmp_path / "streams/room").exists()

    def test_a_server_that_never_answers_is_given_up(self, tmp_path, listener, byte_server):
        server = byte_server(None, hold=True)
        with pytest.raises(SourceError, match="source_timeout"):
            recorder(server.url, tmp_path, listener, connect_timeout_s=1).run()

    def test_too_little_free_disk_is_said_before_anything_is_written(self, media, tmp_path, listener):
        with pytest.raises(StorageError, match="disk_low"):
            recorder(media / "clicks.mp4", tmp_path, listener, min_free_bytes=2**60).run()
        assert list(tmp_path.iterdir()) == []

    def test_a_disk_that_fills_up_keeps_what_is_closed(self, media, tmp_path, tools):
        class FillsUp(tools.listener):
            def segment_closed(self, segment):
                super().segment_closed(segment)
                if len(self.segments) == 1:
                    resource.prlimit(tools.process_in(tmp_path), resource.RLIMIT_FSIZE, (20_000, 20_000))

        listener = FillsUp()
        with pytest.raises(StorageError, match="disk_full"):
            recorder(media / "clicks.mp4", tmp_path, listener, realtime=True).run()
        assert listener.events[-1] == "epoch_ended" and not listener.ended[0].complete
        assert contents(tmp_path) == {Path(s.path).name: s.sha256 for s in listener.segments}
        whole, *cut = listener.segments
        assert whole.end_ms - whole.start_ms == pytest.approx(2_000, abs=50)
        for segment in cut:
            assert measure(tmp_path / segment.path)[1] == pytest.approx(segment.pts_end_ms, abs=500)

    @pytest.mark.slow
    def test_a_file_played_at_its_own_pace_does_not_wait_for_a_slow_listener(self, media, tmp_path, tools):
        """As if it were live: what does not fit the buffer is dropped from memory, and stays in the segments."""

        class Slow(tools.listener):
            def pcm(self, epoch, first_sample, samples, arrived):
                self.firsts = [*getattr(self, "firsts", []), (first_sample, samples.size)]
                time.sleep(4 if len(self.firsts) == 1 else 0)

        listener = Slow()
        end = recorder(media / "clicks.mp4", tmp_path, listener, realtime=True, pcm_buffer_s=1).run()
        assert end.recorded_ms == pytest.approx(12_000, abs=50)
        assert any(first > before + size for (before, size), (first, _) in pairwise(listener.firsts))

    def test_an_error_of_the_listener_ends_the_recording_and_comes_out(self, media, tmp_path, tools):
        class Refuses(tools.listener):
            def pcm(self, epoch, first_sample, samples, arrived):
                raise StorageError("full", "满", "full")

        with pytest.raises(StorageError, match="full"):
            recorder(media / "clicks.mp4", tmp_path, Refuses(), realtime=True).run()
        assert tools.process_in(tmp_path) is None


class TestLive:
    def test_an_hls_stream_ends_with_its_playlist(self, media, tmp_path, listener, tools):
        with HlsLoopbackServer(media / "clicks.mp4", realtime=False) as server:
            end = recorder(server.url, tmp_path, listener).run()
        assert (end.reason, end.epochs, listener.gaps) == ("ended", 1, [])
        assert np.allclose(tools.clicks_in(listener.samples()), 1.3 + np.arange(11), atol=0.02)
        assert listener.ended[0].complete

    @pytest.mark.slow
    def test_an_hls_server_that_vanishes_is_a_lost_source_not_an_end(self, media, tmp_path, listener, tools):
        with HlsLoopbackServer(media / "clicks.mp4", realtime=True) as server:
            running = Background(recorder(server.url, tmp_path, listener, segment_seconds=1))
            tools.wait_for(lambda: listener.segments)
        end = running.end()
        assert end.reason == "source_lost" and end.message
        assert end.recorded_ms >= 2_000

    def test_a_silent_server_costs_a_gap_and_a_new_epoch(self, media, tmp_path, listener, tools, byte_server):
        server = byte_server((media / "clicks.ts").read_bytes(), hold=True)
        running = Background(recorder(server.url, tmp_path, listener, silent_after_s=1))
        tools.wait_for(lambda: len(listener.epochs) == 2)
        assert running.end(stop=True).epochs >= 2
        first, second = listener.epochs[:2]
        gap = listener.gaps[0]
        assert gap.reason == "source_silent" and gap.epoch == second.number == 2
        assert gap.start_ms >= 11_900 and gap.end_ms == second.offset_ms
        assert gap.end_ms - gap.start_ms == pytest.approx(max(0, ms_between(gap.wall_start, gap.wall_end)), abs=20)
        sequences = [s.sequence for s in listener.segments]
        assert sequences == list(range(1, len(sequences) + 1))
        assert first.complete is False and listener.ended[0].complete

    def test_a_clock_that_is_set_meanwhile_makes_the_gap_no_longer(self, media, tmp_path, listener, tools, byte_server):
        server = byte_server((media / "clicks.ts").read_bytes(), hold=True)

        def clock():
            return datetime.now(UTC) + timedelta(hours=len(listener.ended))

        running = Background(recorder(server.url, tmp_path, listener, silent_after_s=1, clock=clock))
        tools.wait_for(lambda: len(listener.epochs) == 2)
        running.end(stop=True)
        gap = listener.gaps[0]
        assert gap.end_ms - gap.start_ms < 60_000, "time ran on as ever"
        assert ms_between(gap.wall_start, gap.wall_end) > 3_000_000, "the wall clock is told as it was"

    def test_a_publisher_that_starts_its_clock_again_begins_a_new_epoch(
        self, media, tmp_path, listener, tools, byte_server
    ):
        flv = (media / "clicks.flv").read_bytes()
        server = byte_server(flv + flv[13:], hold=True)
        running = Background(recorder(server.url, tmp_path, listener, silent_after_s=30))
        tools.wait_for(lambda: listener.gaps)
        running.end(stop=True)
        assert listener.gaps[0].reason == "source_time_jumped"
        ends = [s.end_ms for s in listener.segments if s.epoch == 1]
        assert max(ends) >= 11_500
        assert listener.opened_gaps[0].reason == "source_time_jumped"
        assert listener.opened_gaps[0].start_ms == listener.gaps[0].start_ms

    def test_an_epoch_that_lasts_too_long_is_followed_by_another(self, media, tmp_path, listener, tools, byte_server):
        server = byte_server((media / "clicks.ts").read_bytes(), hold=True)
        running = Background(recorder(server.url, tmp_path, listener, silent_after_s=30, max_epoch_s=0.2))
        tools.wait_for(lambda: listener.gaps)
        running.end(stop=True)
        assert listener.gaps[0].reason == "epoch_rollover"
        assert [e.number for e in listener.epochs[:2]] == [1, 2]

    def test_an_ffmpeg_that_keeps_the_processor_busy_is_ended_and_another_begins(
        self, media, tmp_path, listener, tools, byte_server, monkeypatch
    ):
        monkeypatch.setattr("ingest.recorder._CPU_START_S", 0)
        monkeypatch.setattr("ingest.recorder._CPU_SHARE", 0)
        server = byte_server((media / "clicks.ts").read_bytes(), hold=True)
        running = Background(recorder(server.url, tmp_path, listener, silent_after_s=30, max_epoch_s=1000))
        tools.wait_for(lambda: listener.gaps)
        running.end(stop=True)
        assert listener.gaps[0].reason == "recorder_stuck"

    def test_a_live_source_without_audio_is_recorded_without_samples(self, media, tmp_path, listener, byte_server):
        server = byte_server((media / "silent.ts").read_bytes())
        end = recorder(server.url, tmp_path, listener, policy=replace(QUICK, give_up_after_s=0)).run()
        assert end.reason == "source_lost"
        assert listener.epochs[0].audio_codec == "" and listener.epochs[0].video_codec == "h264"
        assert listener.blocks == [] and end.recorded_ms == pytest.approx(12_000, abs=100)

    def test_a_live_source_with_flac_is_recorded_as_matroska(self, media, tmp_path, listener, byte_server):
        server = byte_server((media / "flac.mkv").read_bytes())
        recorder(server.url, tmp_path, listener, policy=replace(QUICK, give_up_after_s=0)).run()
        assert {Path(s.path).suffix for s in listener.segments} == {".mkv"}
        assert listener.samples().size > 11 * 16_000

    def test_a_slow_consumer_never_stalls_a_live_recording_and_can_read_again_what_it_missed(
        self, media, tmp_path, tools, byte_server
    ):
        listener = tools.listener()
        ended = threading.Event()
        remember = listener.pcm

        def stuck(epoch, first_sample, samples, arrived):
            ended.wait(20)
            remember(epoch, first_sample, samples, arrived)

        listener.pcm = stuck
        server = byte_server((media / "clicks.ts").read_bytes(), hold=True)
        running = Background(recorder(server.url, tmp_path, listener, pcm_buffer_s=1, silent_after_s=30))
        tools.wait_for(lambda: len(listener.segments) >= 5)
        ended.set()
        running.end(stop=True)
        ends = [0, *(first + block.size for _, first, block in listener.blocks)]
        firsts = [first for _, first, _ in listener.blocks]
        jump = next(i for i, first in enumerate(firsts) if first > ends[i])
        paths = [tmp_path / s.path for s in listener.segments]
        whole = np.concatenate(list(decode_pcm(paths, origin_ms=listener.epochs[0].pts_origin_ms)))
        block = listener.blocks[jump][2]
        assert np.array_equal(
            whole[firsts[jump] :][: block.size], (block / np.float32(32768))[: whole.size - firsts[jump]]
        )

    @pytest.mark.slow
    def test_killing_ffmpeg_over_rtmp_loses_under_a_segment_and_goes_on(self, tmp_path, listener, tools, rtmp_server):
        running = Background(recorder(rtmp_server.url, tmp_path, listener))
        tools.wait_for(lambda: len(listener.segments) >= 2)
        tools.wait_for(lambda: listener.blocks[-1][1] > 5 * 16_000)
        os.kill(tools.process_in(tmp_path), signal.SIGKILL)
        heard_ms = (listener.blocks[-1][1] + listener.blocks[-1][2].size) // 16
        tools.wait_for(lambda: len(listener.epochs) == 2 and any(s.epoch == 2 for s in listener.segments))
        end = running.end(stop=True)
        assert end.reason == "stopped"
        kept_ms = max(s.end_ms for s in listener.segments if s.epoch == 1)
        assert heard_ms - kept_ms < 1_000
        gap = listener.gaps[0]
        assert gap.reason == "recorder_died"
        assert kept_ms <= gap.start_ms <= gap.end_ms == listener.epochs[1].offset_ms
        assert listener.epochs[0].video_codec == "h264"

    @pytest.mark.slow
    def test_killing_the_watcher_takes_ffmpeg_with_it_and_its_segments_are_recovered(
        self, tmp_path, tools, rtmp_server, listener
    ):
        watcher = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("watch_and_print.py")), rtmp_server.url, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        lines = iter(watcher.stdout.readline, "")
        epoch = Epoch(**json.loads(next(lines)) | {"wall_start": datetime.now(UTC)})
        known = [next(lines).strip() for _ in range(2)]
        ffmpeg = tools.process_in(tmp_path)
        watcher.kill()
        watcher.wait()
        known += [line.strip() for line in lines]
        watcher.stdout.close()
        tools.wait_for(lambda: not Path(f"/proc/{ffmpeg}").exists() or tools.process_in(tmp_path) is None, 3)
        shutil.rmtree(tmp_path / "streams/room/0002", ignore_errors=True)
        found = recover_orphans(tmp_path, [epoch], known[:1])
        assert [s.sequence for s in found] == list(range(2, len(found) + 2))
        assert found[0].path == known[1]
        assert found[0].end_ms <= found[1].start_ms + 100 and found[1].end_ms > found[1].start_ms
        assert recover_orphans(tmp_path, [epoch], [known[0], *(s.path for s in found)]) == []
        last = found[-1]
        resume = ResumePoint(2, last.sequence + 1, last.end_ms, datetime.now(UTC) - timedelta(seconds=3))
        rtmp_server.wait_until_listening()
        running = Background(recorder(rtmp_server.url, tmp_path, listener, resume=resume))
        tools.wait_for(lambda: listener.segments)
        running.end(stop=True)
        assert listener.gaps[0].reason == "recorder_restarted"
        assert listener.gaps[0].end_ms - listener.gaps[0].start_ms >= 1_500
        assert listener.segments[0].sequence == resume.sequence


@given(attempt=st.integers(0, 10_000), seed=st.integers())
def test_reconnect_delays_grow_and_stay_within_their_bounds(attempt, seed):
    policy = ReconnectPolicy(first_delay_s=0.5, max_delay_s=8, jitter=0.25)
    base = min(8, 0.5 * 2 ** min(attempt, 30))
    assert 0.75 * base <= policy.delay_s(attempt, random.Random(seed)) <= 1.25 * base


def test_the_stream_folder_is_the_one_to_lock(tmp_path):
    assert stream_path(tmp_path, "room") == tmp_path / "streams/room"
