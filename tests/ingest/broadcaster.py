"""Live servers for tests: one clock for everybody who connects, as a real broadcast has, over HTTP or as HLS."""

import contextlib
import functools
import http.server
import socket
import threading
import time
from pathlib import Path

_CHUNK = 188


class Broadcaster:
    """Sends MPEG-TS parts one after another over HTTP, each in its time; who connects later gets what is sent then."""

    def __init__(self, *parts, speed=1.0):
        """``parts``: (bytes, seconds)."""
        self._chunks = []
        at = 0.0
        for data, seconds in parts:
            for first in range(0, len(data), _CHUNK):
                self._chunks.append((at + first / len(data) * seconds / speed, data[first : first + _CHUNK]))
            at += seconds / speed
        self._began = None
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.05)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        self.connections = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/live.ts"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._listening.close()

    def _accept(self):
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listening.accept()
                self.connections += 1
                self._threads.append(threading.Thread(target=self._send, args=(connection,)))
                self._threads[-1].start()

    def _send(self, connection):
        with connection, contextlib.suppress(ConnectionError, TimeoutError):
            connection.settimeout(5)
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            self._began = self._began or time.monotonic()
            joined = time.monotonic() - self._began
            for at, chunk in self._chunks:
                if at < joined:
                    continue
                if self._stop.wait(max(0.0, self._began + at - time.monotonic())):
                    return
                connection.sendall(chunk)
            self._stop.wait()


class Playlist:
    """A live HLS server: a segment every ``seconds``, the last six listed; ``None`` marks a discontinuity."""

    def __init__(self, folder: Path, segments, *, seconds=1.0, target=2):
        self._folder, self._target = folder, target
        self._listed = []
        self._sequence = 0
        handler = functools.partial(_Quiet, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._server.serve_forever)]
        self._threads.append(threading.Thread(target=self._grow, args=(list(segments), seconds)))
        self._write()
        for thread in self._threads:
            thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}/live.m3u8"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()

    def _grow(self, segments, seconds):
        mark = ""
        for number, data in enumerate(segments):
            if data is None:
                mark = "#EXT-X-DISCONTINUITY\n"
                continue
            name = f"{number:04d}.ts"
            (self._folder / name).write_bytes(data)
            self._listed.append(f"{mark}#EXTINF:{self._target:.3f},\n{name}\n")
            mark = ""
            self._write()
            if self._stop.wait(seconds):
                return

    def _write(self):
        dropped = max(0, len(self._listed) - 6)
        head = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{self._target}\n#EXT-X-MEDIA-SEQUENCE:{dropped}\n"
        new = self._folder / "live.m3u8.new"
        new.write_text(head + "".join(self._listed[dropped:]))
        new.replace(self._folder / "live.m3u8")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
