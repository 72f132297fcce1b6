"""Signs for the meaning model, and the text as it was meant."""

from claims.flags import flags, repaired
from claims.fold import fold
from claims.terms import Hit
from core.records import Verdict


def test_what_was_heard_by_sound_is_written_as_meant() -> None:
    hits = [Hit("g", "祛斑", 4, 6, "sound", 0.6), Hit("g", "斑", 5, 6, "exact", 1.0)]
    assert repaired("这个精华去班", hits) == "这个精华祛斑"


def test_flags_are_as_many_for_every_text_and_tell_denied_from_meant() -> None:
    meant = flags(fold("三天祛斑").text, [(Verdict.VIOLATION, "exact", 1.0)])
    denied = flags(fold("不能说祛斑").text, [(None, "exact", 1.0)])
    assert len(meant) == len(denied) == 17
    assert meant[0] == 1.0
    assert denied[0] == 0.0
    assert denied[4] == 1.0
