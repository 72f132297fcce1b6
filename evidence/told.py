"""What a package tells of a stretch beside the media: words, findings, pictures, timeline, files, and the reports."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.clock import parse_iso
from core.errors import LiveWitnessError
from core.records import Alert, Epoch, TimelineEvent, TimelineKind, Utterance
from core.shapes import alert_json, timeline_json
from evidence.chain import Chain
from evidence.clip import Clip
from evidence.document import Language, document_html, document_pdf
from evidence.report import Facts, ReceivedFile, clip_report
from evidence.staging import ExportContext, Staging
from evidence.still import write_still
from evidence.transcript import transcript_json, transcript_vtt
from store import alerts, timeline, utterances
from store.engine import Database

_ALL = 1_000_000
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Told:
    """Words, alerts and timeline events of a stretch; ``stills``: picture file by alert id."""

    utterances: tuple[Utterance, ...]
    alerts: tuple[Alert, ...]
    timeline: tuple[TimelineEvent, ...]
    stills: Mapping[str, str]


def gather_told(db: Database, stream: str, start_ms: int, end_ms: int) -> Told:
    """What the database says of a stretch, with what was last put on the shelf before it; no pictures yet."""
    with db.read() as connection:
        said = utterances.list_utterances(connection, stream, start_ms=start_ms, end_ms=end_ms, limit=_ALL)
        raised = alerts.list_alerts(connection, stream=stream, limit=_ALL)
        posted = timeline.list_events(connection, stream, start_ms=start_ms, end_ms=end_ms, limit=_ALL)
        shown = timeline.list_events(connection, stream, end_ms=start_ms, kind=TimelineKind.PRODUCT, limit=_ALL)[-1:]
    found = tuple(a for a in raised if a.start_ms < end_ms and a.end_ms > start_ms)
    return Told(tuple(said), found, (*shown, *posted), {})


def with_stills(staging: Staging, context: ExportContext, told: Told) -> Told:
    """With a picture of the middle of the words of each alert, where there is a picture."""
    names: dict[str, str] = {}
    for alert in told.alerts:
        name = f"findings/{alert.id}.jpg"
        middle = (alert.start_ms + alert.end_ms) // 2
        try:
            write_still(context.db, context.data_dir, alert.stream, middle, staging.place(name))
        except LiveWitnessError:
            # Sound only, or the words begin in a part that is not exported.
            del staging.files[name]
        else:
            names[alert.id] = name
    return replace(told, stills=names)


def put_told(staging: Staging, told: Told, zero_ms: int) -> None:
    """Transcript, findings and timeline; captions count from the stream time ``zero_ms``."""
    staging.put("transcript/transcript.json", transcript_json(told.utterances))
    staging.put("transcript/transcript.vtt", transcript_vtt(told.utterances, zero_ms))
    staging.put_json("findings/findings.json", [_finding_json(alert, told) for alert in told.alerts])
    staging.put_json("findings/timeline.json", [_event_json(event) for event in told.timeline])


def _event_json(event: TimelineEvent) -> dict[str, Any]:
    """Database ids are left out: they mean nothing elsewhere."""
    return {name: value for name, value in timeline_json(event).items() if name != "id"}


def _finding_json(alert: Alert, told: Told) -> dict[str, Any]:
    model = next((u.model for u in told.utterances if u.id == alert.utterance_id), None)
    fields = {k: v for k, v in alert_json(alert).items() if k not in {"utterance_id", "latency_ms"}}
    identity = {"name": model.name, "sha256": model.sha256} if model else None
    return fields | {"model": identity, "picture": told.stills.get(alert.id, "")}


def facts_of(chain: Chain, told: Told, requested: tuple[int, int], clip: Clip) -> Facts:
    """What the report on this stretch tells."""
    epoch: Epoch = chain.cover.epoch
    return Facts(
        stream=chain.stream,
        epoch=epoch,
        start_ms=requested[0],
        end_ms=requested[1],
        clip_name=f"clip/{clip.path.name}",
        clip_start_ms=clip.start_ms,
        clip_mode=clip.mode,
        received=any(leaf["how"] == "received" for leaf in chain.leaves),
        late=sum(bool(leaf["late"]) for leaf in chain.leaves),
        segments=len(chain.segments),
        origin=chain.origin,
        stamped=chain.stamped,
        utterances=told.utterances,
        alerts=told.alerts,
        stills=told.stills,
        timeline=told.timeline,
        files=tuple(
            ReceivedFile(
                leaf["name"], leaf["file"], leaf["what"], parse_iso(leaf["time"]), leaf["giver"], leaf["sha256"]
            )
            for leaf in chain.received
        ),
    )  # fmt: skip


def put_reports(staging: Staging, facts: Facts) -> None:
    """The report as HTML and PDF, in Chinese and English."""
    for language in LANGUAGES:
        document = clip_report(facts, language)
        staging.put(f"report.{language}.html", document_html(document))
        staging.put(f"report.{language}.pdf", document_pdf(document, staging.folder))
