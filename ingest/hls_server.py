"""A media file as a live HLS stream on loopback: for the demonstration, benchmarks and tests."""

import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.errors import BadInputError
from ingest.commands import ffmpeg_path, hls_serving
from ingest.process import FfmpegProcess

_START_S = 20.0


_TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t"}


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args: Any, begin: Callable[[], None], **kwargs: Any) -> None:  # noqa: ANN401 - as the base class has it
        self._begin = begin
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        try:
            self._begin()
        except BadInputError:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        super().do_GET()

    def guess_type(self, path: Any) -> str:  # noqa: ANN401 - as the base class has it
        return _TYPES.get(Path(path).suffix, "application/octet-stream")

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as the base class has it
        return

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True


class HlsLoopbackServer:
    """Context manager that serves ``media`` at ``url`` (127.0.0.1, a free port).

    With ``realtime`` the playlist grows as time passes, keeps six segments of 2 s (or what the key frames allow), and
    ends with ENDLIST; entering waits for the first segment, or with ``when_asked`` the first request does, so that
    whoever takes long to come misses nothing. Otherwise everything is there from the start.
    Raises `BadInputError` when the file cannot be served without re-encoding.
    """

    def __init__(self, media: Path, *, realtime: bool = True, ffmpeg: str = "", when_asked: bool = False) -> None:
        self._media = media
        self._realtime = realtime
        self._ffmpeg = ffmpeg_path(ffmpeg)
        self._folder = tempfile.TemporaryDirectory(prefix="livewitness-hls-")
        self._when_asked = when_asked
        self._asked, self._settled, self._closed = threading.Event(), threading.Event(), threading.Event()
        self._media_thread = threading.Thread(target=self._play, name="hls-media")
        handler = partial(_Handler, directory=self._folder.name, begin=self._begin)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="hls-server")

    @property
    def url(self) -> str:
        """Address of the playlist."""
        return f"http://127.0.0.1:{self._server.server_port}/live.m3u8"

    def __enter__(self) -> Self:
        self._media_thread.start()
        self._thread.start()
        if not self._when_asked:
            try:
                self._begin()
            except BadInputError:
                self._shut()
                raise
        return self

    def _begin(self) -> None:
        """Have the media played, and wait until there is something to serve. Raises `BadInputError`."""
        self._asked.set()
        self._settled.wait(_START_S + 5)
        if not self._ready(Path(self._folder.name) / "live.m3u8"):
            raise BadInputError(
                "cannot_serve",
                f"无法将该文件作为直播播放：{self._media}",
                f"The file cannot be served as a live stream: {self._media}",
            )

    def _play(self) -> None:
        """On a thread that lasts as long as the server does: ffmpeg ends with the thread that began it."""
        self._asked.wait()
        if self._closed.is_set():
            return
        folder = Path(self._folder.name)
        argv = hls_serving(self._ffmpeg, self._media.resolve(), folder, realtime=self._realtime)
        process = self._process = FfmpegProcess(argv, cwd=folder, stdout=False)
        deadline = time.monotonic() + _START_S
        while not self._ready(folder / "live.m3u8") and process.running() and time.monotonic() < deadline:
            if self._closed.wait(0.05):
                break
        self._settled.set()
        self._closed.wait()
        process.close()

    def _ready(self, playlist: Path) -> bool:
        ended = self._process is not None and not self._process.running()
        return playlist.exists() and (self._realtime or ended)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shut()

    def _shut(self) -> None:
        self._closed.set()
        self._asked.set()
        self._settled.set()
        self._media_thread.join()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._folder.cleanup()
