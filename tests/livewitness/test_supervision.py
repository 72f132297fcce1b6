"""Who named a source decides where it may be; what the operator wrote down goes before what came over the API."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.egress import Egress
from core.records import Epoch, Stream
from core.settings import Settings
from core.watch_config import WatchConfig
from livewitness.supervision import guard_for, heard_s, resume_watches
from pipeline.supervisor import Supervisor
from store import recordings, streams, watches
from store.engine import open_database
from store.watches import WantedWatch
from tests.alerting import BEGUN

CAMERA = WatchConfig(name="camera", source="rtsp://10.0.0.5/live")


def test_only_what_the_operator_wrote_down_may_be_internal() -> None:
    settings = Settings()
    assert guard_for(settings, CAMERA, [CAMERA]) is None
    assert guard_for(settings, CAMERA, []) == Egress()
    elsewhere = CAMERA.model_copy(update={"source": "rtsp://10.0.0.6/live"})
    assert guard_for(settings, elsewhere, [CAMERA]) == Egress()


def test_the_settings_can_let_everything_in() -> None:
    settings = Settings(allow_internal_targets=True)
    assert guard_for(settings, CAMERA, []) == guard_for(settings, CAMERA, [CAMERA]) == Egress(allow_internal=True)


@pytest.fixture
def db(tmp_path: Path):
    database = open_database(tmp_path / "livewitness.db")
    yield database
    database.close()


def test_a_stream_of_the_file_that_also_came_over_the_api_is_watched_as_written(db, caplog) -> None:
    asked = WatchConfig(name="camera", source="https://live.example/old.m3u8")
    other = WatchConfig(name="other", source="https://live.example/other.m3u8")
    with db.write() as connection:
        for config in (asked, other):
            watches.put_watch(connection, WantedWatch(config.name, config.model_dump(), wanted=False))
    supervisor = Supervisor(lambda config, emit: None, lambda event: None)  # nothing is started here
    supervisor.add(CAMERA, start=False)
    resume_watches(db, supervisor)
    assert [(state["name"], state["source"]) for state in supervisor.states()] == [
        ("camera", CAMERA.source),
        ("other", other.source),
    ]
    assert "camera" in caplog.text
    supervisor.close()


def test_how_far_recognition_has_come_is_the_cursor_of_the_newest_epoch(db, tmp_path: Path) -> None:
    assert heard_s(db, CAMERA) is None
    with db.write() as connection:
        streams.open_stream(connection, Stream("camera", CAMERA.source))
        for number, offset in ((1, 0), (2, 60_000)):
            epoch = Epoch("camera", number, offset, BEGUN, CAMERA.source, "h264", "aac")
            recordings.put_epoch(connection, epoch)
        recordings.advance_cursor(connection, "camera", 2, 64_500)
    assert heard_s(db, CAMERA) == 64.5
    (tmp_path / "file.mp4").write_bytes(b"")
    file = CAMERA.model_copy(update={"source": str(tmp_path / "file.mp4")})
    assert heard_s(db, file) is None, "a file is not waited for"
    with db.write() as connection:
        recordings.put_epoch(connection, replace(epoch, number=3, audio_codec=""))
    assert heard_s(db, CAMERA) is None, "there is nothing to hear"
