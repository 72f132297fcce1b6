"""Watching streams over the API: begin, end, see how each fares. What was asked for survives a restart."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Request

from api.auth.access import Operating
from api.context import ApiContext, Context, Watches
from api.errors import ERRORS
from api.once import OnceRoute, once
from api.trail import note
from core.egress import addresses_of
from core.errors import BadInputError, ConflictError, Sentence
from core.watch_config import WatchConfig
from store import watches as wanted
from store.watches import WantedWatch

router = APIRouter(prefix="/api/v1/watches", tags=["watches"], responses=ERRORS, route_class=OnceRoute)
WatchName = Annotated[str, Path(max_length=200, description="直播名 / name of the stream")]
_PORTS = {"http": 80, "https": 443, "rtmp": 1935, "rtmps": 443, "rtsp": 554, "rtsps": 322, "srt": 9000}


@router.get("", summary="各路监看的状态 / How watched streams fare")
def list_watches(context: Context, _operator: Operating) -> dict[str, Any]:
    """State of every stream that this service watches: running, reconnecting, failed with its error, and so on."""
    return {"watches": _watches(context).states()}


@router.get("/{name}", summary="一路监看的状态 / How one stream fares")
def get_watch(context: Context, _operator: Operating, name: WatchName) -> dict[str, Any]:
    """State, error, lag and the next attempt."""
    return _watches(context).state(name)


@router.post("", status_code=201, summary="开始监看 / Begin to watch a stream")
@once
def create(request: Request, context: Context, _operator: Operating, config: WatchConfig) -> dict[str, Any]:
    """Record and listen from now on. Only network sources; files are for the command line."""
    control = _watches(context)
    check_source(config.source, context.allow_internal_targets)
    state = control.add(config)
    with context.db.write() as connection:
        wanted.put_watch(connection, WantedWatch(config.name, config.model_dump(), wanted=True))
    note(request, "watch.created", {"stream": config.name})
    return state


@router.post("/{name}/start", summary="重新开始 / Begin again")
def start(request: Request, context: Context, _operator: Operating, name: WatchName) -> dict[str, Any]:
    """Begin at once, also after an error; nothing changes for a stream that runs."""
    state = _watches(context).start(name)
    with context.db.write() as connection:
        wanted.set_wanted(connection, name, wanted=True)
    note(request, "watch.started", {"stream": name})
    return state


@router.post("/{name}/stop", summary="停止 / End")
def stop(request: Request, context: Context, _operator: Operating, name: WatchName) -> dict[str, Any]:
    """Close the open segment and hear what is recorded; the state says when that is done."""
    state = _watches(context).stop(name)
    with context.db.write() as connection:
        wanted.set_wanted(connection, name, wanted=False)
    note(request, "watch.stopped", {"stream": name})
    return state


@router.delete("/{name}", status_code=204, summary="移除 / Remove")
def remove(request: Request, context: Context, _operator: Operating, name: WatchName) -> None:
    """Stop and forget; recordings and findings stay."""
    _watches(context).remove(name)
    with context.db.write() as connection:
        wanted.remove_watch(connection, name)
    note(request, "watch.removed", {"stream": name})


def check_source(source: str, allow_internal: bool) -> None:
    """Refuse what is no network source, and internal hosts unless allowed. Raises `BadInputError`, `EgressError`."""
    odd = any(c <= " " or c in "\\\x7f" for c in source)
    try:
        parts = urlsplit(source)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if odd or not host or scheme not in _PORTS:
        raise BadInputError(
            "bad_source",
            "来源不是可监看的网络地址。",
            "The source is not a network address that can be watched.",
            hint=Sentence(
                "接受 http(s)、rtmp(s)、rtsp(s)、srt；本机文件请用命令行。",
                "http(s), rtmp(s), rtsp(s) and srt are taken; for files use the command line.",
            ),
        )
    addresses_of(host, port or _PORTS[scheme], allow_internal=allow_internal)


def _watches(context: ApiContext) -> Watches:
    if context.watches is None:
        raise ConflictError("watches_elsewhere", "这个服务不负责监看直播。", "This service watches no streams itself.")
    return context.watches
