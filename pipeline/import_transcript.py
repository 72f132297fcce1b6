"""Stores a transcript made elsewhere as utterances of a stream, judged and indexed like our own."""

import hashlib
from dataclasses import dataclass, replace

from asr.transcriber import Heard
from claims.checker import Checker
from core.clock import utc_now
from core.records import Alert, Epoch, ModelIdentity, Stream
from pipeline.scribe import Scribe, shelf_of
from pipeline.transcripts import Line
from store import recordings, streams
from store.engine import Database

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import added; ``known`` lines were there before."""

    lines: int
    known: int
    alerts: tuple[Alert, ...]


def import_transcript(db: Database, checker: Checker, stream: Stream, lines: list[Line]) -> Imported:
    """Add ``lines`` to ``stream`` as an epoch without recording. The same transcript twice adds nothing."""
    content = "\n".join(f"{line.start_ms} {line.end_ms} {line.text}" for line in lines)
    digest = hashlib.sha256(content.encode()).hexdigest()
    with db.write() as connection:
        stream = streams.open_stream(connection, stream)
        epochs = recordings.list_epochs(connection, stream.name)
        known = next((e for e in epochs if e.content_sha256 == digest), None)
        number = known.number if known else max((e.number for e in epochs), default=0) + 1
        epoch = known or Epoch(stream.name, number, 0, utc_now(), stream.source, content_sha256=digest)
        recordings.put_epoch(connection, epoch)
    scribe = Scribe(db, checker, ModelIdentity("transcript", digest), shelf_of(db, stream.name, stream.product))
    added = 0
    raised: list[Alert] = []
    heard = [Heard(line.start_ms, line.end_ms, line.text, (), (), 0.0) for line in _apart(lines)]
    for first in range(0, len(heard), _BATCH):
        batch = heard[first : first + _BATCH]
        written = scribe.write(batch, epoch, batch[-1].end_ms)
        added += len(written.utterances)
        raised += [change.alert for change in written.changes if change.kind == "raised"]
    with db.write() as connection:
        recordings.put_epoch(connection, replace(epoch, complete=True))
        streams.end_stream(connection, stream.name, utc_now())
    return Imported(added, len(lines) - added, tuple(raised))


def _apart(lines: list[Line]) -> list[Line]:
    """Lines in order of time, each with a start of its own: an utterance is known by it, equal ones would be lost."""
    apart: list[Line] = []
    for line in lines:
        start = max(line.start_ms, apart[-1].start_ms + 1) if apart else line.start_ms
        apart.append(replace(line, start_ms=start, end_ms=max(line.end_ms, start)))
    return apart
