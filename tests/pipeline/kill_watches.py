"""Starts watches of a live source one after the other and kills each: ``python kill_watches.py URL DATA KILLS SEED``.

Everything is imported once; each watch is a fork that records with ffmpeg as any watch does, only without models:
nobody speaks in the source. After each kill what is held is compared with the log; the last watch ends by itself.
Prints a JSON object: kills, and what was found after each.
"""

import hashlib
import json
import logging
import os
import random
import select
import signal
import sqlite3
import sys
import threading
import time
import traceback
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import ingest.recorder
from asr.scheduler import DecodeScheduler
from asr.transcriber import Listener
from core.errors import ConflictError
from core.records import ModelIdentity, Stream
from evidence.live_log import SealOptions
from evidence.segment_log import log_path, read_log
from ingest.session import ReconnectPolicy
from ingest.sources import parse_source
from models.speech import FRAME_SAMPLES
from pipeline.live import StreamWatch, WatchOptions, WatchParts
from store.engine import open_database

STARTING_S = 0.8
RECORDING_S = 0.5
LAST_S = 2.0


class Nobody:
    """A voice detector of a place where nobody speaks."""

    def __init__(self) -> None:
        self._over = 0

    def probabilities(self, samples):
        frames, self._over = divmod(self._over + len(samples), FRAME_SAMPLES)
        return np.zeros(frames, dtype=np.float32)

    def reset(self) -> None:
        self._over = 0


def watch(url: str, data: Path, tell: int, begun: list[int], last: bool) -> None:
    """One run, in a process of its own."""
    ingest.recorder._SETTLE_S = 0.05
    db = open_database(data / "livewitness.db")
    scheduler = DecodeScheduler(SimpleNamespace())
    parts = WatchParts(
        db,
        data,
        SimpleNamespace(packs=(), joins=lambda *_: False),
        ModelIdentity("none", "0" * 64),
        lambda start_ms, _live: Listener(Nobody(), start_ms=start_ms),
        scheduler,
        seal=SealOptions(0.3),
    )
    options = WatchOptions(segment_seconds=0.2, reconnect=ReconnectPolicy(0.05, 0.05, 0.0, 10.0))

    def emit(event: dict) -> None:
        if event["event"] == "segment":
            os.write(tell, f"{event['sequence']} {event['sha256']}\n".encode())
            if begun:
                os.write(begun.pop(), b".")

    made = StreamWatch(parts, Stream("s", url), parse_source(url), emit, options)
    if last:
        threading.Timer(LAST_S, made.stop).start()
    while True:
        try:
            made.run()
        except ConflictError as error:
            # As the supervisor does: the lock of the killed watch is given back by the kernel in its own time.
            if error.code != "stream_busy":
                raise
            time.sleep(0.05)
        else:
            return


def start(url: str, data: Path, tell: int, last: bool = False) -> tuple[int, int]:
    """The process, and a descriptor that can be read from once it has recorded a segment."""
    readable, begun = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            watch(url, data, tell, [begun], last)
            code = 0
        except BaseException:  # noqa: BLE001 - a fork must not run on into its parent's work
            traceback.print_exc()
        os._exit(code)
    os.close(begun)
    return pid, readable


def look(data: Path, before: tuple[bytes, ...]) -> tuple[tuple[bytes, ...], list[str]]:
    """The log's lines, and what is wrong with what is held."""
    view = read_log(log_path(data, "s"))
    wrong = [] if view.lines[: len(before)] == before else ["a line that was there has changed"]
    folder = log_path(data, "s").parent
    for leaf in view.leaves:
        if leaf["kind"] == "segment":
            path = folder / leaf["file"]
            if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != leaf["sha256"]:
                wrong.append(f"{leaf['file']} is not what the log fixed")
    return view.lines, wrong


def listed(data: Path) -> list[int]:
    with sqlite3.connect(data / "livewitness.db") as connection:
        return [row[0] for row in connection.execute("SELECT sequence FROM segments ORDER BY sequence")]


def main(url: str, data: Path, kills: int, seed: int) -> None:
    logging.disable(logging.CRITICAL)
    rng = random.Random(seed)
    told_path = data.with_suffix(".told")
    tell = os.open(told_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    lines: tuple[bytes, ...] = ()
    wrong: list[str] = []
    began = time.monotonic()
    for number in range(kills):
        pid, begun = start(url, data, tell)
        if number % 4 == 0:
            time.sleep(rng.random() * STARTING_S)
        else:
            select.select([begun], [], [], 30)
            time.sleep(rng.random() * RECORDING_S)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(begun)
        lines, found = look(data, lines)
        wrong += found
    pid, _ = start(url, data, tell, last=True)
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    lines, found = look(data, lines)
    told = [line.split() for line in told_path.read_text().splitlines()]
    outcome = {
        "kills": kills,
        "seconds": round(time.monotonic() - began, 1),
        "exit": ended,
        "wrong": wrong + found,
        "told": [[int(number), digest] for number, digest in told],
        "listed": listed(data),
    }
    print(json.dumps(outcome))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
