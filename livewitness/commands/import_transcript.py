"""``livewitness import-transcript``: text made elsewhere becomes searchable and is judged."""

from pathlib import Path

import click

from claims.checker import load_checker
from core.records import Stream
from core.shapes import alert_json
from evidence.audit import append_audit, local_actor
from index.indexer import VectorIndexer
from livewitness.cli import data_option, json_option
from livewitness.console import emit, say
from livewitness.wiring import FLUSH_S, database_of, embedder_of, settings_for
from pipeline.import_transcript import import_transcript
from pipeline.transcripts import FORMATS, read_transcript


@click.command(name="import-transcript")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--stream", required=True, help="直播名 / stream name")
@click.option("--format", "form", type=click.Choice(FORMATS), default=None, help="默认看后缀 / by suffix")
@click.option("--shop", default="", help="店铺 / shop")
@click.option("--product", default="", help="商品类别 / product class")
@data_option
@json_option
def command(
    file: Path, stream: str, form: str | None, shop: str, product: str, data: Path | None, as_json: bool
) -> None:
    """导入已有字幕 / Import a transcript made elsewhere."""
    lines = read_transcript(file, form or "")
    settings = settings_for(data)
    with database_of(settings) as db, embedder_of(settings) as embedder:
        checker = load_checker(settings.all_packs, embedder=embedder)
        record = Stream(name=stream, source=f"transcript:{file.name}", shop=shop, product=product)
        imported = import_transcript(db, checker, record, lines)
        VectorIndexer(db, embedder).flush(FLUSH_S)
    detail = {"stream": stream, "file": file.name, "utterances": imported.lines}
    append_audit(settings.data, local_actor(), "import.transcript", detail)
    if as_json:
        for alert in imported.alerts:
            emit({"event": "alert", **alert_json(alert)})
        emit({"event": "imported", "stream": stream, "utterances": imported.lines, "known": imported.known})
    say(
        f"已导入 {imported.lines} 句（{imported.known} 句原已存在），告警 {len(imported.alerts)} 条。",
        f"Imported {imported.lines} utterances ({imported.known} were known), {len(imported.alerts)} alerts.",
    )
