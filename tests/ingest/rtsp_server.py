"""A small RTSP server for tests: one client, G.711 sound interleaved in the connection, remembers what it was asked."""

import contextlib
import socket
import struct
import threading

SDP = b"v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n"
SDP += b"a=control:%s/track1\r\n"
_SAMPLES = 160


class RtspServer:
    """Serves ``seconds`` of sound as fast as it is taken; with ``redirect`` it sends everybody there instead."""

    def __init__(self, *, seconds=6, redirect=""):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._packets = seconds * 8000 // _SAMPLES
        self._redirect = redirect
        self.asked = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                with connection, contextlib.suppress(ConnectionError, TimeoutError):
                    connection.settimeout(5)
                    self._converse(connection)

    def _converse(self, connection):
        with connection.makefile("rb") as lines:
            while line := lines.readline():
                method, url, _ = line.decode().split()
                self.asked.append((method, url))
                fields = dict(field.decode().strip().split(": ", 1) for field in iter(lines.readline, b"\r\n"))
                self._answer(connection, method, url, fields["CSeq"])
                if method == "PLAY":
                    self._play(connection)
                    return

    def _answer(self, connection, method, url, number):
        head, body = f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\nSession: 1\r\n", b""
        if self._redirect:
            head = f"RTSP/1.0 302 Found\r\nCSeq: {number}\r\nLocation: {self._redirect}\r\n"
        elif method == "DESCRIBE":
            body = SDP % url.encode()
            head += f"Content-Base: {url}/\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP":
            head += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        elif method == "OPTIONS":
            head += "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        connection.sendall(head.encode() + b"\r\n" + body)

    def _play(self, connection):
        for number in range(self._packets):
            packet = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * _SAMPLES, 7) + b"\x7f" * _SAMPLES
            connection.sendall(struct.pack("!cBH", b"$", 0, len(packet)) + packet)
