"""A database of an earlier schema is brought up to date with everything in it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command

from store import alerts, engine, outbox, streams
from store.engine import _config, open_database


def old_database(path: Path) -> None:
    """What the first release left behind: one stream with one alert."""
    old = sa.create_engine(f"sqlite:///{path}")
    command.upgrade(_config(old), "0001")
    with old.begin() as c:
        c.execute(
            sa.text(
                "INSERT INTO streams (name, source, shop, host, room, title, product, created_at)"
                " VALUES ('s', 'a.mp4', '花店', '', '', '', '面霜', '2026-11-11T12:00:00.000Z')"
            )
        )
        finding = (
            '{"rule_id": "COS-1", "category": "cosmetic_special", "severity": "high", "verdict": "violation",'
            ' "start": 0, "end": 4, "matched": "三天祛斑", "canonical": "三天祛斑", "method": "text", "score": 1.0,'
            ' "title": "t", "legal_basis": [], "advice": "", "advice_en": "", "pack": "p", "pack_version": "1",'
            ' "pack_sha256": ""}'
        )
        c.execute(
            sa.text(
                "INSERT INTO alerts VALUES ('a1', 'confirmed', 's', 0, 1000, 1900, '2026-11-11T12:00:01.000Z',"
                " '三天祛斑', 700, NULL, '面霜', 'COS-1', 'cosmetic_special', 'high', 'violation', 1.0, :finding)"
            ),
            {"finding": finding},
        )
    old.dispose()


def test_data_of_the_first_schema_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "livewitness.db"
    old_database(path)
    db = open_database(path)
    with db.read() as c:
        (stream,) = streams.list_streams(c)
        (alert,) = alerts.list_alerts(c)
    assert stream.shop == "花店"
    assert (alert.id, alert.text, alert.count, alert.correction, alert.reason) == ("a1", "三天祛斑", 1, None, "")
    with db.write() as c:
        outbox.append(c, "alert", alert)
        assert alerts.update_alert(c, alerts.list_alerts(c)[0])
    db.close()
    again = open_database(path)
    with again.read() as c:
        assert outbox.newest(c) == 1
    again.close()


def test_whoever_is_killed_in_the_midst_of_migrations_begins_anew(tmp_path: Path, monkeypatch) -> None:
    """All of them are one transaction: half of one, or one without its number, would be there for good."""
    path = tmp_path / "livewitness.db"
    traced: list[str] = []

    def prepare(connection, record) -> None:
        prepared(connection, record)
        connection.set_trace_callback(traced.append)

    prepared = engine._prepare
    monkeypatch.setattr(engine, "_prepare", prepare)
    open_database(path).close()
    ends = [n for n, statement in enumerate(traced) if statement.startswith(("COMMIT", "ROLLBACK"))]
    tables = [n for n, statement in enumerate(traced) if statement.lstrip().startswith("CREATE TABLE")]
    assert len(tables) > 20
    assert [n for n in ends if n < tables[-1]] == []
