"""One score from meaning, coverage, order and polarity.

Round weights; a learned ranker bought nothing over them on so few questions. Length is no part of it.
Chosen on the sets for tuning, with a projection that had not seen the one measured.
"""

from index.ranking import Match, Query
from store.judgements import Judged

MEANING = 1.0
COVERAGE = 0.5
PHRASE = 0.2
DENIAL = 0.3
# Who shares this much of the query, by letter or sound, is taken to say the same as far as the plain cosine says so.
SPELLED_ALIKE = 0.5
# Warnings and limits leave the first hits to those who claim; they are still found.
CAUTION = 0.5
# A text that the rule packs flagged with a class of the query's, wholly from this meaning on; one that was flagged and
# cleared; the query's words in a text that was not flagged.
FLAGGED, FLAGGED_FROM, FLAGGED_TO = 0.4, 0.5, 0.8
CLEARED = 0.5
UNFLAGGED = 0.4
# A text whose vector is not there yet is taken for a little nearer than an unrelated one.
MEANING_UNKNOWN = 0.3


def score(meaning: float, match: Match) -> float:
    """The fused score; about 0 for nothing in common, 1.7 and more for the very words."""
    least = MEANING * meant(meaning, match) + COVERAGE * match.coverage + PHRASE * _said(match)
    return least - DENIAL * match.denial - CAUTION * match.caution


def heard(meaning: float, likeness: float, match: Match) -> float:
    """The meaning, and no less than the plain likeness (`index.projection.Probe`) of a text spelled like the query."""
    return max(meaning, likeness * min(1.0, match.spelled / SPELLED_ALIKE))


def meant(meaning: float, match: Match) -> float:
    """The meaning, and no less than the words in order say by themselves."""
    return max(meaning, _said(match))


def _said(match: Match) -> float:
    return match.phrase * (1.0 - min(1.0, 2 * match.denial))


def standing(query: Query, judged: Judged, meaning: float, match: Match) -> float:
    """What the judgement at ingest is worth: of a text flagged with a class of the query's, or found lawful.

    Flagged texts gain the more the nearer they are to the query, as many are flagged for another matter of the same
    class. The query's very words in a text that was not flagged are mostly a denial, or words about something else.
    """
    if query.classes & judged.standing:
        near = min(1.0, max(0.0, (meant(meaning, match) - FLAGGED_FROM) / (FLAGGED_TO - FLAGGED_FROM))) + match.coverage
        return FLAGGED * min(1.0, near)
    if query.classes & judged.cleared:
        return -CLEARED
    return -UNFLAGGED * match.spelled if query.classes else 0.0
