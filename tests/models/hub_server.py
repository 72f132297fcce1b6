"""A model hub on loopback: as much of its HTTP interface as the client needs to list and fetch one repository."""

import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c" * 40


class HubServer(ThreadingHTTPServer):
    """Serves ``files`` as repository ``hub_id``; the first ``breaks`` bodies end in the middle."""

    def __init__(self, hub_id: str, files: dict[str, bytes], breaks: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub_id, self.files, self.breaks = hub_id, files, breaks
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: HubServer

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub = self.server
        path = self.path.partition("?")[0]
        if path == f"/api/models/{hub.hub_id}/revision/main":
            siblings = [{"rfilename": name} for name in hub.files]
            self._json({"id": hub.hub_id, "sha": COMMIT, "siblings": siblings})
        elif path == f"/api/models/{hub.hub_id}/tree/{COMMIT}":
            self._json([_entry(name, data) for name, data in hub.files.items()])
        elif found := re.fullmatch(rf"/{hub.hub_id}/resolve/{COMMIT}/(.+)", path):
            self._file(hub.files[found[1]])
        else:
            self.send_error(404)

    def _json(self, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _file(self, data: bytes) -> None:
        asked = self.headers.get("Range")
        first = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        body = data[first:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body)))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("X-Linked-Etag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.end_headers()
        if self.command == "HEAD":
            return
        self.server.ranges.append(asked)
        if self.server.breaks:
            self.server.breaks -= 1
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _entry(name: str, data: bytes) -> dict[str, object]:
    sha256 = hashlib.sha256(data).hexdigest()
    lfs = {"oid": sha256, "size": len(data), "pointerSize": 130}
    return {"type": "file", "path": name, "size": len(data), "oid": "0" * 40, "lfs": lfs}
