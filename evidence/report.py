"""The report for people, in Chinese and English: what was said, the law, how to check, and what is not proved."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from core.clock import iso, plus_ms, timecode
from core.records import Alert, Epoch, Stream, TimelineEvent, Utterance
from evidence.document import (
    BREAK,
    Block,
    Document,
    Heading,
    Items,
    Language,
    Line,
    Paragraph,
    Picture,
    Span,
    Table,
    plain,
)
from evidence.report_words import (
    BOUND,
    BY_HAND,
    CHECK,
    LATE,
    LIMITS,
    MASKED_LIMIT,
    NO_STAMP,
    RECEIVED,
    TITLES,
    WORDS,
)

BEIJING = timezone(timedelta(hours=8))
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file from elsewhere: its own name, its name in the package, what it is, when it was taken in, who gave it.

    ``file`` is empty where only the hash was kept.
    """

    name: str
    file: str
    kind: str
    taken: datetime
    giver: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report tells. ``stills``: picture file by alert id. Times of ``clip_*`` are stream milliseconds.

    ``masks``: what was masked, in both languages; empty for the unmasked edition.
    """

    stream: Stream
    epoch: Epoch
    start_ms: int
    end_ms: int
    clip_name: str
    clip_start_ms: int
    clip_mode: str
    received: bool
    late: int
    segments: int
    origin: str
    stamped: bool
    utterances: tuple[Utterance, ...]
    alerts: tuple[Alert, ...]
    stills: Mapping[str, str]
    timeline: tuple[TimelineEvent, ...] = ()
    files: tuple[ReceivedFile, ...] = ()
    masks: tuple[Mapping[Language, str], ...] = ()

    def wall(self, stream_ms: int) -> datetime:
        """The recorder's clock at a moment of the stream."""
        return plus_ms(self.epoch.wall_start, stream_ms - self.epoch.offset_ms)


def clip_report(facts: Facts, language: Language) -> Document:
    """The report on a stretch."""
    words = WORDS[language]
    title = TITLES["masked" if facts.masks else "clip"][language]
    blocks: list[Block] = [
        *_what(facts, words),
        *_masks(facts, words, language),
        *_said(facts, words),
        Heading(words["findings"]),
        *[block for alert in facts.alerts for block in _finding(facts, alert, words, language)],
        *([] if facts.alerts else [Paragraph(plain(words["none"]))]),
        *_timeline(facts, words),
        *_files(facts, words),
        Heading(words["check"]),
        Items(tuple(coded(text) for text in _check(facts, language)), ordered=True),
        Heading(words["limits"]),
        Items(tuple(plain(text) for text in _limits(facts, language))),
    ]
    return Document(language, title, facts.wall(facts.start_ms), tuple(blocks))


def coded(text: str) -> Line:
    """A line whose parts between backquotes are code."""
    return tuple(Span(part, "code" if n % 2 else "") for n, part in enumerate(_CODE.split(text)) if part)


def clock(moment: datetime, words: Mapping[str, str]) -> str:
    """UTC and Beijing time, both named."""
    return f"{iso(moment)} ({words['beijing']} {moment.astimezone(BEIJING):%Y-%m-%d %H:%M:%S})"


def _check(facts: Facts, language: Language) -> list[str]:
    return [*CHECK[language], (BOUND if facts.masks else BY_HAND)[language]]


def _limits(facts: Facts, language: Language) -> list[str]:
    more = [MASKED_LIMIT[language]] if facts.masks else []
    if facts.received or facts.files:
        more.append(RECEIVED[language])
    if not facts.stamped:
        more.append(NO_STAMP[language])
    if facts.late:
        more.append(LATE[language].format(facts.late))
    return [*LIMITS[language], *more]


def _what(facts: Facts, words: Mapping[str, str]) -> list[Block]:
    source: Line = plain(facts.epoch.source)
    if facts.received:
        source = (*source, BREAK, Span(words["received"]))
    walls = [Span(clock(facts.wall(ms), words)) for ms in (facts.start_ms, facts.end_ms)]
    clip = f" ({words[facts.clip_mode]}) ← {timecode(facts.clip_start_ms)}"
    rows: dict[str, Line] = {
        words["stream"]: plain(f"{facts.stream.name} {facts.stream.title}".strip()),
        words["shop"]: plain(facts.stream.shop),
        words["host"]: plain(facts.stream.host),
        words["source"]: source,
        words["time"]: plain(f"{timecode(facts.start_ms)} – {timecode(facts.end_ms)}"),
        words["wall"]: (walls[0], BREAK, walls[1]),
        words["clip"]: (Span(facts.clip_name, "code"), Span(clip)),
        words["segments"]: plain(str(facts.segments)),
        words["log"]: (Span(facts.origin, "code"),),
    }
    shown = tuple((plain(name), line) for name, line in rows.items() if "".join(span.text for span in line))
    return [Heading(words["what"]), Table(shown)]


