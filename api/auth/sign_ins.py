"""Attempts to sign in: guessing is slow from everywhere, and nobody keeps another person out by guessing.

The address pays first, so that whoever has used up its attempts does not touch the name; the bucket of a name is
wider than an address can empty. A browser in which the name has signed in before has a bucket of its own, whatever
others do meanwhile, from its own address or from a thousand.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from api.auth.throttle import Throttle
from api.errors import BusyError
from api.places import Places

ADDRESSES = 5
"""So many addresses together guess at one name as fast as each of them may."""
_AT_ONCE, _WAITING = 2, 16


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was let through, and the buckets that it was taken from."""

    name: str
    known: str
    address: str


class SignIns:
    """Buckets of ``burst`` attempts, ``per_second`` after that, for addresses and known browsers. Thread-safe.

    ``places``: passwords that are checked at once, each of which takes 64 MiB.
    """

    def __init__(self, per_second: float, burst: int) -> None:
        self._each = Throttle(per_second, burst)
        self._names = Throttle(per_second * ADDRESSES, burst * ADDRESSES)
        # Of this process: after a restart every browser is a stranger until it signs in again.
        self._key = secrets.token_bytes(32)
        self.places = Places(_AT_ONCE, _WAITING, _busy)

    def admit(self, name: str, address: str, browser: str) -> Attempt:
        """Let an attempt through. ``browser``: its cookie, empty or not. Raises `BusyError` with the time to wait."""
        known = self._known(name, browser)
        if known:
            self._each.check(known)
        else:
            self._each.check(f"from {address}")
            self._names.check(name)
        return Attempt(name, known, f"from {address}")

    def check_address(self, address: str) -> Attempt:
        """The same for an attempt that names nobody."""
        self._each.check(f"from {address}")
        return Attempt("", "", f"from {address}")

    def succeeded(self, attempt: Attempt) -> None:
        """Give back what it took: a shift that signs in from one office, behind one address, is no attack."""
        if attempt.known:
            self._each.forgive(attempt.known)
            return
        self._each.give_back(attempt.address)
        self._names.give_back(attempt.name)

    def browser_of(self, name: str) -> str:
        """The cookie of a browser in which ``name`` has signed in; it tells nothing and opens nothing."""
        nonce = secrets.token_hex(16)
        return f"{nonce}.{self._seal(nonce, name)}"

    def _known(self, name: str, browser: str) -> str:
        """The bucket of a browser that has signed in under that name; empty for all others."""
        nonce, _, seal = browser.partition(".")
        fits = bool(nonce) and hmac.compare_digest(seal.encode(), self._seal(nonce, name).encode())
        return f"browser {nonce}" if fits else ""

    def _seal(self, nonce: str, name: str) -> str:
        text = f"{nonce} {name}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()


def _busy() -> BusyError:
    return BusyError("too_many_requests", "同时登录的人太多，请稍后再试。", "Too many sign in at once; try again soon.")
