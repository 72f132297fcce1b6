"""``livewitness serve``: the HTTP service on loopback, with indexing of what is still due."""

import logging
import signal
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import click

from api.app import create_app
from core.errors import ConflictError, Sentence
from core.metrics import Metrics
from core.shapes import Json
from core.turns import short_turns
from index.indexer import VectorIndexer
from index.opening import OpeningSearcher
from livewitness.backfilling import BackfillQueue
from livewitness.checks import port
from livewitness.cli import data_option
from livewitness.console import say
from livewitness.demonstration import Demonstration
from livewitness.doorway import doorway_of, first_link
from livewitness.retaining import retention_job_of
from livewitness.service import Service
from livewitness.serving import context_of
from livewitness.supervision import put_file_webhooks, resume_watches, supervisor_of
from livewitness.wiring import database_of, delivery_of, embedder_of, reranker_of, settings_for
from pipeline.streams_file import read_streams_file
from store.engine import SEARCH_CACHE_KIB

_log = logging.getLogger(__name__)


@click.command(name="serve")
@click.option("--port", "number", type=click.IntRange(1, 65535), default=None, help="端口，默认 8700 / port")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=None,
    help="streams.yaml：服务同时监看这些直播 / watch these streams as well",
)
@data_option
def command(number: int | None, config: Path | None, data: Path | None) -> None:
    """启动服务；未启用账号时仅限本机 / Start the service; this machine only, unless accounts are on."""
    settings = settings_for(data)
    if number is not None:
        settings = settings.model_copy(update={"port": number})
    doorway = doorway_of(settings)
    if not port.check(settings).ok:
        raise ConflictError(
            "port_busy",
            f"端口 {settings.port} 已被占用。",
            f"Port {settings.port} is in use.",
            hint=Sentence("用 --port 换一个。", "Name another with --port."),
        )
    short_turns()
    # SIGTERM ends as Ctrl-C does, also after uvicorn has handed it on: recorders close their segments.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found, hooks = read_streams_file(config) if config is not None else (None, [])
    metrics = Metrics()
    written = list(found.streams) if found else []
    with (
        database_of(settings, cache_kib=SEARCH_CACHE_KIB) as db,
        embedder_of(settings) as embedder,
        reranker_of(settings) as reranker,
        delivery_of(settings, db),
        retention_job_of(settings, db),
        supervisor_of(settings, db, _quietly, metrics, written=written, embedder=embedder) as supervisor,
        closing(Demonstration(supervisor, written, settings.ffmpeg)) as demonstration,
        closing(BackfillQueue(settings, db)) as backfills,
    ):
        if found is not None:
            put_file_webhooks(db, hooks)
            for stream in found.streams:
                supervisor.add(stream)
        resume_watches(db, supervisor)
        indexer = VectorIndexer(db, embedder)
        indexer.start()
        searcher = OpeningSearcher(db, embedder, reranker=reranker)
        context = context_of(settings, doorway, db, searcher, supervisor, metrics)
        context = replace(
            context,
            demonstration=demonstration,
            backfills=backfills,
            embedder=embedder.identity,
            min_free_bytes=settings.min_free_bytes,
        )
        say(f"服务已启动：{doorway.url}（Ctrl-C 结束）", f"The service runs at {doorway.url} (Ctrl-C to end)")
        if settings.accounts and (link := first_link(db)):
            say(
                f"首次启动：管理员请打开 {doorway.url}{link} 设置口令（仅一次有效）。",
                f"First start: the administrator sets a password, once, at {doorway.url}{link}",
            )
        try:
            # uvicorn hands the signal on once it has ended; what is open is closed by leaving the blocks.
            with suppress(KeyboardInterrupt):
                app, proxies = create_app(context), doorway.proxies
                Service(app, settings.listen, settings.port, context.stopping, proxies).run()
        finally:
            indexer.stop()


def _quietly(event: Json) -> None:
    """Events of watched streams are in the outbox; the service's own log keeps a line of each."""
    _log.info("%s %s", event["event"], event.get("stream", ""))
