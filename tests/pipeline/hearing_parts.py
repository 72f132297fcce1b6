"""Recognition that a test holds in its hand, and a source that drops: no weights, real ffmpeg."""

import subprocess
import threading
import time
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from asr.decode import AudioWindow, Decoded
from asr.transcriber import Listener
from asr.windows import LIVE_POLICY
from asr.words import Token
from core.records import ModelIdentity, Word
from evidence.live_log import SealOptions
from ingest.commands import ffmpeg_path
from models.speech import FRAME_SAMPLES
from pipeline.live import WatchParts
from store.engine import Database

MODEL = ModelIdentity("none", "0" * 64)


class Chatter:
    """A voice detector of a place where somebody always speaks."""

    def __init__(self) -> None:
        self._over = 0

    def probabilities(self, samples):
        frames, self._over = divmod(self._over + len(samples), FRAME_SAMPLES)
        return np.ones(frames, dtype=np.float32)

    def reset(self) -> None:
        self._over = 0


class HandScheduler:
    """Decodes finals one after the other while ``go`` is set; ``fails(window)`` may raise. Four may wait."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.fails = lambda window: None
        self.heard: list[tuple[int, int]] = []

    def stream(self, _name: str):
        room = threading.Semaphore(4)
        closed = threading.Event()

        def final(window: AudioWindow) -> "Future[Decoded]":
            while not room.acquire(timeout=0.02):
                if closed.is_set():
                    break
            future: Future[Decoded] = Future()
            threading.Thread(target=self._decode, args=(window, future, room, closed), daemon=True).start()
            return future

        return SimpleNamespace(final=final, provisional=_dropped, close=closed.set)

    def _decode(self, window: AudioWindow, future: "Future[Decoded]", room: threading.Semaphore, closed) -> None:
        while not self.go.wait(0.02):
            if closed.is_set():
                future.cancel()
                return
        room.release()
        try:
            self.fails(window)
        except Exception as error:  # noqa: BLE001 - what a test has it raise
            future.set_exception(error)
            return
        start, end = window.keep or window.speech[0]
        self.heard.append((start, end))
        word = Word(f"话{start}", start, end, 0.9)
        future.set_result(Decoded((Token(word.text, start, end, word),), (), -0.1))


def _dropped(_window: AudioWindow) -> "Future[Decoded]":
    future: Future[Decoded] = Future()
    future.cancel()
    return future


def hand_parts(db: Database, data: Path, scheduler: HandScheduler) -> WatchParts:
    """What a watch needs, with recognition in the test's hand and no rules."""
    checker = SimpleNamespace(packs=(), joins=lambda *_: False, check=lambda *_: ())
    return WatchParts(
        db,
        data,
        checker,
        MODEL,
        lambda start_ms, _live: Listener(Chatter(), LIVE_POLICY, start_ms=start_ms),
        scheduler,
        seal=SealOptions(60.0),
    )


def make_stream(path: Path, seconds: int) -> bytes:
    """MPEG-TS with a key frame every 0.2 s and a tone."""
    pictures = ["-f", "lavfi", "-i", f"testsrc2=size=64x48:rate=25:duration={seconds}"]
    sound = ["-f", "lavfi", "-t", str(seconds), "-i", "sine=frequency=440:sample_rate=16000"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-c:a", "aac", "-b:a", "24k", "-muxdelay", "0"]
    subprocess.run([ffmpeg_path(), "-v", "error", "-y", *pictures, *sound, *coded, str(path)], check=True, timeout=60)
    return path.read_bytes()


class DroppingServer:
    """Sends a stream at ``rate`` times its pace, to each who connects from its beginning, and then hangs up.

    From connection ``last`` on the line stays open when all is sent. ``gone``: nobody answers.
    """

    def __init__(self, content: bytes, seconds: float, *, rate: float = 1.0, last: int = 1_000) -> None:
        self.connections = 0
        self.gone = False
        self.ends: list[float] = []
        self.over = threading.Event()
        step = len(content) // round(seconds * 20) // 188 * 188
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if outer.gone:
                    self.send_error(503)
                    return
                outer.connections += 1
                mine = outer.connections
                self.send_response(200)
                self.send_header("Content-Type", "video/mp2t")
                self.end_headers()
                try:
                    for at in range(0, len(content), step):
                        self.wfile.write(content[at : at + step])
                        if outer.over.wait(0.05 / rate):
                            return
                except OSError:
                    return
                outer.ends.append(time.monotonic())
                if mine >= last:
                    outer.over.wait(60)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/live.ts"

    def __enter__(self) -> "DroppingServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
