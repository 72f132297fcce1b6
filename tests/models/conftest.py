"""One engine on real weights for all tests of this folder, and a model hub on loopback."""

import threading

import pytest

from core.settings import Settings
from models.whisper import WhisperEngine, load_whisper


@pytest.fixture(scope="session")
def engine() -> WhisperEngine:
    return load_whisper("whisper-base", cache_dir=Settings().cache_dir, device="cpu")


@pytest.fixture
def hub_at(monkeypatch):
    """Point the hub's client at another address for one test."""

    def point(url: str) -> None:
        monkeypatch.setenv("HF_ENDPOINT", url)

    return point


@pytest.fixture
def serve(hub_at):
    """Run a `HubServer` for one test and make the client use it."""
    running = []

    def start(server):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        hub_at(server.url)
        return server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()
