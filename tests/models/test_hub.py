"""The hub: its cache first, then one clear sentence when it cannot be reached."""

import socket

import pytest

from core.errors import ModelError
from models.cards import card
from models.hub import hub_sha256, hub_snapshot
from models.library import fetch, verify


@pytest.fixture
def nobody_listens(monkeypatch):
    """Point the hub's client at a port of this machine on which nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", address)


def test_offline_a_model_that_is_not_cached_is_simply_not_there(tmp_path):
    assert hub_snapshot("Systran/faster-whisper-small", tmp_path, "asr", offline=True) is None
    assert verify(card("whisper-small"), tmp_path).present is False


def test_an_unreachable_hub_says_what_to_do(tmp_path, nobody_listens):
    with pytest.raises(ModelError, match="could not be downloaded") as caught:
        fetch(card("whisper-small"), tmp_path)
    assert "whisper-base" in caught.value.hint.en


def test_an_id_that_is_none_is_refused(tmp_path):
    with pytest.raises(ModelError, match="not a valid hub id"):
        hub_snapshot("two words/and..dots--", tmp_path, "asr", offline=False)


def test_a_file_outside_the_hub_cache_has_no_recorded_hash(tmp_path):
    (tmp_path / "model.bin").touch()
    assert hub_sha256(tmp_path / "model.bin") == ""
