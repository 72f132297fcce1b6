"""Servers on loopback for tests of the guard: one that must not be reached, and one that may be and counts."""

import contextlib
import http.server
import threading
from pathlib import Path


class Server:
    """Answers with what ``pages`` holds by path: bytes, or (status, location). Remembers each request in ``hits``."""

    def __init__(self, pages=None, *, tls=None):
        self.pages = dict(pages or {})
        self.hits = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.hits.append(self.path)
                page = outer.pages.get(self.path, (404, ""))
                status, location = page if isinstance(page, tuple) else (200, "")
                body = page if isinstance(page, bytes) else b""
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(body)

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def url(self, path, host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.port}{path}"

    def add_folder(self, folder: Path):
        self.pages |= {f"/{path.name}": path.read_bytes() for path in folder.iterdir()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
