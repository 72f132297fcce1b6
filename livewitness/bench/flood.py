"""A flood of searches from a process of its own: so many a second, from so many addresses of loopback."""

import http.client
import itertools
import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import quote, urlsplit

from livewitness.bench.spread import Spread, spread

_SPAWN = multiprocessing.get_context("spawn")
_THREADS = 48
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Flood:
    """How hard: requests a second for so many seconds. Each visitor has an address, and so a throttle, of its own."""

    rate: float
    seconds: float
    visitors: int
    queries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FloodReport:
    """What came of it: answers by status, requests without an answer, and how long those that were served took."""

    wanted_per_s: float
    sent_per_s: float
    visitors: int
    answers: dict[str, int]
    server_errors: int
    unanswered: int
    served: Spread


@dataclass(slots=True)
class _Tally:
    answers: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    served_ms: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: int, took_ms: float) -> None:
        with self.lock:
            self.answers[status] += status > 0
            self.unanswered += status == 0
            if status == 200:
                self.served_ms.append(took_ms)


@contextmanager
def flooding(url: str, flood: Flood) -> Iterator["Connection[Any, Any]"]:
    """A process that floods ``url`` while this is open; its `FloodReport` comes down the connection at its end."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_flood, args=(url, flood, theirs), daemon=True, name="flood")
    process.start()
    try:
        yield ours
    finally:
        process.join(_TIMEOUT_S)
        process.kill()
        process.join()


def _flood(url: str, flood: Flood, out: "Connection[Any, Any]") -> None:
    """The process: threads take turns in sending at the moments that the rate asks for."""
    tally, turns = _Tally(), itertools.count()
    begun = time.perf_counter()
    threads = [
        threading.Thread(target=_send, args=(url, flood, number, turns, begun, tally)) for number in range(_THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    sent = sum(tally.answers.values()) + tally.unanswered
    answers = {str(status): count for status, count in sorted(tally.answers.items())}
    failed = sum(count for status, count in tally.answers.items() if status >= 500)
    out.send(
        FloodReport(
            flood.rate,
            round(sent / took, 1),
            flood.visitors,
            answers,
            failed,
            tally.unanswered,
            spread(tally.served_ms),
        )
    )


def _send(  # noqa: PLR0917 - a thread's share of one flood
    url: str, flood: Flood, number: int, turns: "itertools.count[int]", begun: float, tally: _Tally
) -> None:
    parts = urlsplit(url)
    source = (f"127.0.0.{2 + number % flood.visitors}", 0)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, _TIMEOUT_S, source_address=source)
    while (due := next(turns) / flood.rate) < flood.seconds:
        time.sleep(max(0.0, begun + due - time.perf_counter()))
        query = flood.queries[int(due * flood.rate) % len(flood.queries)]
        sent = time.perf_counter()
        try:
            connection.request("GET", f"/api/v1/search?q={quote(query)}")
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            connection.close()
            status = 0
        tally.add(status, (time.perf_counter() - sent) * 1000)
    connection.close()
