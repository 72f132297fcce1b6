"""Watches: streams that a person asked for over the API, with whether they should run."""

import json
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from core.clock import iso, utc_now
from core.shapes import Json
from store.tables import watches


@dataclass(frozen=True, slots=True)
class WantedWatch:
    """A stream by name, how to watch it, and whether it should run."""

    name: str
    config: Json
    wanted: bool


def put_watch(connection: Connection, watch: WantedWatch) -> None:
    """Insert a watch or replace what is known of it."""
    row = {
        "name": watch.name,
        "config": json.dumps(watch.config, ensure_ascii=False),
        "wanted": int(watch.wanted),
        "updated_at": iso(utc_now()),
    }
    connection.execute(insert(watches).values(row).on_conflict_do_update(index_elements=["name"], set_=row))


def set_wanted(connection: Connection, name: str, wanted: bool) -> None:
    """Remember that a watch should run, or not."""
    connection.execute(
        update(watches).where(watches.c.name == name).values(wanted=int(wanted), updated_at=iso(utc_now()))
    )


def remove_watch(connection: Connection, name: str) -> None:
    """Forget a watch; its recordings stay."""
    connection.execute(delete(watches).where(watches.c.name == name))


def list_watches(connection: Connection) -> list[WantedWatch]:
    """All watches by name."""
    rows = connection.execute(select(watches).order_by(watches.c.name)).mappings()
    return [WantedWatch(row["name"], json.loads(row["config"]), bool(row["wanted"])) for row in rows]
