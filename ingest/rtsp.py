"""RTSP (RFC 2326) on its way through a relay: the server hears its own name, ffmpeg hears only ours.

Servers choose what to send by the host in the request, so the port on loopback that ffmpeg knows is replaced by the
host that was meant, and the other way round in what comes back. A redirection is not passed on: ffmpeg would follow
it past the relay.
"""

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import parse_http_list, parse_keqv_list

_MAX_MESSAGE = 256 * 1024
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,6})(?=\s*$)", re.IGNORECASE | re.MULTILINE)
_REDIRECTED = re.compile(rb"RTSP/\d\.\d\s+3\d\d")
_DIGEST = re.compile(rb"^authorization:\s*digest\s+(.+?)\r?$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Names:
    """The two beginnings of one address: ``ours`` on loopback, ``theirs`` however they spell it; and the password."""

    ours: bytes
    theirs: bytes
    spelt: re.Pattern[bytes]
    password: str = ""


def names_of(location: str, port: int) -> Names:
    """The names of a source that is relayed on ``port``."""
    parts = urlsplit(location)
    scheme, authority = parts.scheme.lower(), parts.netloc.rpartition("@")[2]
    own = parts.port or {"rtsp": 554, "rtsps": 322}[scheme]
    host = re.escape(authority.removesuffix(f":{parts.port}"))
    spelt = re.compile(rf"rtsps?://{host}(:{own})?(?![\w.:-])".encode(), re.IGNORECASE)
    theirs = f"{scheme}://{authority}".encode()
    return Names(f"rtsp://127.0.0.1:{port}".encode(), theirs, spelt, unquote(parts.password or ""))


class Messages:
    """A `Change` for one direction: messages are rewritten whole, interleaved packets pass untouched."""

    def __init__(self, names: Names, *, to_server: bool) -> None:
        self._names = names
        self._to_server = to_server
        self._held = b""

    def __call__(self, data: bytes) -> bytes:
        """Bytes that may go on. Raises ``ConnectionError`` for a redirection and for what is no RTSP."""
        held = self._held + data
        ready, start = [], 0
        while end := _end_of(held, start):
            piece, start = held[start:end], end
            ready.append(piece if piece[:1] == b"$" else self._rewritten(piece))
        self._held = held[start:]
        if len(self._held) > _MAX_MESSAGE:
            raise ConnectionError("an RTSP message that does not end")
        return b"".join(ready)

    def _rewritten(self, message: bytes) -> bytes:
        names = self._names
        if self._to_server:
            return _signed(message, names).replace(names.ours, names.theirs)
        if _REDIRECTED.match(message):
            raise ConnectionError("the server redirects, which is not followed")
        head, end, body = message.partition(b"\r\n\r\n")
        body = names.spelt.sub(names.ours, body)
        head = _LENGTH.sub(b"Content-Length: %d" % len(body), names.spelt.sub(names.ours, head))
        return head + end + body


def _end_of(held: bytes, start: int) -> int:
    """Where the message or interleaved packet that begins at ``start`` ends; 0 while it is not all there."""
    if held[start : start + 1] == b"$":
        end = start + 4 + int.from_bytes(held[start + 2 : start + 4], "big")
        return end if start + 4 <= len(held) and end <= len(held) else 0
    blank = held.find(b"\r\n\r\n", start)
    if blank < 0:
        return 0
    found = _LENGTH.search(held, start, blank + 2)
    end = blank + 4 + (int(found[1]) if found else 0)
    return end if end <= len(held) else 0


def _signed(message: bytes, names: Names) -> bytes:
    """The request with its digest (RFC 2617) made anew: ffmpeg's is over an address that the server never sees."""
    found = _DIGEST.search(message)
    if found is None:
        return message
    given = parse_keqv_list(parse_http_list(found[1].decode("latin-1")))
    given["uri"] = given.get("uri", "").replace(names.ours.decode(), names.theirs.decode())
    given["response"] = _digest(given, message.partition(b" ")[0].decode("latin-1"), names)
    fields = ", ".join(f"{k}={v}" if k in {"nc", "qop", "algorithm"} else f'{k}="{v}"' for k, v in given.items())
    return message[: found.start()] + f"Authorization: Digest {fields}\r".encode("latin-1") + message[found.end() :]


def _digest(given: dict[str, str], method: str, names: Names) -> str:
    first = _md5(f"{given.get('username', '')}:{given.get('realm', '')}:{names.password}")
    second = _md5(f"{method}:{given['uri']}")
    between = given.get("nonce", "")
    if "qop" in given:
        between += f":{given.get('nc', '')}:{given.get('cnonce', '')}:{given['qop']}"
    return _md5(f"{first}:{between}:{second}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
