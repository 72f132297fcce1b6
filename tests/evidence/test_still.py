"""A still is the frame that was on screen at the moment asked for."""

from pathlib import Path

import av
import pytest

from core.errors import BadInputError, NotFoundError
from core.records import Segment
from evidence.still import write_still
from store.engine import Database, open_database
from tests.timecode import FRAME_RATE, frame_number, plain_epoch, record_epoch, write_media


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def db(data: Path):
    database = open_database(data / "livewitness.db")
    yield database
    database.close()


@pytest.fixture(scope="module")
def recorded(db: Database, data: Path) -> list[Segment]:
    media = write_media(data / "a.mp4", 8)
    write_media(data / "b.m4a", 4, video="")
    record_epoch(db, data, data / "b.m4a", plain_epoch("sound"))
    return record_epoch(db, data, media, plain_epoch("s"))


def number_in(picture: Path) -> int:
    with av.open(str(picture)) as container:
        return frame_number(next(container.decode(video=0)))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("at_ms", [1, 1234, 2000, 2010, 4004, 7900])
def test_the_frame_on_screen(
    db: Database, data: Path, recorded: list[Segment], tmp_path: Path, suffix: str, at_ms: int
) -> None:
    shown_ms = write_still(db, data, "s", at_ms, tmp_path / f"still{suffix}")

    number = number_in(tmp_path / f"still{suffix}")
    assert abs(number * 1000 / FRAME_RATE - shown_ms) <= 1
    assert shown_ms <= at_ms + 1
    assert at_ms - shown_ms < 34


def test_what_cannot_be_drawn_is_refused(db: Database, data: Path, recorded: list[Segment], tmp_path: Path) -> None:
    for stream, at_ms, name, kind in [
        ("s", 1000, "a.gif", BadInputError),
        ("s", 60_000, "a.png", NotFoundError),
        ("sound", 1000, "a.png", BadInputError),
    ]:
        with pytest.raises(kind):
            write_still(db, data, stream, at_ms, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
