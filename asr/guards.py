"""What Whisper writes that nobody said: repetition loops, and closing credits heard in silence.

Measured on truncated decodes: zlib's ratio of good Chinese output stays at or below 1.38, loops begin
at 1.46; log-probability and the model's no-speech guess do not separate them. Tokens per second do, but
a fast host without pauses speaks eight characters and nine to ten tokens a second, so the limit is twelve.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import regex

from core.records import Word
from core.text import normalise

TOKENS_PER_SECOND = 12
SPARE_TOKENS = 4
MAX_RATIO = 1.4
MIN_RATIO_CHARS = 12
MIN_REPEAT_CHARS = 6

UNHEARD_MS = 1_200
UNHEARD_LETTERS_A_SECOND = 2

LoopSign = Literal["rate", "repeat", "ratio"]

_REPEAT = regex.compile(rf"(?s)(.{{{MIN_REPEAT_CHARS},}}?)\1+")
_SHORT_REPEAT = regex.compile(r"(?s)(.{1,5}?)\1{2,}")
_MARKS = regex.compile(r"[\p{P}\p{Z}\p{S}]+")

# Credits of subtitled videos in the training data; no host says these in a sale.
_CREDITS = regex.compile(
    r"(?:中文)?字幕(?:由|志愿者|制作|提供|组|校对|翻译|來源|来源).{0,20}"
    r"|请不吝点赞.{0,20}|打赏支持.{0,12}|.{0,6}独播剧场.{0,40}"
    r"|(?:本)?(?:节目|字幕)由.{0,20}(?:提供|制作|赞助)(?:播出)?"
)
# Courtesies that a host may well say: dropped only when hardly anybody was heard speaking.
_COURTESY = regex.compile(
    r"(?:感?谢谢?(?:大家|您|你)?(?:的)?(?:观看|收看|收听|聆听)|(?:我们)?下(?:期|次|集)(?:再见|再会)"
    r"|(?:请)?(?:记得)?(?:订阅|点赞|关注)(?:我的频道|本频道)?|谢谢(?:大家)?|拜拜|再见|by.{0,24})+"
)


@dataclass(frozen=True, slots=True)
class SpeechEvidence:
    """What speaks for a voice in the window: voiced seconds and the model's own no-speech guess."""

    voiced_s: float
    no_speech: float


def compression_ratio(text: str) -> float:
    """Bytes of the text by bytes of its zlib form; repetition compresses well."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def loop_signs(text: str, tokens: int, seconds: float) -> frozenset[LoopSign]:
    """Which signs of a repetition loop a decode of ``seconds`` of audio shows; empty for good text."""
    bare = _MARKS.sub("", text)
    signs: set[LoopSign] = set()
    if tokens > TOKENS_PER_SECOND * seconds + SPARE_TOKENS:
        signs.add("rate")
    if _REPEAT.search(bare):
        signs.add("repeat")
    if len(bare) >= MIN_RATIO_CHARS and compression_ratio(bare) > MAX_RATIO:
        signs.add("ratio")
    return frozenset(signs)


def first_occurrence(pieces: tuple[str, ...]) -> int:
    """How many pieces to keep so that the longest run of repeats is said once; all when there is none."""
    text = "".join(pieces)
    repeats = [*_REPEAT.finditer(text), *_SHORT_REPEAT.finditer(text)]
    if not repeats:
        return len(pieces)
    end = max(repeats, key=lambda found: len(found[0])).end(1)
    kept = length = 0
    while kept < len(pieces) and length + len(pieces[kept]) <= end:
        length += len(pieces[kept])
        kept += 1
    return kept


def unheard_ms(words: Sequence[Word], speech: Sequence[tuple[int, int]]) -> int:
    """The longest stretch of voice (ms) that only one word stands for, or none: before, inside, after the text.

    Whisper sometimes skips a clause. Alignment then stretches one word over it (a spoken word lasts at
    most 0.6 s), or the text ends long before the voice does.
    """
    edges = [(word.start_ms, word.end_ms) for word in words]
    if speech:
        first, last = (edges[0][0], edges[-1][1]) if edges else (speech[-1][1], speech[-1][1])
        edges += [(speech[0][0], first), (last, speech[-1][1])]
    return max((_voiced_ms(a, b, speech) for a, b in edges), default=0)


def _voiced_ms(start: int, end: int, speech: Sequence[tuple[int, int]]) -> int:
    return sum(max(0, min(end, b) - max(start, a)) for a, b in speech)


def is_chant(text: str) -> bool:
    """Whether something short is said three times or more on end (买它买它买它): hosts do that."""
    bare = _MARKS.sub("", text)
    found = _SHORT_REPEAT.search(bare)
    return found is not None and len(found.group(0)) >= 4


def is_hallucination(text: str, evidence: SpeechEvidence) -> bool:
    """Whether the whole ``text`` is closing credits, or a courtesy where hardly anybody speaks."""
    bare = _MARKS.sub("", normalise(text).text)
    if not bare:
        return True
    if _CREDITS.fullmatch(bare):
        return True
    hardly = evidence.no_speech > 0.6 or evidence.voiced_s < 0.09 * len(bare)
    return hardly and _COURTESY.fullmatch(bare) is not None


def credit_spans(text: str) -> list[tuple[int, int]]:
    """Where credits stand inside a longer text (code points); the caller asks whether anyone speaks there."""
    return [found.span() for found in _CREDITS.finditer(text)]
