"""Replaying a stream: an overview for the timeline, and stretches that any browser plays."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from api.auth.access import Viewing
from api.context import Context
from api.errors import ERRORS
from api.queries import known_stream
from api.shelf import ClipShelf, KeptClip
from api.trail import note, note_view
from core.clock import seconds
from core.errors import BadInputError, NotFoundError
from core.records import AlertStatus
from core.shapes import gap_json, timeline_json
from evidence.coverage import clip_parts, stretches
from store import alerts, recordings, timeline

router = APIRouter(prefix="/api/v1/streams/{name}", tags=["clips"], responses=ERRORS)
StreamName = Annotated[str, Path(max_length=200, description="直播流名称 / name of the stream")]
Moment = Annotated[float, Query(ge=0, le=1e9, description="秒 / seconds in the stream")]
_BEFORE_MS = 20_000
_AFTER_MS = 220_000
_MARKS = 5000
_LATER_MS = (0, 100, 300, 1000, 3000, 6000, 12_000)


@router.get("/overview", summary="回放时间轴 / What the timeline of a replay shows")
def overview(request: Request, context: Context, visitor: Viewing, name: StreamName) -> dict[str, Any]:
    """Recorded parts, gaps, alerts (place and severity) and timeline events; at most 5,000 of each."""
    known_stream(context.db, name, visitor)
    note_view(request, "replay.viewed", {"stream": name})
    with context.db.read() as connection:
        segments = sorted(recordings.list_segments(connection, name), key=lambda s: (s.start_ms, s.sequence))
        gaps = recordings.list_gaps(connection, name)
        raised = alerts.list_alerts(connection, stream=name, limit=_MARKS)
        events = timeline.list_events(connection, name, limit=_MARKS)
    marks = [a for a in raised if a.status is not AlertStatus.WITHDRAWN]
    return {
        "parts": [{"start": seconds(p.start_ms), "end": seconds(p.end_ms)} for p in stretches(segments, gaps)],
        "gaps": [gap_json(gap) for gap in gaps],
        "alerts": [
            {
                "alert_id": a.id,
                "start": seconds(a.start_ms),
                "end": seconds(a.end_ms),
                "severity": a.finding.severity.value,
                "matched": a.finding.matched,
                "title": a.finding.title,
            }
            for a in marks
        ],
        "events": [timeline_json(event) for event in events],
    }


@router.get("/playback", summary="从某刻起可播的一段 / A stretch to play from a moment")
def playback(request: Request, context: Context, visitor: Viewing, name: StreamName, at: Moment) -> dict[str, Any]:
    """A few minutes around ``at``, never across a gap: ``url`` plays; second 0 of it is ``start`` in the stream."""
    known_stream(context.db, name, visitor)
    moment = round(at * 1000)
    # Windows begin at fixed places, so that moments near each other share a file.
    begin = max(0, moment - moment % _BEFORE_MS - _BEFORE_MS)
    part = next(
        (p for p in clip_parts(context.db, name, begin, begin + _AFTER_MS) if p.start_ms <= moment < p.end_ms), None
    )
    if part is None:
        raise NotFoundError("playback_outside", "这一刻没有录像。", "Nothing is recorded at that moment.")
    shelf: ClipShelf = request.app.state.shelf
    kept = _from_a_keyframe(shelf, name, part.start_ms, part.end_ms)
    note(request, "play", {"stream": name, "clip": kept.id, "sha256": kept.about["sha256"]})
    return {"url": f"/api/v1/clips/{kept.id}", "start": kept.about["start"], "end": kept.about["end"]}


def _from_a_keyframe(shelf: ClipShelf, name: str, start_ms: int, end_ms: int) -> KeptClip:
    """A copied clip needs a keyframe to begin with; a recording may start a moment before its first."""
    for later in _LATER_MS:
        try:
            return shelf.make(name, start_ms + later, end_ms, "copy")
        except BadInputError as error:
            if error.code != "clip_no_keyframe":
                raise
    return shelf.make(name, start_ms, end_ms, "exact")
