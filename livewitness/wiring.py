"""The one place where parts are put together: settings in, ready objects out."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from asr.decode import DecodeOptions
from asr.scheduler import DecodeScheduler, Meter, SchedulerOptions
from asr.transcriber import Listener
from asr.windows import LIVE_POLICY, WindowPolicy
from claims.reload import ReloadingChecker
from core.egress import Egress
from core.errors import BadInputError, UsageError
from core.records import Stream
from core.settings import Settings, sample_secrets
from evidence.live_log import SealOptions
from index.indexer import VectorIndexer
from index.search import Searcher
from ingest.sources import Source, parse_source
from livewitness import __version__
from models.device import available_cores, choose_device
from models.embedding import Embedder, load_embedder
from models.reranker import Reranker, load_reranker
from models.vad import load_vad
from models.whisper import WhisperEngine, load_whisper
from pipeline.backfill import Task, Work
from pipeline.delivery_loop import DeliveryLoop
from pipeline.events import EventSink
from pipeline.lifecycle import LifecyclePolicy
from pipeline.live import StreamWatch, WatchOptions, WatchParts
from pipeline.telling import telling
from pipeline.webhook_sender import WebhookSender
from store.engine import LIVE_CACHE_KIB, SEARCH_CACHE_KIB, Database, open_database

FLUSH_S = 3_600.0
"""How long the last vectors may take at the end of a command; what is still due then stays due."""

SETTLE_S = 5.0
"""How long events that are due may take to leave at the end of a command; the rest leaves next time."""


def settings_for(data: Path | None) -> Settings:
    """Settings from the environment, with the data directory of the command line where one is named.

    Raises `UsageError` when a secret is still that of the sample.
    """
    if left := sample_secrets(os.environ):
        raise UsageError(
            "sample_secret",
            f"{', '.join(left)} 仍是样例中的值，请换成自己的密钥。",
            f"{', '.join(left)} still holds the value of the sample: put in a secret of your own.",
        )
    return Settings() if data is None else Settings(data=data)


@contextmanager
def database_of(settings: Settings, *, cache_kib: int = LIVE_CACHE_KIB) -> Iterator[Database]:
    """The opened database, closed at the end."""
    database = open_database(settings.database, cache_kib=cache_kib)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def embedder_of(settings: Settings) -> Iterator[Embedder]:
    """The sentence embedder, its process ended at the end."""
    embedder = load_embedder(settings.embedder, cache_dir=settings.cache_dir, device=settings.device)
    try:
        yield embedder
    finally:
        embedder.close()


@contextmanager
def reranker_of(settings: Settings) -> Iterator[Reranker | None]:
    """The cross-encoder of the settings, if one is set, its weights freed at the end."""
    if not settings.reranker:
        yield None
        return
    reranker = load_reranker(settings.reranker, cache_dir=settings.cache_dir, device=settings.device)
    try:
        yield reranker
    finally:
        reranker.close()


@contextmanager
def searcher_of(settings: Settings, progress: Callable[[int], None] | None = None) -> Iterator[Searcher]:
    """Search over everything in the data directory; ``progress`` is told how many rows and vectors were read."""
    with (
        database_of(settings, cache_kib=SEARCH_CACHE_KIB) as database,
        embedder_of(settings) as embedder,
        reranker_of(settings) as reranker,
    ):
        yield Searcher(database, embedder, progress=progress, reranker=reranker)


def whisper_of(settings: Settings) -> WhisperEngine:
    """The Whisper engine of the settings, loaded and verified, with room for `decode_workers` at once."""
    return load_whisper(
        settings.asr_model,
        cache_dir=settings.cache_dir,
        device=settings.device,
        compute_type=settings.compute_type,
        threads=settings.threads or 1,
        workers=decode_workers(settings),
    )


def decode_workers(settings: Settings) -> int:
    """How many windows are decoded at once: one thread each costs least CPU; a GPU takes batches instead."""
    choice = choose_device(settings.device, settings.compute_type, settings.threads or 1)
    return 1 if choice.device == "cuda" else max(1, available_cores() // choice.threads)


def watch_parts(
    settings: Settings,
    database: Database,
    engine: WhisperEngine | None = None,
    meter: Meter | None = None,
    *,
    live: bool = True,
    embedder: Embedder | None = None,
) -> WatchParts:
    """What every watch of this process shares: model, rules, database. Close its scheduler at the end.

    With an ``embedder`` the meaning of what is said is judged by more than its letters and sounds.
    Files, for which nobody waits, are not ``live``: their words are sought with the wider beam.
    """
    engine = engine or whisper_of(settings)
    final = DecodeOptions(beam_size=settings.live_beam_size if live else settings.beam_size)
    decoding = SchedulerOptions(final=final, workers=decode_workers(settings))
    return WatchParts(
        db=database,
        data_dir=settings.data.absolute(),
        checker=ReloadingChecker(settings.packs, folder=settings.pack_folder, embedder=embedder),
        model=engine.identity,
        listener=listener,
        scheduler=DecodeScheduler(engine, decoding, meter),
        lifecycle=LifecyclePolicy(
            correction_ms=round(settings.correction_seconds * 1000),
            # Where nobody is interrupted, a weaker guess is worth keeping for whoever reads later.
            implied_score=settings.live_implied_score if live else 0.0,
        ),
        seal=seal_options(settings),
    )


def seal_options(settings: Settings) -> SealOptions:
    """How a stream's log is signed and stamped under these settings."""
    return SealOptions(settings.checkpoint_seconds, settings.tsa_url, f"livewitness {__version__}")


