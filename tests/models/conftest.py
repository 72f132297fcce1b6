"""One engine on real weights for all tests of this folder: loading takes most of a second."""

import pytest

from core.settings import Settings
from models.whisper import WhisperEngine, load_whisper


@pytest.fixture(scope="session")
def engine() -> WhisperEngine:
    return load_whisper("whisper-base", cache_dir=Settings().cache_dir, device="cpu")
