"""Puts many streams together: the supervisor over shared parts, webhooks of the file, measurements."""

import logging
import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import FrameType

from core.egress import Egress
from core.errors import ConflictError, LiveWitnessError
from core.metrics import Metrics
from core.settings import Settings
from core.watch_config import WatchConfig
from evidence.upkeep import upkeep
from ingest.sources import parse_source
from livewitness.console import say
from livewitness.wiring import seal_options, watch_options, watch_parts
from models.embedding import Embedder
from pipeline.events import EventSink
from pipeline.live import StreamWatch, WatchParts
from pipeline.metering import metered
from pipeline.supervisor import Supervisor, SupervisorOptions
from pipeline.telling import telling
from store import recordings, watches, webhooks
from store.engine import Database
from store.webhooks import Webhook

_log = logging.getLogger(__name__)


class _SharedParts:
    """Model, rules and scheduler, loaded when the first stream begins: a service that watches none needs none."""

    def __init__(self, settings: Settings, database: Database, metrics: Metrics, embedder: Embedder | None) -> None:
        self._settings = settings
        self._database = database
        self._metrics = metrics
        self._embedder = embedder
        self._lock = threading.Lock()
        self._parts: WatchParts | None = None

    def get(self) -> WatchParts:
        """The parts, loaded once; what fails is tried again at the next call."""
        with self._lock:
            if self._parts is None:
                self._parts = watch_parts(self._settings, self._database, meter=self._metrics, embedder=self._embedder)
            return self._parts

    def close(self) -> None:
        """End the scheduler."""
        if self._parts is not None:
            self._parts.scheduler.close()


def guard_for(settings: Settings, config: WatchConfig, written: Collection[WatchConfig]) -> Egress | None:
    """What a stream may connect to.

    ``written``: streams that the operator wrote down, whose own sources may be internal (``None``, see `WatchOptions`).
    All others came over the API; theirs may not, unless the settings allow it.
    """
    if config in written:
        return watch_options(settings).egress
    return Egress(allow_internal=settings.allow_internal_targets)


def heard_s(database: Database, config: WatchConfig) -> float | None:
    """Stream second up to which a live stream is transcribed; ``None`` for files, which nobody waits for, and silence.

    ``None`` too where the database does not answer.
    """
    try:
        if not config.realtime and not parse_source(config.source).live:
            return None
        with database.read() as connection:
            epoch = recordings.last_epoch(connection, config.name)
            if epoch is None or not epoch.audio_codec:
                return None
            return recordings.transcribed_ms(connection, config.name, epoch.number) / 1000
    except LiveWitnessError as error:
        _log.warning("%s: %s", config.name, error)
        return None


@contextmanager
def supervisor_of(
    settings: Settings,
    database: Database,
    emit: EventSink,
    metrics: Metrics,
    options: SupervisorOptions | None = None,
    *,
    written: Collection[WatchConfig] = (),
    embedder: Embedder | None = None,
) -> Iterator[Supervisor]:
    """A supervisor without streams; at the end all of its streams are ended.

    ``written``: see `guard_for`. ``embedder`` helps to judge what is meant.
    """
    shared = _SharedParts(settings, database, metrics, embedder)

    def make(config: WatchConfig, sink: EventSink) -> StreamWatch:
        wanted = replace(watch_options(settings, config.realtime), egress=guard_for(settings, config, written))
        return StreamWatch(shared.get(), config.stream(), parse_source(config.source), sink, wanted)

    tell = telling(database, metered(metrics, emit))
    supervisor = Supervisor(make, tell, options, forget=metrics.forget, heard=partial(heard_s, database))
    try:
        with upkeep(settings.data.absolute(), seal_options(settings)):
            yield supervisor
    finally:
        supervisor.close()
        tell.close()
        shared.close()


def put_file_webhooks(database: Database, wanted: list[Webhook]) -> None:
    """Make the targets of the file the ones that are served; those it no longer names are removed.

    Raises `ConflictError` where a target of that name was set by other means.
    """
    names = {webhook.name for webhook in wanted}
    with database.write() as connection:
        for known in webhooks.list_webhooks(connection):
            if known.origin == "file" and known.name not in names:
                webhooks.remove_webhook(connection, known.name)
            if known.origin != "file" and known.name in names:
                raise ConflictError(
                    "webhook_exists",
                    f"推送目标“{known.name}”已由命令行或接口设置。",
                    f"The webhook “{known.name}” was set over the API or the command line already.",
                )
        for webhook in wanted:
            if webhooks.get_webhook(connection, webhook.name) != webhook:
                webhooks.put_webhook(connection, webhook)


def resume_watches(database: Database, supervisor: Supervisor) -> None:
    """Take on the streams that were asked for over the API before the service ended.

    One that is watched already, because the operator wrote it down since, is watched as written down.
    """
    with database.read() as connection:
        kept = watches.list_watches(connection)
    written = {state["name"] for state in supervisor.states()}
    for watch in kept:
        if watch.name in written:
            _log.warning("%s is in the streams file: what was asked for over the API is set aside", watch.name)
        else:
            supervisor.add(WatchConfig.model_validate(watch.config), start=watch.wanted)


def run_until_settled(supervisor: Supervisor) -> None:
    """Wait until every stream has ended for good; Ctrl-C and SIGTERM end all gracefully, a second one at once."""
    asked = threading.Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        asked.set()

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    while not supervisor.settled():
        if asked.wait(0.2):
            asked.clear()
            say("正在收尾，再按一次立即退出。", "Finishing; once more to quit at once.")
            supervisor.stop_all()
