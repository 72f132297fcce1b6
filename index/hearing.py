"""How an utterance is read by search: mis-heard words put right by sound, and the concepts it expresses.

Recognition writes a word it does not expect with whatever characters fit the sound (祛斑 as 去班). A run of two to
four characters is read as a word of the concept table when it sounds like it, is no word itself, and no character of
it forms a word with a neighbour outside (去 + 班 in 再去班上 does). The text as heard stays what is stored and shown.
"""

import hashlib
from functools import lru_cache

from core.pinyin import merged_syllables
from core.text import is_han, normalise
from index.concepts import TABLE, ConceptTable, load_concepts
from index.lexicon import Lexicon, load_lexicon
from store.readings import Reading

_LONGEST = 4
# Written right by every recogniser: where one of these stands, it was said.
_FUNCTION = frozenset(
    "的是了把这那不说里就们也上没个还你我他她它在都要好见人给吗呢吧啊呀很太和跟与又再被让比等才能想用吃到得着"
)
# Counts up when the rules below change, so that stored readings are made anew.
_RULES = 2


def embedded_text(text: str) -> str:
    """The form of an utterance or query that is embedded: Simplified, folded."""
    return normalise(text).text


class Reader:
    """Makes readings. Stateless after its tables are built."""

    def __init__(self, concepts: ConceptTable, lexicon: Lexicon) -> None:
        self._concepts = concepts
        self._lexicon = lexicon
        self._by_sound: dict[tuple[str, ...], str] = {}
        for name, words in concepts.terms.items():
            for word in words:
                if self._heard_as(word, name in concepts.problems):
                    sounds = tuple(merged_syllables(word))
                    self._by_sound.setdefault(sounds, word)
        self.version = hashlib.sha256(TABLE.read_bytes() + bytes([_RULES])).hexdigest()[:16]

    def read(self, text: str) -> Reading:
        """The reading of a text as heard."""
        repaired = self.repair(text)
        mentions = self._concepts.mentions(repaired or text)
        return Reading(repaired, tuple(dict.fromkeys(mention.concept for mention in mentions)))

    def repair(self, text: str) -> str:
        """``text`` with mis-heard words put right, character for character; empty when there are none."""
        normal = normalise(text)
        heard = normal.text
        sounds = merged_syllables(heard)
        changed = list(text)
        taken = 0
        for start in range(len(heard) - 1):
            for size in range(min(_LONGEST, len(heard) - start), 1, -1):
                word = self._by_sound.get(tuple(sounds[start : start + size]))
                if start >= taken and word is not None and self._misheard(heard, start, start + size, word):
                    for place, char in enumerate(word, start):
                        changed[normal.starts[place]] = char
                    taken = start + size
        return "".join(changed) if taken else ""

    def _misheard(self, text: str, start: int, end: int, word: str) -> bool:
        said = text[start:end]
        if said == word or not all(map(is_han, said)) or self._known(said):
            return False
        if any(a != b and a in _FUNCTION for a, b in zip(said, word, strict=True)):
            return False
        # A word may neither reach over an edge of the run nor take up its greater part.
        return not any(
            (text[a:b] in self._lexicon.common or text[a:b] in self._concepts.words)
            for a in range(max(0, start - 2), end)
            for b in range(max(a + 2, start + 1), min(len(text), end + 2) + 1)
            if b - a <= _LONGEST and (a < start < b or a < end < b or (end - start == b - a + 1))
        )

    def _heard_as(self, word: str, problem: bool) -> bool:
        """Whether a run may be put right as ``word``: scraps of two characters (别醒) would be heard everywhere."""
        if not 2 <= len(word) <= _LONGEST or not all(map(is_han, word)):
            return False
        return len(word) > 2 or problem or self._lexicon.is_word(word)

    def _known(self, run: str) -> bool:
        return self._lexicon.is_word(run) or run in self._concepts.words


@lru_cache(maxsize=1)
def load_reader() -> Reader:
    """The reader with the bundled tables."""
    return Reader(load_concepts(), load_lexicon())
