"""Token buckets: so many at once, so many a second, for each key."""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from api.errors import BusyError

_MOST_KEYS = 10_000


def origin(address: str) -> str:
    """What is limited as one address: an IPv4 address, or the /64 of IPv6 that one subscriber has to himself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


class Throttle:
    """Lets ``burst`` calls of one key through at once and ``per_second`` on average. Thread-safe, bounded in memory."""

    def __init__(self, per_second: float, burst: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_second
        self._burst = burst
        self._now = now
        self._lock = threading.Lock()
        # Key to tokens left and when they were counted; the least recently used goes first.
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """Take a token and give 0, or give the seconds until there is one."""
        with self._lock:
            now = self._now()
            tokens, since = self._buckets.pop(key, (float(self._burst), now))
            tokens = min(float(self._burst), tokens + (now - since) * self._rate)
            short = max(0.0, 1 - tokens)
            self._buckets[key] = (tokens if short else tokens - 1, now)
            if len(self._buckets) > _MOST_KEYS:
                self._buckets.popitem(last=False)
        return short / self._rate

    def forgive(self, key: str) -> None:
        """Forget what ``key`` has used up."""
        with self._lock:
            self._buckets.pop(key, None)

    def give_back(self, key: str) -> None:
        """Put back the token taken last: what it was taken for turned out to be no burden."""
        with self._lock:
            if key in self._buckets:
                tokens, since = self._buckets[key]
                self._buckets[key] = (min(float(self._burst), tokens + 1), since)

    def check(self, key: str) -> None:
        """Take a token. Raises `BusyError` with the time to wait."""
        wait = self.wait_s(key)
        if wait:
            raise BusyError(
                "too_many_requests",
                "请求太频繁，请稍后再试。",
                "Too many requests; try again in a moment.",
                retry_after_s=wait,
            )
