"""The command line as a user runs it: a process of its own, a data directory of its own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import pytest

from ingest.commands import ffmpeg_path
from livewitness.broadcast import media_path

ROOT = Path(__file__).parents[2]


@dataclass
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> list[dict]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Running:
    """A command that still runs; its JSON events gather in ``events``."""

    process: subprocess.Popen
    events: list[dict] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def wait_for(self, name: str, count: int = 1, seconds: float = 90) -> list[dict]:
        deadline = time.monotonic() + seconds
        while True:
            found = [event for event in self.events if event["event"] == name]
            if len(found) >= count:
                return found
            ended = self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise AssertionError(
                    f"{len(found)} of {count} {name}; exit {self.process.poll()}; {self.messages[-5:]}"
                )
            time.sleep(0.1)

    def wait(self, seconds: float = 120) -> int:
        return self.process.wait(seconds)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)


class Cli:
    """Runs ``livewitness`` with one data directory."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._running: list[Running] = []

    def _command(self, arguments: tuple) -> list[str]:
        return [sys.executable, "-m", "livewitness", *map(str, arguments)]

    def _environment(self, extra: dict[str, str]) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LIVEWITNESS_") or k == "LIVEWITNESS_CACHE"}
        return kept | {"PYTHONPATH": str(ROOT), "LIVEWITNESS_DATA": str(self.data)} | extra

    def run(
        self, *arguments, code: int | None = 0, timeout: float = 240, stdin: str | None = None, **extra: str
    ) -> Done:
        done = subprocess.run(
            self._command(arguments),
            capture_output=True,
            text=True,
            cwd=self.data.parent,
            timeout=timeout,
            input=stdin,
            env=self._environment(extra),
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        if code is not None:
            assert done.returncode == code, (done.returncode, done.stderr[-2000:])
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments, **extra: str) -> Running:
        process = subprocess.Popen(
            self._command(arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.data.parent,
            env=self._environment(extra),
        )
        running = Running(process)
        Thread(
            target=_gather, args=(process.stdout, lambda s: running.events.append(json.loads(s))), daemon=True
        ).start()
        Thread(target=_gather, args=(process.stderr, running.messages.append), daemon=True).start()
        self._running.append(running)
        return running

    def close(self) -> None:
        for running in self._running:
            if running.process.poll() is None:
                running.kill()
            for pipe in (running.process.stdout, running.process.stderr):
                pipe.close()


def _gather(pipe, take) -> None:
    with contextlib.suppress(ValueError):
        for line in pipe:
            take(line)


@pytest.fixture(scope="session")
def make_cli(tmp_path_factory):
    """``make_cli(name)``: a command line with a data directory of its own."""
    made: list[Cli] = []

    def make(name: str) -> Cli:
        made.append(Cli(tmp_path_factory.mktemp(name) / "data"))
        return made[-1]

    yield make
    for runner in made:
        runner.close()


@pytest.fixture
def cli(make_cli) -> Cli:
    return make_cli("cli")


@pytest.fixture(scope="session")
def piece(tmp_path_factory):
    """``piece(start, seconds)``: a part of the bundled broadcast, untouched packets, cut at a key frame."""
    folder = tmp_path_factory.mktemp("pieces")

    def cut(start: float, seconds: float, suffix: str = "mp4") -> Path:
        target = folder / f"{start}-{seconds}.{suffix}"
        command = [ffmpeg_path(), "-v", "error", "-y", "-ss", str(start), "-i", str(media_path())]
        subprocess.run([*command, "-t", str(seconds), "-c", "copy", str(target)], check=True, timeout=60)
        return target

    return cut


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
