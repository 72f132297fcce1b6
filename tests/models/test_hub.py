"""The hub: its cache first, downloads that resume and are checked, one clear sentence when it cannot be reached."""

import importlib.util
import socket
from pathlib import Path

import pytest

from core.errors import ModelError
from models.cards import card
from models.hub import hub_sha256, hub_snapshot
from models.library import fetch, resolve, sha256_file, verify

_spec = importlib.util.spec_from_file_location("hub_server", Path(__file__).with_name("hub_server.py"))
hub_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hub_server)

HUB_ID = "Systran/faster-whisper-small"
FILES = {"model.bin": bytes(range(256)) * 2_000, "config.json": b"{}", "README.md": b"not needed"}
LARGE = bytes(range(256)) * 100_000


def test_offline_a_model_that_is_not_cached_is_simply_not_there(tmp_path):
    assert hub_snapshot(HUB_ID, tmp_path, "asr", offline=True) is None
    assert verify(card("whisper-small"), tmp_path).present is False


def test_what_is_missing_is_fetched_once_and_checked(tmp_path, serve):
    server = serve(hub_server.HubServer(HUB_ID, FILES))
    folder = fetch(card("whisper-small"), tmp_path)
    assert (folder / "model.bin").read_bytes() == FILES["model.bin"]
    assert not (folder / "README.md").exists()
    assert hub_sha256(folder / "model.bin") == sha256_file(folder / "model.bin")
    assert verify(card("whisper-small"), tmp_path).verified is True
    asked = len(server.ranges)
    assert resolve("whisper-small", tmp_path) == folder
    assert len(server.ranges) == asked


def test_a_download_that_was_cut_off_goes_on_where_it_stopped(tmp_path, serve):
    server = serve(hub_server.HubServer(HUB_ID, {"model.bin": LARGE}, breaks=1))
    try:
        folder = fetch(card("whisper-small"), tmp_path)
    except ModelError:
        folder = fetch(card("whisper-small"), tmp_path)
    assert sha256_file(folder / "model.bin") == hub_sha256(folder / "model.bin")
    assert server.ranges[0] is None
    resumed_at = int(server.ranges[-1].removeprefix("bytes=").rstrip("-"))
    assert 0 < resumed_at <= len(LARGE) // 2


def test_a_repository_without_converted_weights_is_refused(tmp_path, serve):
    serve(hub_server.HubServer("someone/other", {"config.json": b"{}"}))
    with pytest.raises(ModelError, match=r"no model\.bin"):
        resolve("someone/other", tmp_path)


def test_an_id_the_hub_does_not_know(tmp_path, serve):
    serve(hub_server.HubServer(HUB_ID, FILES))
    with pytest.raises(ModelError, match="could not be downloaded"):
        resolve("someone/unknown", tmp_path)


def test_an_unreachable_hub_says_what_to_do(tmp_path, hub_at):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        hub_at(f"http://127.0.0.1:{closed.getsockname()[1]}")
    with pytest.raises(ModelError, match="could not be downloaded") as caught:
        fetch(card("whisper-small"), tmp_path)
    assert "whisper-base" in caught.value.hint.en


def test_an_id_that_is_none_is_refused(tmp_path):
    with pytest.raises(ModelError, match="not a valid hub id"):
        hub_snapshot("two words/and..dots--", tmp_path, "asr", offline=False)


def test_a_file_outside_the_hub_cache_has_no_recorded_hash(tmp_path):
    (tmp_path / "model.bin").touch()
    assert hub_sha256(tmp_path / "model.bin") == ""
