"""The web server of ``livewitness serve``: uvicorn that ends open event streams before it waits for requests."""

import socket
import threading

import uvicorn
from fastapi import FastAPI

_GRACE_S = 10


class Service(uvicorn.Server):
    """One application on loopback. ``stopping`` is set the moment the server begins to end."""

    def __init__(self, app: FastAPI, host: str, port: int, stopping: threading.Event) -> None:
        super().__init__(
            # Its records go where all others go, and look like them.
            uvicorn.Config(
                app, host=host, port=port, log_config=None, log_level="warning", timeout_graceful_shutdown=_GRACE_S
            )
        )
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End event streams, then what uvicorn does."""
        self._stopping.set()
        await super().shutdown(sockets)
