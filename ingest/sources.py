"""What can be recorded: a media file, or a live source named by an address."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from core.errors import BadInputError, Sentence

Kind = Literal["file", "hls", "http", "rtmp", "rtsp", "srt"]

MEDIA_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".m4a", ".mov", ".mkv", ".webm", ".ts", ".m2ts", ".mts", ".flv", ".avi", ".mpg", ".mpeg", ".3gp"}
    | {".mp3", ".aac", ".wav", ".flac", ".ogg", ".opus", ".wma", ".wmv"}
)
_SCHEMES: dict[str, Kind] = {
    "http": "http",
    "https": "http",
    "rtmp": "rtmp",
    "rtmps": "rtmp",
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "srt": "srt",
}
_MAX_LOCATION = 4096


@dataclass(frozen=True, slots=True)
class Source:
    """Where media comes from. ``location`` is an absolute path for files, an address otherwise."""

    kind: Kind
    location: str

    @property
    def live(self) -> bool:
        """Whether the source has a pace of its own and cannot be read again."""
        return self.kind != "file"

    @property
    def label(self) -> str:
        """``location`` without user name, password and query, fit for messages and logs."""
        if not self.live:
            return self.location
        parts = urlsplit(self.location)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def parse_source(text: str) -> Source:
    """The source that ``text`` names.

    Raises `BadInputError` for a scheme that is not recorded, an address without a host, and a
    path that is not a readable file.
    """
    text = text.strip()
    if len(text) > _MAX_LOCATION or any(c < " " for c in text):
        raise BadInputError(
            "bad_source",
            "来源地址过长或含有控制字符。",
            "The source is too long or contains control characters.",
        )
    scheme, separator, _ = text.partition("://")
    return _network_source(text, scheme.lower()) if separator else _file_source(text)


def _network_source(text: str, scheme: str) -> Source:
    if scheme == "file":
        return _file_source(text.partition("://")[2])
    kind = _SCHEMES.get(scheme)
    if kind is None:
        raise BadInputError(
            "unsupported_scheme",
            f"不支持的来源协议：{scheme}。",
            f"Sources of the scheme {scheme!r} are not supported.",
            hint=Sentence(
                "请使用文件路径，或 http(s)、rtmp(s)、rtsp(s)、srt 地址。",
                "Name a file, or an http(s), rtmp(s), rtsp(s) or srt address.",
            ),
        )
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise BadInputError("bad_source", f"来源地址无效：{text}", f"Not a valid source address: {text}")
    if kind == "http" and parts.path.lower().endswith((".m3u8", ".m3u")):
        kind = "hls"
    return Source(kind, text)


def _file_source(text: str) -> Source:
    path = Path(text)
    try:
        exists = bool(text) and path.exists()
    except OSError:  # a name too long for the file system
        exists = False
    if not exists:
        raise BadInputError("file_missing", f"找不到文件：{text}", f"There is no such file: {text}")
    if not path.is_file():
        raise BadInputError("not_a_file", f"不是普通文件：{text}", f"Not a regular file: {text}")
    return Source("file", str(path.resolve()))


def media_files(paths: Iterable[Path]) -> list[Path]:
    """Media files among ``paths``; folders are walked, files named outright are taken whatever their suffix.

    Sorted, without doubles. Raises `BadInputError` when a path does not exist.
    """
    found: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise BadInputError("file_missing", f"找不到文件：{path}", f"There is no such file: {path}")
        if path.is_dir():
            found.update(p for p in path.rglob("*") if p.suffix.lower() in MEDIA_SUFFIXES and p.is_file())
        else:
            found.add(path)
    return sorted(found)