def _masks(facts: Facts, words: Mapping[str, str], language: Language) -> list[Block]:
    if not facts.masks:
        return []
    return [Heading(words["masks"]), Items(tuple(plain(mask[language]) for mask in facts.masks))]


def _said(facts: Facts, words: Mapping[str, str]) -> list[Block]:
    if not facts.utterances:
        return [Heading(words["said"]), Paragraph(plain(words["nothing"]))]
    # The clock of a recording that was received is that of its receipt: it says nothing about when this was said.
    rows = tuple(
        (plain(timecode(u.start_ms)), *_clock_cell(facts, u.start_ms), plain(u.text)) for u in facts.utterances
    )
    clocks = () if facts.received else (words["beijing"],)
    return [Heading(words["said"]), Table(rows, (words["time"], *clocks, words["words"]))]


def _clock_cell(facts: Facts, stream_ms: int) -> tuple[Line, ...]:
    return () if facts.received else (plain(_beijing(facts.wall(stream_ms))),)


def _beijing(moment: datetime) -> str:
    return f"{moment.astimezone(BEIJING):%m-%d %H:%M:%S}"


def _finding(facts: Facts, alert: Alert, words: Mapping[str, str], language: Language) -> list[Block]:
    finding = alert.finding
    before, meant = alert.text[: finding.start], alert.text[finding.start : finding.end]
    said = (Span(before), Span(meant, "mark"), Span(alert.text[finding.end :]))
    law = "；".join(f"{basis.law} {basis.article}" for basis in finding.legal_basis)
    rule = f"{finding.rule_id} · {finding.pack} {finding.pack_version} · {words['score']} {finding.score:.2f}"
    rule += f" · {words['status']} {alert.status.value}"
    when = timecode(alert.start_ms)
    if not facts.received:
        when += f" · {clock(facts.wall(alert.start_ms), words)}"
    rows = (
        (plain(words["time"]), plain(when)),
        (plain(words["law"]), plain(law)),
        (plain(words["advice"]), plain(finding.advice if language == "zh" else finding.advice_en)),
        (plain(words["rule"]), (Span(rule), BREAK, Span(finding.pack_sha256, "code"))),
    )
    still = facts.stills.get(alert.id)
    picture = [Picture(still, words["picture"])] if still else []
    return [Heading(finding.title, 3), Paragraph(said), *picture, Table(rows)]


def _timeline(facts: Facts, words: Mapping[str, str]) -> list[Block]:
    if not facts.timeline:
        return []
    rows = tuple(
        (plain(timecode(event.at_ms)), plain(words[event.kind.value]), plain(_event_text(event)))
        for event in facts.timeline
    )
    return [Heading(words["timeline"]), Table(rows, (words["time"], words["kind"], words["text"]))]


def _event_text(event: TimelineEvent) -> str:
    price = f"{event.price_fen / 100:.2f} 元" if event.price_fen is not None else ""
    author = f"{event.author}：" if event.author else ""
    return " ".join(part for part in (f"{author}{event.text}", price) if part)


def _files(facts: Facts, words: Mapping[str, str]) -> list[Block]:
    if not facts.files:
        return []
    rows = tuple((_receipt(file, words), _file(file)) for file in facts.files)
    return [Heading(words["files"]), Table(rows, (words["taken"], words["file"]))]


def _receipt(file: ReceivedFile, words: Mapping[str, str]) -> Line:
    giver = f" · {words['giver']} {file.giver}" if file.giver else ""
    taken = f"{words['beijing']} {file.taken.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
    return (Span(f"{words.get(file.kind, file.kind)}{giver}"), BREAK, Span(iso(file.taken)), BREAK, Span(taken))


def _file(file: ReceivedFile) -> Line:
    place = (Span(file.file, "code"), BREAK) if file.file else ()
    return (Span(file.name), BREAK, *place, Span(file.sha256, "code"))
