"""From characters of an utterance to its time: which words were meant, and when they were said."""

from collections.abc import Sequence

from core.records import Utterance, Word


def word_ranges(text: str, words: Sequence[Word]) -> list[tuple[int, int]]:
    """Code-point range of each word in ``text``; words spell the text in order, punctuation left out.

    A word that cannot be found where it should stand gets an empty range at that place.
    """
    ranges: list[tuple[int, int]] = []
    position = 0
    for word in words:
        spelled = word.text.strip()
        found = text.find(spelled, position) if spelled else -1
        if found < 0:
            ranges.append((position, position))
            continue
        position = found + len(spelled)
        ranges.append((found, position))
    return ranges


def span_ms(utterance: Utterance, start: int, end: int) -> tuple[int, int]:
    """Stream time in ms of the characters ``[start, end)`` of ``utterance.text``.

    Inside a word, and where an utterance has no word times (an imported transcript), time is
    shared out evenly over the characters.
    """
    if not utterance.words or end <= start:
        return _even(utterance.start_ms, utterance.end_ms, len(utterance.text), start, end)
    ranges = word_ranges(utterance.text, utterance.words)
    meant = [i for i, (first, last) in enumerate(ranges) if first < end and last > start]
    if not meant:
        return _even(utterance.start_ms, utterance.end_ms, len(utterance.text), start, end)
    first, last = meant[0], meant[-1]
    begin, _ = _inside(utterance.words[first], ranges[first], start, end)
    _, finish = _inside(utterance.words[last], ranges[last], start, end)
    return begin, finish


def _inside(word: Word, place: tuple[int, int], start: int, end: int) -> tuple[int, int]:
    return _even(word.start_ms, word.end_ms, place[1] - place[0], start - place[0], end - place[0])


def _even(start_ms: int, end_ms: int, length: int, start: int, end: int) -> tuple[int, int]:
    if length <= 0:
        return start_ms, end_ms
    per_character = (end_ms - start_ms) / length
    first, last = max(0, min(start, length)), max(0, min(end, length))
    return start_ms + round(first * per_character), start_ms + round(max(first, last) * per_character)
