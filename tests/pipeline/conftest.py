"""A piece of the bundled broadcast, and the parts of a watch on real weights with a small rule pack."""

import subprocess
from pathlib import Path

import pytest

from asr.scheduler import DecodeScheduler
from asr.transcriber import Listener
from asr.windows import LIVE_POLICY, WindowPolicy
from claims.checker import load_checker
from core.settings import Settings
from ingest.commands import ffmpeg_path
from livewitness.broadcast import media_path
from models.vad import load_vad
from models.whisper import load_whisper
from pipeline.live import WatchParts
from store.engine import open_database


@pytest.fixture(scope="session")
def piece(tmp_path_factory) -> Path:
    """The first 24 seconds of the broadcast, untouched packets."""
    target = tmp_path_factory.mktemp("piece") / "piece.mp4"
    cut = [ffmpeg_path(), "-v", "error", "-i", str(media_path()), "-t", "24", "-c", "copy", str(target)]
    subprocess.run(cut, check=True, timeout=60)
    return target


@pytest.fixture(scope="session")
def engine():
    return load_whisper("whisper-base", cache_dir=Settings().cache_dir, device="cpu")


@pytest.fixture(scope="session")
def checker():
    return load_checker()


@pytest.fixture
def parts(tmp_path, engine, checker):
    db = open_database(tmp_path / "data" / "livewitness.db")
    scheduler = DecodeScheduler(engine)
    yield WatchParts(db, tmp_path / "data", checker, engine.identity, listener, scheduler)
    scheduler.close()
    db.close()


def listener(start_ms, live):
    return Listener(load_vad(), LIVE_POLICY if live else WindowPolicy(), start_ms=start_ms)
