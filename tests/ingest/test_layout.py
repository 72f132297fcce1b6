"""Folder names for streams of any name."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInputError
from ingest.layout import epoch_path, segment_files, stream_folder

NAMES = st.text(min_size=1, max_size=200).filter(str.strip)


@given(NAMES)
def test_any_name_gives_one_short_plain_folder(name):
    folder = stream_folder(name)
    assert 0 < len(folder) <= 120
    assert set(folder) <= set(string.ascii_letters + string.digits + "_-~.=+")
    assert not folder.startswith(".")


@given(NAMES, NAMES)
def test_different_names_get_different_folders(one, other):
    assert (stream_folder(one) == stream_folder(other)) == (one == other)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("shop-7_a.b", "shop-7_a.b"),
        ("..", "=2E."),
        ("../x", "=2E.=2Fx"),
        ("直播", "=E7=9B=B4=E6=92=AD"),
        ("a=b", "a=3Db"),
    ],
)
def test_names_stay_readable_and_never_climb(name, folder):
    assert stream_folder(name) == folder


def test_long_names_that_begin_alike_are_told_apart():
    one, other = stream_folder("播" * 100 + "一"), stream_folder("播" * 100 + "二")
    assert one != other and one[:80] == other[:80]


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_empty_and_endless_names_are_refused(name):
    with pytest.raises(BadInputError, match="stream_name"):
        stream_folder(name)


def test_only_numbered_media_files_count_as_segments(tmp_path):
    folder = epoch_path(tmp_path, "room", 3)
    assert folder == tmp_path / "streams/room/0003"
    assert segment_files(folder) == []
    folder.mkdir(parents=True)
    for name in ("00000010.ts", "00000009.mkv", "note.ts", "00000011.txt", "١.ts"):
        (folder / name).touch()
    assert [p.name for p in segment_files(folder)] == ["00000009.mkv", "00000010.ts"]
