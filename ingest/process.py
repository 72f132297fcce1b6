"""Running ffmpeg: its messages read and kept within bounds, its process group ended for sure."""

import ctypes
import errno
import functools
import json
import os
import pwd
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import IO

from core.errors import BadInputError, StorageError
from ingest.diagnosis import InputReport

_LAUNCHER = Path(__file__).with_name("launcher.py")
_TAIL_LINES = 200
_LINE_BYTES = 4096
_FIRST_REQUEST_S = 0.7
NETWORK_SINCE = 4
"""The version of Landlock that has rules for the network."""


@functools.cache
def takes_option(binary: str, option: str) -> bool:
    """Whether this ffmpeg knows ``option``; one that was put in place of the bundled binary may be older."""
    try:
        told = subprocess.run([binary, "-hide_banner", "-h", "long"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return f"-{option}".encode() in told.stdout


@functools.cache
def landlock_version() -> int:
    """Version of the kernel's Landlock; 0 without it. See `NETWORK_SINCE`."""
    version = ctypes.CDLL(None).syscall(444, None, 0, 1)
    return max(0, int(version))


@dataclass(frozen=True, slots=True)
class Confinement:
    """What an ffmpeg is allowed, see `ingest.launcher`. Where ``environment`` is empty it has ours.

    ``ports``: TCP ports that it may connect to. ``user``: whom to run it as, for recorders that run as root.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    user: str = ""
    memory: int = 4 * 1024**3
    files: int = 256
    cpu_s: int = 0

    def ids(self) -> tuple[int, int]:
        """User and group to become; -1 to stay. Raises `BadInputError` for a user that cannot be become."""
        if not self.user:
            return -1, -1
        try:
            entry = pwd.getpwnam(self.user)
        except KeyError as error:
            raise BadInputError(
                "no_such_user", f"本机没有用户 {self.user}。", f"There is no user {self.user} on this machine."
            ) from error
        if os.geteuid() == entry.pw_uid:
            return -1, -1
        if os.geteuid() != 0:
            raise BadInputError(
                "cannot_switch_user",
                f"只有 root 才能让 ffmpeg 以 {self.user} 的身份运行。",
                f"Only root can run ffmpeg as {self.user}.",
            )
        return entry.pw_uid, entry.pw_gid

    def hand_over(self, folder: Path) -> None:
        """Give the folder that ffmpeg writes into to the user it runs as. Raises `BadInputError`, see `ids`."""
        uid, gid = self.ids()
        if uid >= 0:
            os.chown(folder, uid, gid)

    def told(self) -> str:
        """What the launcher is told."""
        uid, gid = self.ids()
        limits = {"parent": os.getpid(), "memory": self.memory, "files": self.files, "cpu_s": self.cpu_s}
        return json.dumps({"limits": {**limits, "uid": uid, "gid": gid}, "ports": self.ports})


def start_confined(
    argv: Sequence[str],
    confinement: Confinement,
    *,
    cwd: Path,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.PIPE,
    pass_fds: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start ``argv`` behind `ingest.launcher` in a session of its own, writing nowhere but in ``cwd``.

    Raises `StorageError` when it cannot be started.
    """
    try:
        if which(argv[0]) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LAUNCHER), confinement.told(), *argv],
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=pass_fds,
            start_new_session=True,
            restore_signals=False,  # a broken pipe or a file limit is to be an error message, not a death
            env={**(confinement.environment or os.environ), "AV_LOG_FORCE_NOCOLOR": "1"},
        )
    except OSError as error:
        raise StorageError(
            "ffmpeg_start", f"无法启动 ffmpeg：{error.strerror}", f"ffmpeg cannot be started: {error.strerror}"
        ) from error


class FfmpegProcess:
    """One ffmpeg. Messages are read by a thread of its own; ``tail()`` has the last 200 lines.

    ``opened`` is set once ffmpeg has described its input, or has ended. The process leads a
    group of its own, so that a Ctrl-C at the terminal reaches only the recorder.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        pass_fds: Sequence[int] = (),
        stdout: bool = True,
        confinement: Confinement | None = None,
    ) -> None:
        self._lines: deque[str] = deque(maxlen=_TAIL_LINES)
        self._report = InputReport()
        self.opened = threading.Event()
        self._process = start_confined(
            argv,
            confinement or Confinement(),
            cwd=cwd,
            stdout=subprocess.PIPE if stdout else subprocess.DEVNULL,
            pass_fds=pass_fds,
        )
        self._reader = threading.Thread(target=self._read_messages, name="ffmpeg-messages", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its group."""
        return self._process.pid

    @property
    def report(self) -> InputReport:
        """What ffmpeg said of its input."""
        return self._report

    @property
    def stdout(self) -> IO[bytes]:
        """The pipe with the samples."""
        assert self._process.stdout is not None, "started without a pipe"  # noqa: S101 - a caller's mistake
        return self._process.stdout

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def cpu_s(self) -> float:
        """Processor time it has used so far, in seconds; 0 once it has ended."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return 0.0
        user, system = fields.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def tail(self) -> list[str]:
        """The last messages, oldest first."""
        return list(self._lines)

    def interrupt(self) -> None:
        """Ask it to finish: the open segment gets its trailer and is listed."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the whole process group at once."""
        self._signal(signal.SIGKILL)

    def stop(self, grace_s: float = 5.0) -> int:
        """End it if it still runs: politely, after ``grace_s`` by force. Returns the exit code.

        A second polite request frees an ffmpeg that waits for a silent network; it still closes its
        files. The pipes stay open for their readers, and all messages are read.
        """
        for patience in (_FIRST_REQUEST_S, grace_s):
            self.interrupt()
            try:
                self._process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        self.kill()
        code = self._process.wait()
        self._reader.join()
        return code

    def close(self) -> None:
        """`stop`, then free the pipes."""
        self.stop()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        if self.running():
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return

    def _read_messages(self) -> None:
        stderr = self._process.stderr
        if stderr is None:
            return
        while line := stderr.readline(_LINE_BYTES):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            self._lines.append(text)
            self._report.feed(text)
            if self._report.complete:
                self.opened.set()
        self.opened.set()
