"""Salvaging what a crash left open, and the segment list."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records import Epoch
from ingest.layout import epoch_path
from ingest.segments import file_sha256, measure, parse_listed, recover_orphans

EPOCH = Epoch("room", 1, 50_000, datetime(2026, 1, 1, tzinfo=UTC), "rtmp://host/x", pts_origin_ms=1_000)


@pytest.fixture
def opened(tmp_path):
    folder = epoch_path(tmp_path, "room", 1) / "open"
    folder.mkdir(parents=True)
    return folder


@given(st.integers(0, 10**8), st.integers(0, 10**9), st.integers(0, 10**9))
def test_list_lines_are_read_to_the_millisecond(number, start, end):
    listed = parse_listed(f"{number:08d}.ts,{start / 1000:.6f},{end / 1000:.6f}\n")
    assert (listed.name, listed.pts_start_ms, listed.pts_end_ms) == (f"{number:08d}.ts", start, end)


def test_a_segment_cut_off_in_the_middle_of_a_packet_is_kept_as_far_as_it_goes(media, tmp_path, opened):
    whole = (media / "clicks.ts").read_bytes()
    (opened / "00000004.ts").write_bytes(whole[: len(whole) // 2 + 77])
    start_ms, end_ms = measure(media / "clicks.ts")
    (segment,) = recover_orphans(tmp_path, [EPOCH], [])
    file = tmp_path / segment.path
    assert segment.path == "streams/room/0001/00000004.ts" and segment.sequence == 4
    assert segment.sha256 == file_sha256(file) and file.stat().st_size == segment.size
    assert segment.size % 188 == 0 and whole.startswith(file.read_bytes())
    assert segment.pts_start_ms == start_ms and start_ms + 3_000 < segment.pts_end_ms < end_ms
    assert segment.start_ms == 50_000 + start_ms - 1_000


def test_an_open_file_without_a_frame_is_removed(tmp_path, opened):
    (opened / "00000004.ts").write_bytes(b"\x47" + bytes(187))
    assert recover_orphans(tmp_path, [EPOCH], []) == []
    assert list(opened.iterdir()) == []


def test_matroska_is_salvaged_too(media, tmp_path, opened):
    whole = (media / "flac.mkv").read_bytes()
    (opened / "00000001.mkv").write_bytes(whole[: len(whole) // 2])
    (segment,) = recover_orphans(tmp_path, [EPOCH], [])
    assert segment.pts_end_ms - segment.pts_start_ms > 2_000
