"""Signs for the meaning model, and the text as it was meant."""

from claims.flags import DOUBTED, Outcome, flags, repaired, ruled
from claims.fold import fold
from claims.terms import Hit
from core.records import Verdict


def test_what_was_heard_by_sound_is_written_as_meant() -> None:
    hits = [Hit("g", "祛斑", 4, 6, "sound", 0.6), Hit("g", "斑", 5, 6, "exact", 1.0)]
    assert repaired("这个精华去班", hits) == "这个精华祛斑"


def outcome(text: str, words: str, verdict: Verdict | None) -> Outcome:
    """A rule's outcome on ``words``, read by letter."""
    start = text.index(words)
    return Outcome(verdict, "exact", 1.0, start, start + len(words))


def test_flags_are_as_many_for_every_text_and_tell_denied_from_meant() -> None:
    said, refused = fold("三天祛斑").text, fold("不能说祛斑").text
    meant = flags(said, [outcome(said, "祛斑", Verdict.VIOLATION)])
    denied = flags(refused, [outcome(refused, "祛斑", None)])
    assert len(meant) == len(denied) == 18
    assert ruled(meant)
    assert not ruled(denied)
    assert denied[4] == 1.0


def test_a_negation_inside_the_words_is_no_doubt_and_one_beside_them_is() -> None:
    for text, doubted in (("稳赚不赔", 0.0), ("稳赚不赔，谁信", 1.0), ("稳赚不赔，七天无理由", 0.0)):
        assert flags(text, [outcome(text, "稳赚不赔", Verdict.VIOLATION)])[DOUBTED] == doubted
