"""The web server of ``livewitness serve``: uvicorn that ends open event streams before it waits for requests."""

import socket
import threading
from collections.abc import Sequence

import uvicorn
from fastapi import FastAPI

_GRACE_S = 10


class Service(uvicorn.Server):
    """One application. ``stopping`` is set the moment the server begins to end.

    Only ``proxies`` say where a request comes from (X-Forwarded-For); of all others their own address counts.
    """

    def __init__(
        self, app: FastAPI, host: str, port: int, stopping: threading.Event, proxies: Sequence[str] = ()
    ) -> None:
        super().__init__(
            # Its records go where all others go, and look like them.
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_config=None,
                log_level="warning",
                timeout_graceful_shutdown=_GRACE_S,
                # Given here, the variable FORWARDED_ALLOW_IPS of the server below us counts for nothing.
                proxy_headers=bool(proxies),
                forwarded_allow_ips=list(proxies),
            )
        )
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End event streams, then what uvicorn does."""
        self._stopping.set()
        await super().shutdown(sockets)
