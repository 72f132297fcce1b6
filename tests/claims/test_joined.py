"""Two neighbouring utterances: what lies across, what is told once, what the next sentence excuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.checker import Checker, load_checker
from claims.joined import BEHIND_CHARS, Judged, join, judge, near
from core.records import Finding, Verdict


@pytest.fixture(scope="module")
def checker() -> Checker:
    """The bundled rules without the meaning model."""
    return load_checker(meaning=False)


def behind(checker: Checker, earlier: str, later: str, product: str = "cosmetics", *, breath: bool = True) -> Judged:
    """``later`` judged behind ``earlier``, on which the checker has reported before."""

    def check(text: str, probabilities: object) -> tuple[Finding, ...]:
        return checker.check(text, product)

    return judge(check, join(earlier, later, breath=breath), checker.check(earlier, product))


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("脸上的斑用了三天", "就全没了"), ("原价三千九百八。", "现在只要九十八")],
)
def test_one_claim_in_two_utterances_is_found_where_neither_holds_it_alone(
    checker: Checker, earlier: str, later: str
) -> None:
    assert not checker.check(earlier, "cosmetics")
    assert not checker.check(later, "cosmetics")
    judged = behind(checker, earlier, later)
    assert not judged.own
    (across,) = judged.across
    assert 0 <= across.earlier_start < len(earlier)
    assert 0 <= across.later_end <= len(later)


def test_a_claim_that_one_utterance_holds_is_told_once(checker: Checker) -> None:
    judged = behind(checker, "用了三天祛斑", "七天美白")
    assert [finding.matched for finding in judged.own] == ["美白"]
    assert not judged.across
    assert not judged.excused


def test_time_in_one_utterance_and_effect_in_the_next_are_one_claim(checker: Checker) -> None:
    judged = behind(checker, "你就抹三天", "斑就没了")
    assert [across.finding.matched for across in judged.across] == ["三天，斑就没了"]
    assert not judged.own


def test_own_findings_are_in_code_points_of_the_later_utterance(checker: Checker) -> None:
    later = "这个面霜能祛斑"
    (finding,) = behind(checker, "大家晚上好。", later).own
    assert later[finding.start : finding.end] == finding.matched


def test_the_next_sentence_excuses_what_was_said(checker: Checker) -> None:
    judged = behind(checker, "用了这个面霜三天祛斑", "这话我可不敢说")
    assert [finding.matched for finding in judged.excused] == ["祛斑"]
    assert not judged.own


def test_what_was_said_before_excuses_the_next_utterance(checker: Checker) -> None:
    assert checker.check("祛斑的功效", "cosmetics")
    assert not behind(checker, "这瓶从来没有说过有", "祛斑的功效", breath=False).own


def test_what_an_earlier_excuse_took_back_stays_taken_back(checker: Checker) -> None:
    earlier = "用了这个面霜三天祛斑"

    def check(text: str, probabilities: object) -> tuple[Finding, ...]:
        return checker.check(text, "cosmetics")

    assert checker.check(earlier, "cosmetics")
    assert judge(check, join(earlier, "来看下一个"), made=()) == Judged(())


def test_a_long_silence_parts() -> None:
    assert near(10_000, 11_500)
    assert near(10_000, 9_900)
    assert not near(10_000, 14_000)


def test_only_the_end_of_a_long_utterance_is_judged_along(checker: Checker) -> None:
    earlier = "今天天气不错，" * 40 + "脸上的斑用了三天"
    (across,) = behind(checker, earlier, "就全没了").across
    assert earlier[across.earlier_start :].startswith(across.finding.matched[:2])


@given(st.text(max_size=200), st.text(max_size=60), st.booleans())
def test_join_keeps_the_later_utterance_whole(earlier: str, later: str, breath: bool) -> None:
    ones = [1.0] * len(earlier), [0.5] * len(later)
    joined = join(earlier, later, ones, breath=breath)
    assert joined.later == later
    assert joined.probabilities is not None
    assert len(joined.probabilities) == len(joined.text)
    kept = joined.text[: joined.offset].removesuffix("，")
    assert earlier[joined.cut :].startswith(kept)
    assert joined.offset <= BEHIND_CHARS + 1


@given(
    st.text(alphabet="脸上的斑用了三天就全没祛美白，。不敢说", max_size=30),
    st.text(alphabet="斑三天没了全就祛不说，", max_size=20),
)
def test_findings_lie_inside_their_utterances(earlier: str, later: str) -> None:
    checker = _RULES
    made = checker.check(earlier, "cosmetics")
    judged = behind(checker, earlier, later)
    assert all(0 <= f.start < f.end <= len(later) for f in judged.own)
    assert all(0 <= a.earlier_start < len(earlier) and 0 <= a.later_end <= len(later) for a in judged.across)
    assert all(f in made and f.verdict is not Verdict.INFO for f in judged.excused)


_RULES = load_checker(meaning=False)


def test_the_next_thing_on_sale_excuses_nothing(checker: Checker) -> None:
    for later in (
        "这个枕头是乳胶的，外套可以拆洗。",
        "蛋白粉是普通食品，不能代替药品。",
        "手镯是买来戴的，别指望它涨价。",
        "这支保湿乳，我们可不敢说用了就变白。",
    ):
        assert not behind(checker, "用了这个面霜三天祛斑", later).excused, later
