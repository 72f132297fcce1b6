"""What an OpenID Connect issuer says of itself, kept for an hour: its metadata and its keys.

The issuer is somebody else's machine: it may be slow, or dead. It is asked by one thread at a time for each of the
two; few wait for that one, and not for long; that it failed is remembered for a while and told at once. No lock is
held meanwhile.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.errors import BusyError
from core.egress import parse_target
from core.errors import LiveWitnessError, SourceError
from core.fetch import Answer, Fetcher
from core.shapes import Json

MOST_BYTES = 256 * 1024
FRESH_S = 3600.0
FAILED_S = 15.0
"""So long after a failure the issuer is not asked again."""
WAIT_S = 3.0
WAITING = 4
EXCHANGES = 4
"""Sign-ins that are finished at once; each may wait for the issuer."""
_T = TypeVar("_T")


class Kept(Generic[_T]):
    """Something that is asked for over the network by one thread at a time, and kept; failures are kept as well."""

    def __init__(self, ask: Callable[[], _T]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._value: tuple[float, _T] | None = None
        self._failure: tuple[float, LiveWitnessError] | None = None
        self._asking: Future[_T] | None = None
        self._waiting = 0

    def get(self, fresh_s: float) -> _T:
        """What is known, not older than ``fresh_s`` seconds.

        Raises what asking raises, also when that was a moment ago, and `BusyError` where the answer is slow to come.
        """
        with self._lock:
            now = time.monotonic()
            if self._value is not None and now - self._value[0] <= fresh_s:
                return self._value[1]
            if self._failure is not None and now - self._failure[0] < FAILED_S:
                raise self._failure[1].with_traceback(None)
            others = self._asking
            if others is None:
                mine = self._asking = Future[_T]()
            elif self._waiting >= WAITING:
                raise _busy()
            else:
                self._waiting += 1
        return self._fetched(mine) if others is None else self._awaited(others)

    def _fetched(self, mine: "Future[_T]") -> _T:
        try:
            found = self._ask()
        except BaseException as error:
            known = error if isinstance(error, LiveWitnessError) else _failed()
            with self._lock:
                self._asking, self._failure = None, (time.monotonic(), known)
            mine.set_exception(known)
            raise
        with self._lock:
            self._asking, self._failure = None, None
            self._value = (time.monotonic(), found)
        mine.set_result(found)
        return found

    def _awaited(self, others: "Future[_T]") -> _T:
        try:
            return others.result(WAIT_S)
        except TimeoutError:
            raise _busy() from None
        finally:
            with self._lock:
                self._waiting -= 1


class Issuer:
    """One issuer by its address. Thread-safe."""

    def __init__(self, url: str, fetcher: Fetcher) -> None:
        self.url = url
        self._fetcher = fetcher
        self._metadata = Kept(self._asked_metadata)
        self._keys = Kept(self._asked_keys)
        self._exchanges = threading.BoundedSemaphore(EXCHANGES)

    def metadata(self) -> Json:
        """What discovery gives. Raises `EgressError`, `SourceError`, `BusyError`."""
        return self._metadata.get(FRESH_S)

    def keys(self, fresh_s: float = FRESH_S) -> KeySet:
        """The keys that tokens are signed by. Raises as `metadata`."""
        return self._keys.get(fresh_s)

    @contextmanager
    def exchange(self) -> Iterator[None]:
        """A place among the sign-ins that are being finished. Raises `BusyError`."""
        if not self._exchanges.acquire(blocking=False):
            raise _busy()
        try:
            yield
        finally:
            self._exchanges.release()

    def post(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        """Ask one of the issuer's addresses. Raises `EgressError`, `SourceError`."""
        return self._fetcher.ask("POST", url, headers=headers, body=body.encode(), most=MOST_BYTES)

    def _asked_metadata(self) -> Json:
        found = self._document(self.url.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != self.url:
            raise SourceError("oidc_issuer", "签发者的名称不符。", "The issuer calls itself otherwise.")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            self._check_address(str(found.get(name, "")))
        return found

    def _asked_keys(self) -> KeySet:
        document: Any = self._document(self.metadata()["jwks_uri"])
        try:
            return KeySet.import_key_set(document)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise SourceError("oidc_keys", "签发者的公钥不可用。", "The issuer's keys cannot be used.") from error

    def _check_address(self, url: str) -> None:
        if parse_target(url).scheme != "https" and not self._fetcher.egress.allow_internal:
            raise SourceError("oidc_plain", "签发者的地址须为 https。", "The issuer's addresses must be https.")

    def _document(self, url: str) -> Json:
        self._check_address(url)
        answer = self._fetcher.ask("GET", url, headers={"Accept": "application/json"}, most=MOST_BYTES)
        if answer.status != 200:
            raise SourceError("oidc_answer", f"签发者回答 {answer.status}。", f"The issuer answered {answer.status}.")
        return json_object(answer.body)


def json_object(text: bytes) -> Json:
    """An answer of the issuer. Raises `SourceError` for what is no JSON object."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _no_json() from error
    if not isinstance(found, dict):
        raise _no_json()
    return found


def _no_json() -> SourceError:
    return SourceError("oidc_json", "签发者的回答不是 JSON 对象。", "The issuer's answer is no JSON object.")


def _failed() -> SourceError:
    return SourceError("oidc_failed", "没能询问签发者。", "The issuer could not be asked.")


def _busy() -> BusyError:
    return BusyError(
        "oidc_busy", "签发者迟迟没有回答，请稍后再试。", "The issuer is slow to answer; try again in a moment."
    )
