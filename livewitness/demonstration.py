"""The demonstration inside a running service: the bundled broadcast as a stream on loopback, watched as any other.

Its source is on loopback, where no stream that came over the API may be. It alone is let in, by being written down
beside the streams of the operator's own file while it plays (see `supervision.guard_for`).
"""

import logging
import threading
import time
from typing import Literal, Protocol

from core.errors import ConflictError, LiveWitnessError
from core.shapes import Json
from core.watch_config import WatchConfig
from ingest.hls_server import HlsLoopbackServer
from livewitness.broadcast import load_truth, media_path

_log = logging.getLogger(__name__)
_LOOK_S = 0.5
_DONE = frozenset({"ended", "stopped", "failed"})
State = Literal["idle", "playing", "ended"]


class Watcher(Protocol):
    """What is needed of `pipeline.supervisor.Supervisor`."""

    def add(self, config: WatchConfig, *, start: bool = True) -> Json:
        """Take on a stream."""
        ...

    def remove(self, name: str) -> None:
        """Forget it."""
        ...

    def states(self) -> list[Json]:
        """How all fare."""
        ...


class Demonstration:
    """Plays the broadcast at its own pace, once at a time. ``written`` is what `supervisor_of` was given: it is added
    to while the broadcast plays. Thread-safe; ``close`` at the end, before the supervisor.
    """

    def __init__(self, watcher: Watcher, written: list[WatchConfig], ffmpeg: str = "") -> None:
        self._watcher = watcher
        self._written = written
        self._ffmpeg = ffmpeg
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._state: State = "idle"
        self._stream = ""

    def state(self) -> Json:
        """``state``, the name of the stream, and how many seconds the broadcast lasts."""
        with self._lock:
            return {"state": self._state, "stream": self._stream, "seconds": round(load_truth()[-1].end)}

    def play(self) -> Json:
        """Begin. Raises `ConflictError` while it plays.

        The broadcast waits for the recorder, which may have to load its model first: so nothing of it is missed.
        """
        with self._lock:
            if self._state == "playing":
                raise ConflictError("demo_playing", "演示正在播放。", "The demonstration is playing.")
            server = HlsLoopbackServer(media_path(), ffmpeg=self._ffmpeg, when_asked=True)
            server.__enter__()
            config = _config(server.url)
            try:
                self._written.append(config)
                self._watcher.add(config)
            except LiveWitnessError:
                self._put_away(config, server)
                raise
            self._state, self._stream = "playing", config.name
            self._thread = threading.Thread(target=self._attend, args=(config, server), name="demonstration")
            self._thread.start()
        return self.state()

    def close(self) -> None:
        """Stop serving; the supervisor ends the stream itself."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _attend(self, config: WatchConfig, server: HlsLoopbackServer) -> None:
        """Until the stream has ended for good: then it is forgotten, and what was recorded stays."""
        while not self._closing.wait(_LOOK_S):
            standing = next((s["state"] for s in self._watcher.states() if s["name"] == config.name), "ended")
            if standing in _DONE:
                break
        self._put_away(config, server)
        if not self._closing.is_set():
            try:
                self._watcher.remove(config.name)
            except LiveWitnessError as error:
                _log.warning("the demonstration is still listed: %s", error)
        with self._lock:
            self._state = "ended"

    def _put_away(self, config: WatchConfig, server: HlsLoopbackServer) -> None:
        self._written.remove(config)
        server.__exit__(None, None, None)


def _config(url: str) -> WatchConfig:
    return WatchConfig(
        name=time.strftime("演示-%m%d-%H%M%S"),
        source=url,
        shop="演示小店",
        host="合成主播",
        title="内置演示直播",
        restart="never",
    )
