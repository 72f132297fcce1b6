"""Lists and logs made-up segments as fast as it can, until it is killed: ``python log_forever.py DATA``."""

import sys
from pathlib import Path

from core.clock import utc_now
from core.records import Segment, Stream
from evidence.leaves import Session
from evidence.live_log import LiveLog, SealOptions
from store import recordings, streams
from store.engine import open_database
from tests.evidence.logged import MODEL


def main(data: Path) -> None:
    db = open_database(data / "livewitness.db")
    with db.write() as connection:
        streams.open_stream(connection, Stream("s", "x"))
        last = recordings.last_segment(connection, "s")
    number = last.sequence if last else 0
    with LiveLog(db, data, Session(Stream("s", "x"), "x", "recorded", "test", MODEL), SealOptions(0.05)) as log:
        log.started()
        while True:
            number += 1
            path, start = f"streams/s/0001/{number:08d}.ts", number * 2_000
            segment = Segment("s", 1, number, path, f"{number:064x}", 1, start, start, start, start + 1, utc_now())
            with db.write() as connection:
                recordings.add_segment(connection, segment)
            log.segment(segment)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


main(Path(sys.argv[1]))
