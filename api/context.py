"""What the wiring hands to the application: the database, the searcher, the checks, and the limits."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Protocol

from cryptography.x509 import Certificate
from fastapi import Depends, Request

from api.auth.oidc import OidcOptions
from core.fetch import Fetcher
from core.health import CheckResult
from core.metrics import Metrics
from core.records import ModelIdentity
from core.shapes import Json
from core.watch_config import WatchConfig
from evidence.live_log import SealOptions
from evidence.retention import RetentionPolicy
from index.search import SearchAnswer, SearchRequest
from store.engine import Database


class Searches(Protocol):
    """What the API needs of `index.search.Searcher`."""

    def search(self, request: SearchRequest) -> SearchAnswer:
        """Answer one query; called from several threads."""
        ...


class Watches(Protocol):
    """What the API needs of `pipeline.supervisor.Supervisor`; called from several threads."""

    def add(self, config: WatchConfig, *, start: bool = True) -> Json:
        """Take on a stream and begin. Raises `ConflictError`."""
        ...

    def start(self, name: str) -> Json:
        """Begin, or begin again. Raises `NotFoundError`."""
        ...

    def stop(self, name: str) -> Json:
        """Ask a stream to end. Raises `NotFoundError`."""
        ...

    def remove(self, name: str) -> None:
        """Stop a stream and forget it. Raises `NotFoundError`."""
        ...

    def state(self, name: str) -> Json:
        """How a stream fares. Raises `NotFoundError`."""
        ...

    def states(self) -> list[Json]:
        """How all streams fare."""
        ...


class Demonstration(Protocol):
    """The bundled broadcast, where this installation can play it to itself."""

    def state(self) -> Json:
        """Whether it plays, under which name, and how long it is."""
        ...

    def play(self) -> Json:
        """Begin. Raises `ConflictError` while it plays."""
        ...


class Backfills(Protocol):
    """What the API needs of `livewitness.backfilling.BackfillQueue`; called from several threads."""

    def start(self, source: str, shop: str, product: str, by: str) -> Json:
        """Take on a file, a folder or an address. Raises `BusyError`."""
        ...

    def all(self, before: int | None, limit: int) -> list[Json]:
        """The newest first."""
        ...

    def one(self, number: int) -> Json:
        """How one fares. Raises `NotFoundError`."""
        ...

    def cancel(self, number: int) -> Json:
        """Give one up. Raises `NotFoundError`."""
        ...


DryRun = Callable[[Path, str, Callable[[], bool]], Json]
"""A pack's file, a stream (empty: all) and whether to give up: what the pack would change. `LiveWitnessError`."""


def no_checks() -> Sequence[CheckResult]:
    """For an application that is given no checks."""
    return ()


def no_rules() -> Sequence[Json]:
    """For an application that is given no rules."""
    return ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one request may ask for."""

    body_bytes: int = 64 * 1024
    upload_bytes: int = 20 * 1024 * 1024
    pack_bytes: int = 1024 * 1024
    body_s: float = 120.0
    bodies_bytes: int = 256 * 1024 * 1024
    query_bytes: int = 4096
    clip_seconds: float = 600.0
    clips_waiting: int = 4
    clips_bytes: int = 4 * 1024**3
    event_clients: int = 64
    events_poll_s: float = 0.1
    heartbeat_s: float = 15.0
    sign_ins_burst: int = 5
    sign_ins_per_s: float = 0.1
    searches_burst: int = 30
    searches_per_s: float = 10.0
    searches_at_once: int = 1
    searches_waiting: int = 8


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Everything the routes use. ``checks`` are those of ``livewitness doctor``; ``hosts`` the names it answers to.

    ``stopping`` is set when the service ends, so that open event streams end with it.
    ``watches`` starts and stops streams, where this installation watches any itself. Without ``accounts`` whoever
    reaches the service is its administrator: then it must listen on loopback only. ``secure``: cookies need https.
    ``packs`` are the rule packs that the settings name, ``dry_run`` tries another one on what was said.
    People sign in at the issuer of ``oidc`` as well, which ``fetcher`` asks.
    ``backfills`` works through recordings, those of ``archive`` among them.
    Packages are sealed by ``seal`` and verified against the CAs of ``authorities``.
    """

    db: Database
    data_dir: Path
    searcher: Searches
    ffmpeg: str = ""
    ffmpeg_user: str = ""
    version: str = ""
    checks: Callable[[], Sequence[CheckResult]] = no_checks
    hosts: frozenset[str] = frozenset({"localhost", "127.0.0.1", "[::1]"})
    limits: Limits = field(default_factory=Limits)
    stopping: threading.Event = field(default_factory=threading.Event)
    watches: Watches | None = None
    metrics: Metrics | None = None
    allow_internal_targets: bool = False
    accounts: bool = False
    secure: bool = False
    seal: SealOptions = field(default_factory=SealOptions)
    authorities: tuple[Certificate, ...] = ()
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    rules: Callable[[], Sequence[Json]] = no_rules
    packs: tuple[Path, ...] = ()
    dry_run: DryRun | None = None
    oidc: OidcOptions | None = None
    fetcher: Fetcher | None = None
    backfills: Backfills | None = None
    archive: Path | None = None
    demonstration: Demonstration | None = None
    embedder: ModelIdentity | None = None
    min_free_bytes: int = 0


def context_of(request: Request) -> ApiContext:
    """The context of the application that serves ``request``."""
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(context_of)]
