"""Where the service listens, and who makes the first administrator."""

from pathlib import Path

import pytest

from api.auth.credentials import accept_link, invite
from core.access import Role
from core.errors import UsageError
from core.settings import Settings
from livewitness.doorway import doorway_of, first_link, oidc_of
from store.engine import open_database


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.2", "witness.example"])
def test_without_accounts_nobody_outside_is_served(address: str) -> None:
    with pytest.raises(UsageError) as told:
        doorway_of(Settings(listen=address))
    assert told.value.code == "accounts_needed"
    assert doorway_of(Settings(listen=address, accounts=True)).hosts > {"localhost"}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_loopback_needs_none(address: str) -> None:
    assert not doorway_of(Settings(listen=address)).secure


def test_a_public_address_is_answered_to() -> None:
    doorway = doorway_of(Settings(public_url="https://witness.example/", accounts=True))
    assert doorway.url == "https://witness.example/"
    assert doorway.secure
    assert "witness.example" in doorway.hosts
    with pytest.raises(UsageError):
        doorway_of(Settings(public_url="ftp://witness.example"))


def test_the_first_administrator_has_one_link_at_a_time(tmp_path: Path) -> None:
    db = open_database(tmp_path / "livewitness.db")
    first, second = first_link(db), first_link(db)
    assert first != second
    done = accept_link(db, second.partition("#")[2], "long enough 口令 1")
    assert done.visitor.role == "admin"
    assert first_link(db) == ""
    db.close()


def test_where_an_issuer_sends_administrators_no_link_is_made(tmp_path: Path) -> None:
    db = open_database(tmp_path / "livewitness.db")
    assert first_link(db)
    invite(db, "from the issuer", Role.ADMIN, "")
    assert first_link(db) == ""
    db.close()


def test_an_issuer_needs_a_client_and_roles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the client\n")
    given = {"accounts": True, "oidc_issuer": "https://id.example/realm", "oidc_client_id": "lw"}
    whole = Settings(**given, oidc_roles={"desk": "moderator"}, oidc_secret_file=secret, public_url="https://w.example")
    found = oidc_of(whole, doorway_of(whole))
    assert found is not None
    assert (found.secret, found.label) == ("of the client", "id.example")
    assert found.redirect_uri == "https://w.example/api/v1/session/oidc/callback"
    monkeypatch.setenv("LIVEWITNESS_OIDC_SECRET", "from the environment")
    named = oidc_of(whole.model_copy(update={"oidc_secret_file": None}), doorway_of(whole))
    assert named is not None
    assert named.secret == "from the environment"
    for lacking in ({"oidc_roles": {}}, {"oidc_roles": {"desk": "boss"}}, {"oidc_client_id": ""}):
        partial = whole.model_copy(update=lacking)
        with pytest.raises(UsageError, match="oidc_settings"):
            oidc_of(partial, doorway_of(partial))
    assert oidc_of(Settings(accounts=True), doorway_of(Settings())) is None
