"""Where this installation may connect to: addresses of the open internet, checked where the connection is made.

A name is resolved once, every answer is checked, and the connection goes to a checked answer, so that a second
look-up (DNS rebinding) changes nothing. Spellings of IPv4 (decimal, hexadecimal, octal, short) need no list of
their own: the resolver turns them into an address, and the address is what is checked.
"""

import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from core.errors import BadInputError, LiveWitnessError, Sentence

MAX_URL = 2048
CONNECT_S = 10.0
_LOW_PORTS = frozenset({80, 443, 322, 554})
"""Well-known ports that are HTTP, HTTPS, RTSPS and RTSP; the others below 1024 belong to mail, shells, name servers."""
_PORTS = {"http": 80, "https": 443}
_V4_IN_V6 = (
    # Prefix and how far the IPv4 address stands from the right: mapped, compatible, NAT64 (RFC 6052), 6to4.
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("64:ff9b:1::/48"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)
_TEREDO = ipaddress.IPv6Network("2001::/32")
# Special, or a platform's own services, although the standard library of some versions calls them public.
_SPECIAL = tuple(map(ipaddress.IPv4Network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24")))

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
"""Host and port to the textual addresses that the system would connect to. Raises ``OSError``."""


class EgressError(LiveWitnessError):
    """A target that may not be connected to, or has no address."""

    exit_code = 3
    http_status = 422


@dataclass(frozen=True, slots=True)
class Target:
    """A checked web address, taken apart. ``path`` holds the query as well; ``authority`` is the Host header."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host, with its port unless the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse_target(url: str) -> Target:
    """Take a web address apart. Raises `BadInputError` for anything but a plain http(s) address.

    Refused: user names, control characters, blanks and backslashes (readers differ on where the host ends), other
    schemes, hosts that are not ASCII (write 花店.example as xn--…).
    """
    if len(url) > MAX_URL or any(c <= " " or c in "\\\x7f" for c in url) or not url.isascii():
        raise _bad(url)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _bad(url) from error
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc or "%" in parts.netloc or port == 0:
        raise _bad(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path)


def _bad(url: str) -> BadInputError:
    shown = "".join(c if c.isprintable() else "?" for c in url.rpartition("@")[2][:120])
    return BadInputError(
        "egress_address",
        f"不是可用的网址：{shown}。",
        f"Not a usable web address: {shown}.",
        hint=Sentence(
            "只接受不含用户名的 http:// 或 https:// 地址。", "Only http:// or https:// without a user name is taken."
        ),
    )


def system_resolver(host: str, port: int) -> Sequence[str]:
    """The operating system's answers, without doubles, in its order."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def is_public(address: Address) -> bool:
    """Whether an address belongs to the open internet, also after taking out an IPv4 address inside it."""
    if isinstance(address, IPv6Address):
        if address.is_site_local or address in _TEREDO or address.scope_id:
            return False
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
    special = address.is_multicast or address.is_reserved or any(address in network for network in _SPECIAL)
    return address.is_global and not special


def _embedded(address: IPv6Address) -> IPv4Address | None:
    for network, shift in _V4_IN_V6:
        if address in network:
            return IPv4Address((int(address) >> shift) & 0xFFFF_FFFF)
    return None


def addresses_of(
    host: str, port: int, *, allow_internal: bool = False, resolve: Resolver = system_resolver
) -> Sequence[str]:
    """Addresses to connect to, all of them checked. Raises `EgressError`.

    One internal answer among public ones refuses the host: a name that says both is not to be trusted with either.
    """
    try:
        answers = resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise _unresolved(host) from error
    if not answers:
        raise _unresolved(host)
    refused = [] if allow_internal else [text for text in answers if not is_public(ipaddress.ip_address(text))]
    if refused:
        raise EgressError(
            "egress_internal",
            f"{host} 指向内部地址（{refused[0]}），不予连接。",
            f"{host} points at an internal address ({refused[0]}); it is not connected to.",
            hint=Sentence(
                "确需连接内网时，设置 LIVEWITNESS_ALLOW_INTERNAL_TARGETS=true。",
                "To connect to an internal network, set LIVEWITNESS_ALLOW_INTERNAL_TARGETS=true.",
            ),
        )
    if port < 1024 and port not in _LOW_PORTS and not allow_internal:
        raise EgressError(
            "egress_port",
            f"端口 {port} 不予连接（{host}）。",
            f"Port {port} of {host} is not one to connect to.",
        )
    return answers


def _unresolved(host: str) -> EgressError:
    return EgressError("egress_unresolved", f"找不到主机 {host}。", f"The host {host} has no address.")


@dataclass(frozen=True, slots=True)
class Egress:
    """What may be connected to.

    ``named``: hosts and ports that the operator wrote down; they may be anywhere, what they refer to may not.
    """

    allow_internal: bool = False
    named: frozenset[tuple[str, int]] = frozenset()
    resolve: Resolver = system_resolver

    def naming(self, host: str, port: int) -> "Egress":
        """The same, with one more host and port that may be internal."""
        return replace(self, named=self.named | {(host.lower(), port)})

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """Checked addresses, see `addresses_of`."""
        trusted = self.allow_internal or (host.lower(), port) in self.named
        return addresses_of(host, port, allow_internal=trusted, resolve=self.resolve)

    def connect(self, host: str, port: int, timeout_s: float = CONNECT_S) -> socket.socket:
        """A TCP connection to one of the checked addresses, tried in their order within ``timeout_s``.

        Raises `EgressError` before anything is sent to a refused host, ``OSError`` when none of them answers.
        """
        until = time.monotonic() + timeout_s
        failure: OSError = TimeoutError("timed out")
        for address in self.addresses(host, port):
            try:
                return socket.create_connection((address, port), max(0.1, until - time.monotonic()))
            except OSError as error:
                failure = error
        raise failure
