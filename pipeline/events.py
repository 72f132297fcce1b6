"""What a watched stream tells the outside: one JSON object an event, names as the command line prints them."""

from collections.abc import Callable

from core.clock import iso, seconds, utc_now
from core.records import Epoch, Gap, Segment, Stream, Utterance
from core.shapes import Json, alert_json, epoch_json, gap_json, segment_json, stream_json, utterance_json
from pipeline.lifecycle import Change, ChangeKind
from store.holes import Hole

EventSink = Callable[[Json], None]


def _event(name: str, fields: Json) -> Json:
    return {"event": name, **fields, "at": iso(utc_now())}


def stream_started(stream: Stream) -> Json:
    """Recording is about to begin."""
    return _event("stream.started", {"stream": stream.name} | stream_json(stream))


def epoch_started(epoch: Epoch) -> Json:
    """The source is connected; what follows has no discontinuity."""
    return _event("epoch", epoch_json(epoch))


def segment_closed(segment: Segment) -> Json:
    """A piece of the recording is closed, fsynced and hashed."""
    return _event("segment", segment_json(segment))


def utterance_heard(utterance: Utterance) -> Json:
    """Final text of a stretch of speech, stored."""
    return _event("utterance", utterance_json(utterance))


EVENT_NAMES: dict[ChangeKind, str] = {
    "raised": "alert",
    "confirmed": "alert",
    "withdrawn": "alert",
    "repeated": "alert.repeated",
    "corrected": "alert.corrected",
    "softened": "alert.softened",
}


def alert_changed(change: Change) -> Json:
    """A claim a moderator should look at, stored, or what became of it; always under the same ``alert_id``."""
    return _event(EVENT_NAMES[change.kind], alert_json(change.alert))


def gap_found(gap: Gap) -> Json:
    """A stretch that was not recorded."""
    return _event("gap", gap_json(gap))


def gap_opened(gap: Gap) -> Json:
    """The source is lost and being sought again; ``gap`` follows when it is back, with how much is missing."""
    fields = {"stream": gap.stream, "epoch": gap.epoch, "start": seconds(gap.start_ms), "reason": gap.reason}
    return _event("gap.opened", fields | {"wall_start": iso(gap.wall_start)})


def lag(stream: str, position_ms: int, lag_ms: int) -> Json:
    """Recognition runs behind the recording by ``lag`` seconds; nothing is lost."""
    return _event("lag", {"stream": stream, "position": seconds(position_ms), "lag": seconds(lag_ms)})


def not_transcribed(hole: Hole) -> Json:
    """A stretch is recorded, but recognition could make nothing of it and went on behind it (``reason``)."""
    fields = {"stream": hole.stream, "epoch": hole.epoch, "reason": hole.reason}
    return _event("not_transcribed", fields | {"start": seconds(hole.start_ms), "end": seconds(hole.end_ms)})


def no_audio(stream: str, position_ms: int) -> Json:
    """The source carries no sound, or none any more: it is recorded, but nothing can be heard."""
    return _event("no_audio", {"stream": stream, "position": seconds(position_ms)})


def audio_resumed(stream: str, position_ms: int) -> Json:
    """There is sound again after `no_audio`."""
    return _event("audio.resumed", {"stream": stream, "position": seconds(position_ms)})


def stream_ended(stream: str, reason: str, totals: Json) -> Json:
    """Recording, recognition and storing are done."""
    return _event("stream.ended", {"stream": stream, "reason": reason, **totals})
