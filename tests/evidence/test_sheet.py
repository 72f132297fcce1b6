"""A contact sheet shows what a clip shows, in order."""

import sys
from pathlib import Path

import cv2
import pytest

from core.errors import BadInputError, UsageError
from evidence.clip import Clip, cut_clip
from evidence.sheet import write_sheet
from store.engine import open_database
from tests.timecode import plain_epoch, record_epoch, write_media


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Clip]:
    """A clip of two seconds with pictures, and one with sound alone."""
    data = tmp_path_factory.mktemp("data")
    db = open_database(data / "livewitness.db")
    record_epoch(db, data, write_media(data / "a.mp4", 8), plain_epoch("s"))
    record_epoch(db, data, write_media(data / "b.m4a", 4, video=""), plain_epoch("sound"))
    made = {name: cut_clip(db, data, name, 1000, 3000, data / f"{name}.mp4", mode="exact") for name in ("s", "sound")}
    db.close()
    return made


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_pictures_stand_in_rows_of_four(clips: dict[str, Clip], tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"sheet{suffix}"
    assert write_sheet(clips["s"], target, pictures=6) == 6
    sheet = cv2.imread(str(target))
    height, width, _ = sheet.shape
    assert width == 4 * 320
    tile = height // 2
    first, last = sheet[: tile - 22, :320], sheet[tile : 2 * tile - 22, 320:640]
    assert cv2.absdiff(first, last).mean() > 1, "the frames are numbered, so no two are alike"
    assert sheet[tile:, 640:].max() < 40, "the last row is filled up with dark"


def test_what_cannot_be_drawn_is_refused_and_leaves_nothing(clips: dict[str, Clip], tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        write_sheet(clips["sound"], tmp_path / "a.jpg")
    with pytest.raises(UsageError):
        write_sheet(clips["s"], tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


def test_without_opencv_one_sentence_says_what_to_install(clips: dict[str, Clip], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UsageError) as caught:
        write_sheet(clips["s"], tmp_path / "a.jpg")
    assert caught.value.hint is not None
    assert "vision" in caught.value.hint.zh
