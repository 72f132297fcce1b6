"""Secrets are sealed with a key beside the database; the database alone gives nothing away."""

import base64
import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInputError, StorageError
from store import webhooks
from store.engine import _config, open_database
from store.secrets import KEY_VARIABLE, SecretBox
from store.webhooks import Webhook

SECRET = "一个不短的密钥-0123456789"
GIVEN = {KEY_VARIABLE: base64.b64encode(bytes(32)).decode()}


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("*.db*"))


def test_what_is_stored_is_sealed_and_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    db = open_database(tmp_path / "x.db")
    with db.write() as c:
        webhooks.put_webhook(c, Webhook("desk", "https://desk.example/", SECRET))
    with db.read() as c:
        assert webhooks.get_webhook(c, "desk").secret == SECRET
    db.close()
    assert SECRET.encode() not in bytes_of(tmp_path)
    key = tmp_path / "keys" / "secrets.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_a_database_without_webhooks_needs_no_key(tmp_path: Path) -> None:
    open_database(tmp_path / "x.db").close()
    assert not (tmp_path / "keys").exists()


def test_secrets_of_an_earlier_release_are_sealed_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    command.upgrade(_config(engine), "0008")
    with engine.begin() as c:
        row = {"name": "desk", "secret": SECRET}
        c.execute(sa.text("INSERT INTO webhooks VALUES (:name, 'https://x/', :secret, '[]', 'api', 0, '')"), row)
    engine.dispose()
    db = open_database(path)
    with db.read() as c:
        assert webhooks.list_webhooks(c)[0].secret == SECRET
    db.close()
    with sqlite3.connect(path) as raw:
        assert SECRET not in raw.execute("SELECT secret FROM webhooks").fetchone()[0]


def test_a_database_without_its_key_opens_but_gives_no_secret_and_takes_a_new_one(tmp_path: Path) -> None:
    db = open_database(tmp_path / "x.db")
    hook = Webhook("desk", "https://desk.example/", SECRET)
    with db.write() as c:
        webhooks.put_webhook(c, hook)
    (tmp_path / "keys" / "secrets.key").unlink()
    with db.read() as c:
        lost = webhooks.get_webhook(c, "desk")
    assert lost.secret == ""
    with pytest.raises(BadInputError), db.write() as c:
        webhooks.put_webhook(c, lost)
    with db.write() as c:
        assert webhooks.put_webhook(c, hook).secret == SECRET
    db.close()


def test_a_key_from_the_environment_is_used_and_none_is_made(tmp_path: Path) -> None:
    box = SecretBox(tmp_path / "keys", GIVEN)
    sealed = box.seal(SECRET, "desk")
    assert SecretBox(tmp_path / "elsewhere", GIVEN).open(sealed, "desk") == SECRET
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("key", ["", "short", "x" * 44])
def test_a_key_that_is_none_is_refused_in_a_sentence(tmp_path: Path, key: str) -> None:
    (tmp_path / "secrets.key").write_text(key)
    (tmp_path / "secrets.key").chmod(0o600)
    with pytest.raises(StorageError) as caught:
        SecretBox(tmp_path, {}).seal(SECRET, "desk")
    assert caught.value.code == "secrets_key"


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    box = SecretBox(tmp_path, {})
    box.seal(SECRET, "desk")
    (tmp_path / "secrets.key").chmod(0o644)
    with pytest.raises(StorageError, match="chmod"):
        box.seal(SECRET, "desk")


def test_boxes_that_begin_at_once_share_one_key(tmp_path: Path) -> None:
    together, sealed = threading.Barrier(8), []

    def seal() -> None:
        box = SecretBox(tmp_path / "keys", {})
        together.wait()
        sealed.append(box.seal(SECRET, "desk"))

    threads = [threading.Thread(target=seal) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {SecretBox(tmp_path / "keys", {}).open(text, "desk") for text in sealed} == {SECRET}
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["secrets.key"]


@given(st.text(max_size=100), st.text(max_size=30), st.integers(0, 10_000))
def test_only_what_was_sealed_under_the_same_name_opens(secret: str, name: str, at: int) -> None:
    box = SecretBox(Path("/nowhere"), GIVEN)
    sealed = box.seal(secret, name)
    assert box.open(sealed, name) == secret
    assert box.open(sealed, name + "x") == ""
    place = 3 + at % (len(sealed) - 3)
    other = "A" if sealed[place] != "A" else "B"
    damaged = sealed[:place] + other + sealed[place + 1 :]
    assert box.open(damaged, name) in {"", secret}, "the last bits of Base64 may carry nothing"
    assert box.open(secret, name) == ""
