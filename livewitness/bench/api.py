"""The service under a day's load: event to page, search to first byte, clip to first byte, while streams run.

A real service in a process of its own; a listener counts from the event's own time stamp to its arrival.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from core.clock import parse_iso, utc_now
from core.errors import SourceError
from livewitness.bench.flood import Flood, FloodReport, flooding
from livewitness.bench.machine import machine
from livewitness.bench.spread import Spread, spread
from livewitness.broadcast import media_path
from livewitness.client import Client
from livewitness.console import stdout
from store import outbox
from store.engine import SEARCH_CACHE_KIB, open_database

_STREAM = "bench"
QUERIES = ("三天祛斑", "全网最低价", "加微信", "稳赚不赔", "治疗失眠", "假一赔十", "国家领导人", "包邮")


@dataclass(frozen=True, slots=True)
class ApiReport:
    """What was measured, and where."""

    machine: dict[str, str | int]
    listeners: int
    streams: int
    seconds: float
    event_to_page: Spread
    search: Spread
    clip: Spread
    lost_events: int
    flood: FloodReport | None = None
    event_to_page_flooded: Spread | None = None


def run_api_bench(
    listeners: int, streams: int, seconds: float, out: Path | None = None, flood: Flood | None = None
) -> ApiReport:
    """Measure and print, then under a ``flood`` of searches; ``out``: JSON as well.

    Raises `SourceError` when the service does not start.
    """
    with tempfile.TemporaryDirectory(prefix="livewitness-api-") as folder:
        data = Path(folder) / "data"
        _livewitness(data, "watch", media_path(), "--stream", _STREAM, "--json")
        with _service(data, streams) as url:
            report = _measure(data, url, listeners, streams, seconds, flood)
    stdout.print(_table(report))
    if out is not None:
        out.write_text(json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n", "utf-8")
    return report


def _measure(  # noqa: PLR0917 - what the bench was asked for
    data: Path, url: str, listeners: int, streams: int, seconds: float, flood: Flood | None
) -> ApiReport:
    arrivals: list[float] = []
    stop = threading.Event()
    told = _Teller(data, stop)
    cursor = told.cursor
    ears = [threading.Thread(target=_listen, args=(url, cursor, arrivals, stop), daemon=True) for _ in range(listeners)]
    for ear in ears:
        ear.start()
    time.sleep(2)
    told.start()
    searches, clips = _used(url, seconds)
    calm = len(arrivals)
    flooded: FloodReport | None = None
    if flood is not None:
        with flooding(url, flood) as answer:
            flooded = answer.recv()
    stop.set()
    told.join()
    time.sleep(2)
    missing = told.count * listeners - len(arrivals)
    spreads = spread(arrivals[:calm]), spread(searches), spread(clips)
    under = spread(arrivals[calm:]) if flooded else None
    return ApiReport(machine(), listeners, streams, seconds, *spreads, missing, flooded, under)


def _used(url: str, seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds of searches and of clips as one person asks for them."""
    client = Client(url)
    searches: list[float] = []
    clips: list[float] = []
    deadline = time.monotonic() + seconds
    number = 0
    while time.monotonic() < deadline:
        searches.append(_timed(lambda: client.search(QUERIES[number % len(QUERIES)], limit=10)))  # noqa: B023 - run at once
        clips.append(_timed(lambda: _first_byte(url, number)))  # noqa: B023 - run at once
        number += 1
        time.sleep(0.2)
    return searches, clips


class _Teller(threading.Thread):
    """Writes two events a second to the outbox, as a recorder in another process does."""

    def __init__(self, data: Path, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._db = open_database(data / "livewitness.db", cache_kib=SEARCH_CACHE_KIB)
        self._stop_now = stop
        self.count = 0
        with self._db.read() as connection:
            self.cursor = outbox.newest(connection)

    def run(self) -> None:
        while not self._stop_now.wait(0.5):
            with self._db.write() as connection:
                outbox.append_event(connection, {"event": "bench", "stream": _STREAM})
            self.count += 1
        self._db.close()


def _listen(url: str, cursor: int, arrivals: list[float], stop: threading.Event) -> None:
    for event in Client(url).events(after=cursor, stream=_STREAM, timeout_s=120):
        if event.name == "bench":
            arrivals.append((utc_now() - parse_iso(event.data["at"])).total_seconds() * 1000)
        if stop.is_set() and event.name != "bench":
            return


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def _first_byte(url: str, number: int) -> None:
    start = 1 + number * 0.37 % 70
    address = f"{url}/api/v1/streams/{_STREAM}/media?start={start:.3f}&end={start + 10:.3f}&fit=true"
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - our own service
        answer.read(1)


@contextmanager
def _service(data: Path, streams: int) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = data.parent / "streams.yaml"
    source = json.dumps(str(media_path()))
    lines = [f"  - {{name: live-{n}, source: {source}, realtime: true, restart: always}}" for n in range(streams)]
    config.write_text("streams:\n" + "\n".join(lines) + "\n" if lines else "streams: []\n", "utf-8")
    arguments = ["serve", "--port", str(port), *(["--config", str(config)] if streams else [])]
    log = (data.parent / "serve.log").open("wb")
    process = subprocess.Popen(_command(*arguments), env=_environment(data), stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, url)
        yield url
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 90
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5).close()  # noqa: S310 - our own service
        except OSError:
            time.sleep(0.3)
        else:
            return
    raise SourceError("service_start", "服务没有启动起来。", "The service did not start.")


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "livewitness", *map(str, arguments)]


def _environment(data: Path) -> dict[str, str]:
    limits = {"LIVEWITNESS_DATA": str(data), "LIVEWITNESS_ACCOUNTS": "0"}
    return dict(os.environ) | limits | {"PYTHONPATH": str(Path(__file__).parents[2])}


def _livewitness(data: Path, *arguments: object) -> None:
    subprocess.run(_command(*arguments), env=_environment(data), check=True, capture_output=True, timeout=600)


def _table(report: ApiReport) -> Table:
    table = Table(title=f"{report.listeners} listeners, {report.streams} live streams, {report.seconds:.0f} s")
    for heading in ("", "count", "p50 ms", "p95 ms"):
        table.add_column(heading, justify="right" if heading else "left")
    rows = [("event to page", report.event_to_page), ("search", report.search), ("clip, first byte", report.clip)]
    flood, under = report.flood, report.event_to_page_flooded
    if flood is not None and under is not None:
        rows += [("event to page, searches flooding in", under), ("search in the flood, where served", flood.served)]
    for name, times in rows:
        table.add_row(name, str(times.count), f"{times.p50:.1f}", f"{times.p95:.1f}")
    where = report.machine
    table.caption = (
        f"lost events {report.lost_events} · {where['date']} · {where['processor']} ({where['cores']} cores)"
    )
    if flood is not None:
        answers = ", ".join(f"{count} × {status}" for status, count in flood.answers.items())
        table.caption += (
            f"\nflood: {flood.sent_per_s:.0f}/s of {flood.wanted_per_s:.0f}/s from {flood.visitors} addresses: "
            f"{answers}; server errors {flood.server_errors}, unanswered {flood.unanswered}"
        )
    return table
