"""``bench clip`` makes a long recording without a seam and reports what it measured."""

import json

import pytest

from core.errors import StorageError
from evidence.coverage import stretches
from livewitness.bench.clip import record_repeated, run_clip_bench
from store.engine import open_database
from tests.timecode import write_media


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    return write_media(tmp_path_factory.mktemp("media") / "a.mp4", 6)


def test_the_repeated_recording_is_one_stretch(media, tmp_path):
    db = open_database(tmp_path / "livewitness.db")
    made = record_repeated(db, tmp_path, media, 40)
    db.close()
    assert len(made) >= 10
    assert len(stretches(made)) == 1
    assert 40_000 <= made[-1].end_ms <= 47_000


def test_the_report_is_printed_and_written(media, tmp_path, capsys):
    report = run_clip_bench(tmp_path / "clip.json", hours=0.012, clip_seconds=3, places=2, media=media, folder=tmp_path)
    assert [m.mode for m in report.modes] == ["copy", "exact"]
    assert all(0 <= lead <= 6000 for lead in report.modes[0].lead_ms)
    assert report.modes[1].lead_ms == (0, 0)
    assert all(m.segments_used < report.segments for m in report.modes)
    assert "exact" in capsys.readouterr().out
    written = json.loads((tmp_path / "clip.json").read_text())
    assert written["modes"][0]["seconds"] == list(report.modes[0].seconds)
    assert [p.name for p in tmp_path.iterdir()] == ["clip.json"], "the recording is removed"


def test_a_report_that_cannot_be_written_is_told_at_once(media, tmp_path):
    with pytest.raises(StorageError):
        run_clip_bench(tmp_path / "none" / "clip.json", hours=1000, media=media)
