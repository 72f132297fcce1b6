"""What is masked in a masked edition, and the masking of words: numbers of persons, names of commenters."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.clock import timecode
from core.errors import BadInputError
from core.records import Alert, TimelineEvent, TimelineKind, Utterance, Word
from evidence.document import Language
from evidence.numbers import MASK, Private, masked_text, private_numbers
from evidence.told import Told

_PAD_MS = 200
"""Sound is muted this much before and after the words meant: word times are not exact."""


@dataclass(frozen=True, slots=True)
class Range:
    """From ``start_ms`` to ``end_ms`` of stream time."""

    start_ms: int
    end_ms: int

    def __str__(self) -> str:
        return f"{timecode(self.start_ms)}–{timecode(self.end_ms)}"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the picture in pixels, and when it is to be hidden: always when ``when`` is None."""

    x: int
    y: int
    width: int
    height: int
    when: Range | None = None


@dataclass(frozen=True, slots=True)
class MaskRequest:
    """A masked edition to write to ``output``. Numbers of persons are always masked, in text and in sound."""

    output: Path
    mute: tuple[Range, ...] = ()
    boxes: tuple[Box, ...] = ()
    faces: bool = False


@dataclass(slots=True)
class Masked:
    """What was masked so far: ranges to mute, and how often what was found."""

    mute: list[Range] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def mask_told(told: Told) -> tuple[Told, Masked]:
    """The words without numbers of persons and without the names of commenters, and what that took.

    Where a number was said, the sound of its words is to be muted: of the whole utterance where no words are timed.
    """
    done = Masked()
    said = tuple(_utterance(utterance, done) for utterance in told.utterances)
    raised = tuple(_alert(alert) for alert in told.alerts)
    posted = tuple(_event(event, done) for event in told.timeline)
    return replace(told, utterances=said, alerts=raised, timeline=posted), done


def _utterance(utterance: Utterance, done: Masked) -> Utterance:
    found = private_numbers(utterance.text)
    if not found:
        return utterance
    done.counts.update(one.kind for one in found)
    words, times = _masked_words(utterance, found)
    if not times:
        times = [Range(utterance.start_ms, utterance.end_ms)]
    done.mute += [Range(t.start_ms - _PAD_MS, t.end_ms + _PAD_MS) for t in times]
    return replace(utterance, text=masked_text(utterance.text, found), words=words)


def _masked_words(utterance: Utterance, found: Iterable[Private]) -> tuple[tuple[Word, ...], list[Range]]:
    """Words spell the text in order, punctuation left out; those that touch a number are masked, with their times."""
    hidden = [(one.start, one.end) for one in found]
    position, words, times = 0, [], []
    for word in utterance.words:
        at = utterance.text.find(word.text, position)
        if at < 0:
            # Words and text differ: which word is which cannot be told, so none is shown.
            return (), []
        position = at + len(word.text)
        if any(start < position and at < end for start, end in hidden):
            times.append(Range(word.start_ms, word.end_ms))
            words.append(replace(word, text=MASK * len(word.text)))
        else:
            words.append(word)
    return tuple(words), times


def hide(text: str) -> str:
    """The text without numbers of persons."""
    return masked_text(text, private_numbers(text))


def _alert(alert: Alert) -> Alert:
    finding = alert.finding
    text = hide(alert.text)
    matched = text[finding.start : finding.end] if text != alert.text else hide(finding.matched)
    correction = replace(alert.correction, text=hide(alert.correction.text)) if alert.correction else None
    finding = replace(finding, matched=matched, canonical=hide(finding.canonical))
    return replace(alert, text=text, finding=finding, correction=correction)


def _event(event: TimelineEvent, done: Masked) -> TimelineEvent:
    found = private_numbers(event.text)
    done.counts.update(one.kind for one in found)
    author = event.author
    if author and event.kind is TimelineKind.COMMENT:
        author = MASK * 3
        done.counts["commenter"] += 1
    return replace(event, text=masked_text(event.text, found), author=author)


def check_masks(masks: MaskRequest, start_ms: int, end_ms: int) -> None:
    """Raises `BadInputError` for a range that is empty or outside the stretch, or a rectangle without a size."""
    ranges = [*masks.mute, *(box.when for box in masks.boxes if box.when)]
    for wanted in ranges:
        if not wanted.start_ms < wanted.end_ms or wanted.end_ms <= start_ms or wanted.start_ms >= end_ms:
            raise BadInputError(
                "mask_range", f"遮蔽时段 {wanted} 不在所取片段之内。", f"{wanted} to be masked is not in the stretch."
            )
    if any(min(box.width, box.height) < 1 or min(box.x, box.y) < 0 for box in masks.boxes):
        raise BadInputError(
            "mask_box", "遮蔽框的宽高须为正，位置不能为负。", "A box needs a size, and a place in the picture."
        )


_KINDS: dict[str, tuple[str, str]] = {
    "mobile": ("手机号", "mobile numbers"),
    "identity": ("身份证号", "identity numbers"),
    "bank card": ("银行卡号", "bank cards"),
    "wechat": ("微信号", "WeChat accounts"),
    "qq": ("QQ 号", "QQ accounts"),
    "commenter": ("评论者名称", "names of commenters"),
    "face": ("人脸位置", "places of faces"),
}


def told_masks(masks: MaskRequest, done: Masked, start_ms: int, end_ms: int) -> tuple[dict[Language, str], ...]:
    """What was masked, as lines for people."""
    lines: list[dict[Language, str]] = []
    for wanted in sorted({*done.mute, *masks.mute}, key=lambda r: (r.start_ms, r.end_ms)):
        shown = Range(max(wanted.start_ms, start_ms), min(wanted.end_ms, end_ms))
        lines.append({"zh": f"静音 {shown}", "en": f"Sound muted {shown}"})
    for box in masks.boxes:
        place = f"{box.width}×{box.height}+{box.x}+{box.y} {box.when or ''}".strip()
        lines.append({"zh": f"画面遮蔽 {place}", "en": f"Picture hidden {place}"})
    for kind, count in sorted(done.counts.items()):
        zh, en = _KINDS[kind]
        lines.append({"zh": f"{zh} {count} 处", "en": f"{en}: {count}"})
    return tuple(lines) or ({"zh": "没有找到要遮蔽的内容", "en": "Nothing was found to mask"},)
