"""A data directory with everything that retention has to find: media, words, alerts, reviews, clips, files received."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.clock import plus_ms
from core.records import ModelIdentity, ReviewAction, Segment, Stream, TimelineEvent, TimelineKind, Utterance, Word
from evidence.audit import Actor
from evidence.deletion import RetentionContext
from evidence.leaves import Session
from evidence.live_log import LiveLog, SealOptions
from evidence.retention import RetentionPolicy
from evidence.retention_plan import Plan, make_plan
from index.ingest import add_to_index
from ingest.layout import epoch_path
from store import alerts, outbox, recordings, retention, reviews, streams, timeline, utterances, vectors
from store.engine import Database, open_database
from store.retention import RetentionClass
from tests.alerting import an_alert
from tests.timecode import plain_epoch

ENDED = datetime(2023, 1, 10, 12, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SEGMENT_MS = 4_000
ACTOR = Actor("管理员", "desk", "cli")
MODEL = ModelIdentity("test", "a" * 64)


@dataclass
class Archive:
    """A data directory, and short ways to fill and ask it."""

    data: Path
    db: Database

    @property
    def context(self) -> RetentionContext:
        seal = SealOptions(3600, "", "livewitness test")
        return RetentionContext(self.db, self.data, seal, ACTOR, RetentionPolicy())

    def plan(self, now: datetime = NOW) -> Plan:
        return make_plan(self.db, self.data, now, self.context.policy)

    def segments(self, stream: str) -> list[Segment]:
        with self.db.read() as connection:
            return recordings.list_segments(connection, stream)

    def files(self) -> dict[str, str]:
        """Every file but the database and keys, by its path, with its hash."""
        found = [p for p in self.data.rglob("*") if p.is_file() and not p.name.startswith("livewitness.db")]
        return {p.relative_to(self.data).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def open_archive(data: Path) -> Archive:
    return Archive(data, open_database(data / "livewitness.db"))


def add_stream(
    archive: Archive,
    name: str,
    words: Sequence[str],
    chosen: RetentionClass | None = RetentionClass.LIVE,
    ended: datetime | None = ENDED,
    host: str = "",
) -> None:
    """A stream with a segment of 4 s for each sentence, each said in the middle of its segment, with an alert."""
    db = archive.db
    epoch = replace(plain_epoch(name, 1), wall_start=ENDED - timedelta(hours=1), complete=True)
    stream = Stream(name, "https://example.invalid/secret", shop="花店", host=host or f"主播{name}", title="标题")
    with db.write() as connection:
        streams.open_stream(connection, stream)
        recordings.put_epoch(connection, epoch)
        if chosen is not None:
            retention.put_class(connection, name, chosen)
    session = Session(stream, "test", "recorded", "livewitness test", MODEL)
    with LiveLog(db, archive.data, session, SealOptions(3600)) as log:
        log.started()
        for number, text in enumerate(words, 1):
            _say(archive, name, number, text, log)
        log.ended("ended")
    if ended is not None:
        with db.write() as connection:
            streams.end_stream(connection, name, ended)
    _keep_clip(archive, name, [1, 2][: len(words)])


def _say(archive: Archive, name: str, number: int, text: str, log: LiveLog) -> None:
    start = (number - 1) * SEGMENT_MS
    path = epoch_path(archive.data, name, 1) / f"{number:08d}.ts"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"{name} {number}".encode() * 500)
    segment = Segment(
        name,
        1,
        number,
        path.relative_to(archive.data).as_posix(),
        hashlib.sha256(path.read_bytes()).hexdigest(),
        path.stat().st_size,
        start,
        start + SEGMENT_MS,
        start,
        start + SEGMENT_MS,
        plus_ms(ENDED, start),
    )
    said = tuple(Word(c, start + 1_000 + 100 * n, start + 1_100 + 100 * n, 0.9) for n, c in enumerate(text))
    spoken = Utterance(name, 1, start + 1_000, start + 3_000, text, said, MODEL, plus_ms(ENDED, start))
    with archive.db.write() as connection:
        recordings.add_segment(connection, segment)
        key = utterances.add_utterance(connection, spoken) or 0
        add_to_index(connection, replace(spoken, id=key))
        vectors.add_vectors(connection, "m" * 64, [key], __import__("numpy").ones((1, 4), dtype="float32"))
        alert = replace(
            an_alert(f"{name}-{number}", name, utterance_id=key),
            text=text,
            start_ms=start + 1_000,
            end_ms=start + 3_000,
            finding=replace(an_alert().finding, matched=text),
        )
        alerts.add_alert(connection, alert)
        outbox.append(connection, "alert", alert)
        order = reviews.ReviewOrder(alert.id, ReviewAction.DISMISS, "复核员", 0, note=f"理由：{text}")
        reviews.add_review(connection, order)
        comment = TimelineEvent(name, start + 2_000, TimelineKind.COMMENT, f"弹幕{text}", ENDED, author=f"观众{text}")
        timeline.add_event(connection, comment)
    log.segment(segment)


def _keep_clip(archive: Archive, name: str, made_of: list[int]) -> None:
    folder = archive.data / "clips"
    folder.mkdir(exist_ok=True)
    key = hashlib.sha256(name.encode()).hexdigest()[:32]
    (folder / f"{key}.mp4").write_bytes(b"clip of " + name.encode())
    (folder / f"{key}.json").write_text(json.dumps({"stream": name, "segments": made_of, "sha256": "0"}))
