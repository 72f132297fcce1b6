"""Whether a suspicion that the final text does not hold was misheard then, or is misheard now.

The final pass hears better, but not always: it may write 取半 where the provisional pass had 祛斑. Who is right is
asked of the words themselves. Where the final pass wrote something that sounds alike, or nothing it is sure of, and
was less sure of its words than the provisional pass of its own, nobody knows: a person should listen. Everywhere
else the final text holds, so that a lawful word heard clearly never becomes an alert.
"""

from collections.abc import Sequence

from core.pinyin import merged_syllables
from core.records import Word
from core.text import is_han

NEAR_MS = 300
"""Times of the same words in two decodes differ by less."""
LESS_SURE = 0.05
HARDLY_SURE = 0.35
"""Words of a final decode below this are a guess."""
QUITE_SURE = 0.6
ONE_ERROR_FROM = 4
"""So many syllables sound alike with one of them wrong, missing or too many; fewer only if all are right."""


def sureness(words: Sequence[Word]) -> float:
    """Mean probability of the words' characters; 0 where there are none."""
    weights = [max(1, len(word.text.strip())) for word in words]
    total = sum(weights)
    return sum(w * word.probability for w, word in zip(weights, words, strict=True)) / total if total else 0.0


def said_between(words: Sequence[Word], start_ms: int, end_ms: int) -> tuple[Word, ...]:
    """The words whose middle lies in that stretch of time."""
    return tuple(word for word in words if 2 * start_ms <= word.start_ms + word.end_ms <= 2 * end_ms)


def in_doubt(matched: str, sure: float, start_ms: int, end_ms: int, final: Sequence[Word]) -> bool:
    """Whether words ``matched`` by the provisional pass, which was so ``sure`` of them, may yet have been said.

    ``final`` are the words of the final text around them. The very same words there mean that the text as a whole
    excuses them; silence there means that nobody spoke.
    """
    there = said_between(final, start_ms, end_ms)
    around = "".join(word.text for word in said_between(final, start_ms - NEAR_MS, end_ms + NEAR_MS))
    if not there or _bare(matched) in _bare(around):
        return False
    now_sure = sureness(there)
    if alike(matched, around):
        return now_sure < sure - LESS_SURE
    return now_sure < HARDLY_SURE and sure >= QUITE_SURE


def alike(matched: str, text: str) -> bool:
    """Whether some stretch of ``text`` sounds like ``matched``.

    >>> alike("三天祛斑", "真的三天取半了"), alike("三天祛斑", "今天天气不错")
    (True, False)
    """
    wanted = [sound for sound in merged_syllables(matched) if sound]
    heard = [sound for sound in merged_syllables(text) if sound]
    allowed = 1 if len(wanted) >= ONE_ERROR_FROM else 0
    return bool(wanted) and _errors(wanted, heard) <= allowed


def _errors(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Fewest changes that turn ``wanted`` into some stretch of ``heard`` (Sellers 1980)."""
    before = [0] * (len(heard) + 1)
    for row, sound in enumerate(wanted, 1):
        now = [row]
        for column, other in enumerate(heard, 1):
            now.append(min(before[column - 1] + (sound != other), before[column] + 1, now[-1] + 1))
        before = now
    return min(before)


def _bare(text: str) -> str:
    return "".join(char for char in text if is_han(char) or char.isalnum())
