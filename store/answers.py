"""Answers kept for their Idempotency-Key, so that a request made again is answered and not done again."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from core.clock import iso
from store.tables import idempotent_answers as answers


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The first answer to a request: ``headers`` are those that belong to its body, ``request_sha256`` the request."""

    request_sha256: str
    status: int
    headers: dict[str, str]
    body: str


def get_answer(connection: Connection, owner: str, key: str, since: datetime) -> KeptAnswer | None:
    """What ``owner`` was answered under ``key``, unless that was before ``since``."""
    query = select(answers).where(answers.c.owner == owner, answers.c.key == key, answers.c.at >= iso(since))
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    return KeptAnswer(row["request_sha256"], row["status"], json.loads(row["headers"]), row["body"])


def put_answer(connection: Connection, owner: str, key: str, answer: KeptAnswer, now: datetime) -> None:
    """Keep an answer in place of an older one."""
    row = {
        "owner": owner,
        "key": key,
        "request_sha256": answer.request_sha256,
        "status": answer.status,
        "headers": json.dumps(answer.headers),
        "body": answer.body,
        "at": iso(now),
    }
    connection.execute(insert(answers).values(row).on_conflict_do_update(index_elements=["owner", "key"], set_=row))


def forget_answers(connection: Connection, before: datetime) -> int:
    """Delete what was kept before that time; how many answers there were."""
    return connection.execute(delete(answers).where(answers.c.at < iso(before))).rowcount
