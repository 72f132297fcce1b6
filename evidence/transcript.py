"""What was said in a stretch, as JSON with word times and probabilities, and as WebVTT for the clip."""

import json
from collections.abc import Sequence

from core.clock import timecode
from core.records import Utterance
from core.shapes import utterance_json


def transcript_json(utterances: Sequence[Utterance]) -> bytes:
    """All utterances; times are seconds of the stream. Database ids are left out: they mean nothing elsewhere."""
    rows = [{k: v for k, v in utterance_json(u).items() if k != "id"} for u in utterances]
    return (json.dumps(rows, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def transcript_vtt(utterances: Sequence[Utterance], zero_ms: int) -> bytes:
    """Captions whose time 0 is the stream time ``zero_ms``, where the clip begins."""
    cues = ["WEBVTT\n"]
    for utterance in utterances:
        start, end = (max(0, ms - zero_ms) for ms in (utterance.start_ms, utterance.end_ms))
        text = utterance.text.replace("-->", "→").replace("&", "&amp;").replace("<", "&lt;")
        cues.append(f"{_cue_time(start)} --> {_cue_time(max(end, start + 1))}\n{text}\n")
    return "\n".join(cues).encode()


def _cue_time(ms: int) -> str:
    shown = timecode(ms)
    return shown if shown.index(":") >= 2 else f"0{shown}"
