"""A moderator's system on loopback: takes webhooks, or does what the test says."""

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass
class Taken:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float


class Receiver:
    """``answer(taken) -> status``; 0 closes without an answer, -1 drips bytes for ever."""

    def __init__(self, answer=lambda taken: 200) -> None:
        self.taken: list[Taken] = []
        self.answer = answer
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taken = Taken(self.path, {k.lower(): v for k, v in self.headers.items()}, body, time.monotonic())
                receiver.taken.append(taken)
                status = receiver.answer(taken)
                if status > 0:
                    self.send_response(status)
                    if 300 <= status < 400:
                        self.send_header("Location", "/elsewhere")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                while status < 0:
                    self.wfile.write(b"H")
                    self.wfile.flush()
                    time.sleep(0.05)
                self.close_connection = True

            def log_message(self, *_arguments) -> None:
                return

            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook?from=livewitness"

    def wait_for(self, count: int, seconds: float = 10) -> list[Taken]:
        deadline = time.monotonic() + seconds
        while len(self.taken) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.taken) >= count, self.taken
        return self.taken

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
