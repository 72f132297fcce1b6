"""MPEG-TS counts time in 33 bits: what is recorded across the wrap keeps its place."""

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import commands, recorder, segments, session
from ingest.pcm import decode_pcm
from ingest.probe import AudioInfo, MediaInfo, VideoInfo
from ingest.segments import TS_WRAP_MS, unwrapped_ms
from ingest.session import StreamRecorder
from ingest.sources import parse_source

ORIGIN_MS = round(TS_WRAP_MS) - 5_000


@given(st.integers(0, 10**9), st.integers(-40_000_000, 40_000_000))
def test_a_wrapped_time_is_found_again_from_anything_within_half_a_day(at_ms, off_ms):
    assert unwrapped_ms(at_ms % TS_WRAP_MS, at_ms + off_ms) == pytest.approx(at_ms, abs=0.01)


def test_an_epoch_that_runs_over_the_wrap_has_segments_and_samples_in_a_row(
    media, tmp_path, listener, tools, monkeypatch
):
    for module in (commands, recorder, segments, session):
        monkeypatch.setattr(module, "PTS_ORIGIN_MS", ORIGIN_MS)
    source = parse_source(str(media / "clicks.mp4"))
    StreamRecorder("room", source, tmp_path, listener, segment_seconds=2, min_free_bytes=0).run()
    assert [s.start_ms for s in listener.segments] == [0, 2000, 4000, 6000, 8000, 10_000]
    assert all(one.end_ms == other.start_ms for one, other in pairwise(listener.segments))
    paths = [tmp_path / s.path for s in listener.segments]
    assert listener.segments[-1].pts_start_ms > TS_WRAP_MS, "the list counts on"
    live = listener.samples() / np.float32(32768)
    for first in (0, 2, 4):
        start_ms = listener.segments[first].start_ms + random.Random(first).choice((0, 500))
        again = np.concatenate(list(decode_pcm(paths[first:], start_ms=start_ms, origin_ms=ORIGIN_MS)))
        expected = [at - start_ms / 1000 for at in tools.clicks_in(live * 32768) if at > start_ms / 1000]
        assert len(expected) >= 2
        assert np.allclose(tools.clicks_in(again * 32768), expected, atol=0.002)


@pytest.mark.parametrize(("hours", "container"), [(2, "mpegts"), (26, "mpegts"), (27, "matroska")])
def test_a_file_longer_than_the_counter_goes_into_a_container_that_counts_on(hours, container):
    info = MediaInfo("mov", hours * 3_600_000, VideoInfo("h264", 160, 90, 25), AudioInfo("aac", 44_100, 1))
    assert session._file_plan(info).container == container
