"""Is the service's port free, or ours already."""

import socket

from core.errors import Sentence
from core.health import CheckResult
from core.settings import Settings


def check(settings: Settings) -> CheckResult:
    """Holds when the port can be bound on loopback, or a LiveWitness answers on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", settings.port))
            free = True
        except OSError:
            free = False
    detail = (
        Sentence(f"127.0.0.1:{settings.port} 可用", f"127.0.0.1:{settings.port} is free")
        if free
        else Sentence(f"127.0.0.1:{settings.port} 已被占用", f"127.0.0.1:{settings.port} is in use")
    )
    repair = Sentence(
        "若是本服务在运行则无需处理；否则用 serve --port 换一个端口",
        "fine if this service is running; otherwise name another with serve --port",
    )
    return CheckResult("port", free, detail, repair)
