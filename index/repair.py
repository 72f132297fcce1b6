"""Undoes mis-hearings before the meaning is compared: what sounds like the query is read as the query.

去班 tells an embedder nothing, 祛斑 does. Only windows of two sounds and more that are no word by
themselves are replaced, only for comparing; the text as heard stays what is stored and shown.
"""

from index.ranking import SOUND_RUN, Match, Query


def repaired(query: Query, text: str, match: Match) -> str | None:
    """``text`` with the query's letters where it only sounds like them; ``None`` when nothing changes.

    ``match`` may be that of the text as heard, of which ``text`` is a reading of the same length.
    """
    changed = text
    taken = len(text)
    for evidence in sorted(match.evidence, key=lambda e: (-e.end, e.start)):
        if evidence.way != "sound" or evidence.credit < SOUND_RUN or evidence.end > taken:
            continue
        begin = query.spelled.letters[evidence.covers[0]].start
        stop = query.spelled.letters[evidence.covers[-1]].end
        asked = query.text[begin:stop]
        if asked != text[evidence.start : evidence.end]:
            changed = changed[: evidence.start] + asked + changed[evidence.end :]
            taken = evidence.start
    return changed if changed != text else None
