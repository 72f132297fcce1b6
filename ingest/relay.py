"""The way of ffmpeg to servers that are reached by TCP without HTTP: a port on loopback that leads to one target.

ffmpeg is given the port in place of the host, so it looks nothing up and connects nowhere else. TLS (rtmps, rtsps)
is spoken here, with the certificate checked against the name.
"""

import socket
import ssl
from collections.abc import Callable

from core.egress import CONNECT_S, Egress
from ingest.loopback import IDLE_S, Change, LoopbackServer, as_it_is, pump

Changes = Callable[[], tuple[Change, Change]]
"""Makes what is done to one connection's bytes: towards the server, and towards ffmpeg."""


def unchanged() -> tuple[Change, Change]:
    """Bytes pass as they are."""
    return as_it_is, as_it_is


class TcpRelay(LoopbackServer):
    """Context manager: each connection to `port` is one to a checked address of ``host``."""

    def __init__(
        self, egress: Egress, host: str, port: int, tls: ssl.SSLContext | None = None, changes: Changes | None = None
    ) -> None:
        super().__init__()
        self._egress = egress
        self._target = (host, port)
        self._tls = tls
        self.changes = changes or unchanged
        """Set before the first connection where it depends on `port`."""

    def serve(self, client: socket.socket) -> None:
        """Connect, and copy both ways."""
        with self.held(self._egress.connect(*self._target)) as upstream:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            upstream.settimeout(CONNECT_S)
            up, down = self.changes()
            if self._tls is None:
                pump(client, _idle(upstream), up=up, down=down)
                return
            with self._tls.wrap_socket(upstream, server_hostname=self._target[0]) as encrypted, self.held(encrypted):
                pump(client, _idle(encrypted), up=up, down=down)


def _idle(connection: socket.socket) -> socket.socket:
    connection.settimeout(IDLE_S)
    return connection
