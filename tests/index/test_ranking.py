"""How a text answers a query: by letters, by sound, by concept, and with which polarity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.concepts import load_concepts
from index.lexicon import load_lexicon
from index.ranking import Match, Matcher, common_runs, fewest_errors
from index.repair import repaired

MATCHER = Matcher(load_lexicon(), load_concepts())


def match(query: str, text: str) -> Match:
    return MATCHER.match(MATCHER.query(query), text)


def test_the_very_words_cover_everything() -> None:
    found = match("三天祛斑", "这款三天祛斑")
    assert found.coverage == pytest.approx(1)
    assert found.phrase == 1


def test_the_same_sound_covers_nearly_everything() -> None:
    found = match("三天祛斑", "三天去班不是梦")
    assert 0.9 <= found.coverage < 1
    assert 0 < found.phrase < 1


def test_another_word_of_the_same_sound_counts_less_than_a_mishearing() -> None:
    assert match("治好", "只好如此").coverage < match("治好", "吃了它治号").coverage


def test_order_matters() -> None:
    assert match("三天祛斑", "斑去天三").phrase == 0


def test_a_number_is_the_same_in_digits() -> None:
    assert match("第二件半价", "第2件半价").phrase == 1


def test_a_denial_counts_little_and_is_remembered() -> None:
    claim, denial = match("三天祛斑", "它三天祛斑"), match("三天祛斑", "我可不敢说三天祛斑")
    assert denial.coverage < claim.coverage / 2
    assert denial.denial > 0.5
    assert claim.denial == 0


def test_a_query_that_denies_finds_what_denies() -> None:
    assert match("不含激素", "我们不含激素").denial == 0
    assert match("不含激素", "含激素的").denial > 0


def test_a_problem_that_is_gone_is_no_denial() -> None:
    assert match("去黑头", "用完没有黑头了").denial == 0


def test_longer_texts_are_not_worse() -> None:
    short = match("三天祛斑", "三天祛斑")
    long = match("三天祛斑", "各位宝宝们晚上好欢迎来到直播间今天带来的是三天祛斑" * 3)
    assert long.coverage == pytest.approx(short.coverage)


def test_repair_reads_what_sounds_like_the_query_as_the_query() -> None:
    query = MATCHER.query("三天祛斑")
    text = "这个三天去班真的"
    assert repaired(query, text, MATCHER.match(query, text)) == "这个三天祛斑真的"
    assert repaired(query, "这个三天祛斑", MATCHER.match(query, "这个三天祛斑")) is None


def brute_force(pattern: str, text: str) -> int:
    def distance(one: str, other: str) -> int:
        row = list(range(len(other) + 1))
        for i, a in enumerate(one, start=1):
            diagonal, row[0] = row[0], i
            for j, b in enumerate(other, start=1):
                diagonal, row[j] = row[j], min(diagonal + (a != b), row[j] + 1, row[j - 1] + 1)
        return row[-1]

    pieces = {text[i:j] for i in range(len(text) + 1) for j in range(i, len(text) + 1)}
    return min(distance(pattern, piece) for piece in pieces)


@given(st.text("abc", max_size=5), st.text("abc", max_size=7))
def test_fewest_errors_is_the_edit_distance_to_the_best_piece_as_far_as_two(pattern: str, text: str) -> None:
    assert fewest_errors(pattern, text) == min(2, brute_force(pattern, text))


@given(st.text("abc", max_size=8), st.text("abc", max_size=8))
def test_common_runs_are_common_and_cannot_be_made_longer(one: str, other: str) -> None:
    for i, j, size in common_runs(one, other):
        assert one[i : i + size] == other[j : j + size]
        assert one[i + size : i + size + 1] != other[j + size : j + size + 1] or not one[i + size : i + size + 1]


@given(st.text(max_size=30), st.text(max_size=60))
def test_any_two_texts_can_be_compared(query: str, text: str) -> None:
    found = match(query, text)
    assert 0 <= found.coverage <= 1 + 1e-9
    assert 0 <= found.denial <= 1 + 1e-9
    assert all(text[e.start : e.end] == e.words for e in found.evidence)
    repaired(MATCHER.query(query), text, found)


def test_a_word_that_was_said_is_not_taken_for_a_mishearing() -> None:
    matcher = Matcher(load_lexicon(), load_concepts())
    said = matcher.match(matcher.query("医生推荐"), "一生推荐十本书")
    heard = matcher.match(matcher.query("三天祛斑"), "三天去班的面膜")
    assert said.phrase == 0
    assert heard.phrase == pytest.approx(0.9)
    assert said.coverage < heard.coverage


def test_letters_cut_out_of_another_word_count_less() -> None:
    matcher = Matcher(load_lexicon(), load_concepts())
    query = matcher.query("最后三单")
    cut = matcher.match(query, "最后三天发货")
    assert max(e.credit for e in cut.evidence if e.way == "letters") < 1