def listener(start_ms: int, live: bool) -> Listener:
    """Cuts a stream's audio into windows: early ones for live audio, long ones where nobody waits."""
    return Listener(load_vad(), LIVE_POLICY if live else WindowPolicy(), start_ms=start_ms)


def watch_options(settings: Settings, realtime: bool = False) -> WatchOptions:
    """How a stream is recorded under these settings."""
    return WatchOptions(
        realtime=realtime,
        segment_seconds=settings.segment_seconds,
        min_free_bytes=settings.min_free_bytes,
        ffmpeg=settings.ffmpeg,
        egress=Egress(allow_internal=True) if settings.allow_internal_targets else None,
        ffmpeg_user=settings.ffmpeg_user,
    )


@contextmanager
def delivery_of(settings: Settings, database: Database) -> Iterator[None]:
    """Webhooks are served while this is open; at its end what is due has a few seconds to leave."""
    sender = WebhookSender(allow_internal=settings.allow_internal_targets)
    keep = timedelta(days=settings.outbox_days)
    loop = DeliveryLoop(database, settings.data.absolute(), sender, keep=keep)
    loop.start()
    try:
        yield
    finally:
        loop.stop(SETTLE_S)


@contextmanager
def watch_of(
    settings: Settings, stream: Stream, source: Source, emit: EventSink, realtime: bool
) -> Iterator[StreamWatch]:
    """A watch of one stream; vectors are made in the background while it runs, the last ones at its end."""
    with database_of(settings) as database, embedder_of(settings) as embedder, delivery_of(settings, database):
        parts = watch_parts(settings, database, live=source.live or realtime, embedder=embedder)
        indexer = VectorIndexer(database, embedder)
        indexer.start()
        tell = telling(database, emit)
        try:
            yield StreamWatch(parts, stream, source, tell, watch_options(settings, realtime))
            indexer.flush(FLUSH_S)
        finally:
            parts.scheduler.close()
            tell.close()
            indexer.stop()


def backfill_work(settings: Settings, shop: str, product: str) -> Work:
    """What a worker process does with a file; runs once in each worker."""
    one_thread = settings.model_copy(update={"threads": 1})
    database = open_database(settings.database)
    embedder = load_embedder(settings.embedder, cache_dir=settings.cache_dir, device=settings.device)
    parts = watch_parts(one_thread, database, live=False, embedder=embedder)

    def work(task: Task, emit: EventSink) -> None:
        stream = Stream(name=task.job.stream, source=str(task.path), shop=shop, product=product)
        result = StreamWatch(parts, stream, parse_source(str(task.path)), emit, watch_options(settings)).run()
        if result.truncated:
            raise truncated_error(str(task.path), result.recorded_ms)

    return work


def truncated_error(name: str, recorded_ms: int) -> BadInputError:
    """The sentence for a file that stops before its proper end; what could be read is kept."""
    length = f"{recorded_ms / 1000:.1f}"
    return BadInputError(
        "truncated_file",
        f"{name} 不完整：只读到 {length} 秒，已读部分已保存。",
        f"{name} is incomplete: {length} s could be read, and are kept.",
    )
