"""A copied frame keeps its hash in every container; a frame encoded anew does not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInputError
from evidence.clip import cut_clip
from evidence.frames import coded_frames, place_in
from store.engine import open_database
from tests.timecode import plain_epoch, record_epoch, write_media


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def db(data: Path):
    database = open_database(data / "livewitness.db")
    yield database
    database.close()


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_copied_frames_keep_their_hashes(db, data: Path, tmp_path: Path, codec: str, suffix: str) -> None:
    stream = f"{codec}{suffix}"
    media = write_media(tmp_path / "m.mp4", 9, video=codec)
    recorded = [coded_frames(data / s.path) for s in record_epoch(db, data, media, plain_epoch(stream))]
    clip = coded_frames(cut_clip(db, data, stream, 3_000, 6_000, tmp_path / f"c{suffix}").path)
    for kind in ("video", "audio"):
        whole = [digest for coded in recorded for digest in coded.hashes(kind)]
        assert len(clip.hashes(kind)) > 80
        assert place_in(clip.hashes(kind), whole) > 0
    assert clip.sets
    assert clip.sets <= frozenset().union(*(coded.sets for coded in recorded))


def test_frames_encoded_anew_are_other_frames(db, data: Path, tmp_path: Path) -> None:
    media = write_media(tmp_path / "m.mp4", 9)
    recorded = [coded_frames(data / s.path) for s in record_epoch(db, data, media, plain_epoch("anew"))]
    clip = coded_frames(cut_clip(db, data, "anew", 3_000, 6_000, tmp_path / "c.mp4", "exact").path)
    whole = [digest for coded in recorded for digest in coded.hashes("video")]
    assert place_in(clip.hashes("video"), whole) == -1


def test_what_is_no_media_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "x.ts"
    path.write_bytes(b"no media")
    with pytest.raises(BadInputError):
        coded_frames(path)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc"), min_size=1, max_size=4))
def test_a_part_is_found_where_text_search_finds_it(whole: list[str], part: list[str]) -> None:
    assert place_in(part, whole) == "".join(whole).find("".join(part))
