"""Records as the JSON that the command line prints and the API answers: one shape for both."""

from typing import Any

from core.clock import iso, plus_ms, seconds
from core.records import (
    Alert,
    Correction,
    Epoch,
    Finding,
    Gap,
    LegalBasis,
    Review,
    Segment,
    Stream,
    TimelineEvent,
    Utterance,
)

Json = dict[str, Any]


def legal_basis_json(basis: LegalBasis) -> Json:
    """``{"law", "article"}``."""
    return {"law": basis.law, "article": basis.article}


def finding_json(finding: Finding) -> Json:
    """A finding with offsets in code points of the text that was checked."""
    return {
        "rule_id": finding.rule_id,
        "title": finding.title,
        "category": finding.category.value,
        "severity": finding.severity.value,
        "verdict": finding.verdict.value,
        "start": finding.start,
        "end": finding.end,
        "matched": finding.matched,
        "canonical": finding.canonical,
        "method": finding.method,
        "score": round(finding.score, 3),
        "legal_basis": [legal_basis_json(basis) for basis in finding.legal_basis],
        "advice": finding.advice,
        "advice_en": finding.advice_en,
        "pack": finding.pack,
        "pack_version": finding.pack_version,
        "pack_sha256": finding.pack_sha256,
    }


def correction_json(correction: Correction) -> Json:
    """How the host took a claim back; times in seconds of the stream."""
    return {"text": correction.text, "start": seconds(correction.start_ms), "end": seconds(correction.end_ms)}


def alert_json(alert: Alert) -> Json:
    """An alert; ``start``/``end`` are seconds in the stream of the offending words."""
    finding = finding_json(alert.finding)
    place = {"text_start": finding.pop("start"), "text_end": finding.pop("end")}
    return {
        "alert_id": alert.id,
        "status": alert.status.value,
        "stream": alert.stream,
        "epoch": alert.epoch,
        "start": seconds(alert.start_ms),
        "end": seconds(alert.end_ms),
        "wall_time": iso(alert.wall_time),
        "text": alert.text,
        "product": alert.product,
        "latency_ms": alert.latency_ms,
        "utterance_id": alert.utterance_id,
        "count": alert.count,
        "correction": correction_json(alert.correction) if alert.correction else None,
        "reason": alert.reason,
        "against": alert.against,
        **finding,
        **place,
    }


def review_json(review: Review) -> Json:
    """A step of a person with an alert: who, what, when and why, and how the alert stands after it."""
    return {
        "number": review.number,
        "action": review.action.value,
        "state": review.state.value,
        "assignee": review.assignee,
        "reviewer": review.reviewer,
        "note": review.note,
        "at": iso(review.at),
    }


def utterance_json(utterance: Utterance) -> Json:
    """An utterance with its words in seconds of the stream."""
    return {
        "id": utterance.id,
        "stream": utterance.stream,
        "epoch": utterance.epoch,
        "start": seconds(utterance.start_ms),
        "end": seconds(utterance.end_ms),
        "wall_time": iso(utterance.wall_start),
        "text": utterance.text,
        "words": [
            {"text": w.text, "start": seconds(w.start_ms), "end": seconds(w.end_ms), "probability": w.probability}
            for w in utterance.words
        ],
        "model": {"name": utterance.model.name, "sha256": utterance.model.sha256},
        "flags": list(utterance.flags),
    }


def gap_json(gap: Gap) -> Json:
    """A stretch that was not recorded, and why."""
    return {
        "stream": gap.stream,
        "epoch": gap.epoch,
        "start": seconds(gap.start_ms),
        "end": seconds(gap.end_ms),
        "reason": gap.reason,
        "wall_start": iso(gap.wall_start),
        "wall_end": iso(gap.wall_end),
    }


def segment_json(segment: Segment) -> Json:
    """A closed piece of the recording."""
    return {
        "stream": segment.stream,
        "epoch": segment.epoch,
        "sequence": segment.sequence,
        "path": segment.path,
        "sha256": segment.sha256,
        "size": segment.size,
        "pts_start": seconds(segment.pts_start_ms),
        "pts_end": seconds(segment.pts_end_ms),
        "start": seconds(segment.start_ms),
        "end": seconds(segment.end_ms),
        "wall_start": iso(segment.wall_start),
    }


def epoch_json(epoch: Epoch) -> Json:
    """A stretch of one stream without discontinuity."""
    return {
        "stream": epoch.stream,
        "epoch": epoch.number,
        "offset": seconds(epoch.offset_ms),
        "wall_start": iso(epoch.wall_start),
        "video_codec": epoch.video_codec,
        "audio_codec": epoch.audio_codec,
        "content_sha256": epoch.content_sha256,
        "complete": epoch.complete,
    }


def stream_json(stream: Stream) -> Json:
    """A stream as the operator named it."""
    return {
        "name": stream.name,
        "source": stream.source,
        "shop": stream.shop,
        "host": stream.host,
        "room": stream.room,
        "title": stream.title,
        "product": stream.product,
        "created_at": iso(stream.created_at) if stream.created_at else None,
        "ended_at": iso(stream.ended_at) if stream.ended_at else None,
    }


def timeline_json(event: TimelineEvent) -> Json:
    """Something posted to a stream's timeline; ``at`` in seconds of the stream, ``price`` in yuan."""
    return {
        "id": event.id,
        "stream": event.stream,
        "at": seconds(event.at_ms),
        "wall_time": iso(event.wall_time),
        "kind": event.kind.value,
        "text": event.text,
        "product_class": event.product_class,
        "price": None if event.price_fen is None else event.price_fen / 100,
        "author": event.author,
    }


def wall_of(epoch: Epoch, stream_ms: int) -> str:
    """The recorder's wall clock at a stream time of this epoch, as ISO text."""
    return iso(plus_ms(epoch.wall_start, stream_ms - epoch.offset_ms))
