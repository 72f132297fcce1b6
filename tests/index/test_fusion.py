"""What the judgement at ingest is worth to a hit."""

from index.concepts import load_concepts
from index.fusion import CLEARED, FLAGGED, UNFLAGGED, heard, meant, score, standing
from index.lexicon import load_lexicon
from index.ranking import Matcher
from store.judgements import Judged

MATCHER = Matcher(load_lexicon(), load_concepts())
QUERY = MATCHER.query("三天祛斑")
COSMETIC = frozenset({"cosmetic_special"})


def worth(text: str, judged: Judged, meaning: float = 0.8) -> float:
    return standing(QUERY, judged, meaning, MATCHER.match(QUERY, text))


def test_a_text_flagged_with_the_class_of_the_query_gains() -> None:
    assert worth("用三天斑就没了", Judged(standing=COSMETIC)) == FLAGGED


def test_what_is_flagged_but_far_from_the_query_gains_nothing() -> None:
    assert worth("涂上就防晒", Judged(standing=COSMETIC), meaning=0.4) < FLAGGED / 2


def test_a_flag_of_another_class_is_none() -> None:
    assert worth("全网最低", Judged(standing=frozenset({"price_fraud"}))) == 0


def test_what_was_cleared_falls() -> None:
    assert worth("三天祛斑", Judged(cleared=COSMETIC)) == -CLEARED


def test_the_very_words_without_a_flag_fall_a_little() -> None:
    assert -UNFLAGGED <= worth("谁说三天祛斑", Judged()) < 0
    assert worth("今天天气好", Judged()) == 0


def test_a_query_that_speaks_of_no_claim_is_not_touched() -> None:
    query = MATCHER.query("多久能发货")
    assert standing(query, Judged(cleared=COSMETIC), 0.9, MATCHER.match(query, "多久能发货")) == 0


def test_the_words_in_order_mean_no_less_than_they_say() -> None:
    assert meant(0.2, MATCHER.match(QUERY, "用了三天祛斑")) == 1
    assert meant(0.2, MATCHER.match(QUERY, "用四天斑就没了")) == 0.2


def test_what_only_looks_like_the_query_is_near_it_where_it_is_spelled_like_it() -> None:
    assert heard(0.1, 0.7, MATCHER.match(QUERY, "这个三天去班")) == 0.7
    assert heard(0.1, 0.7, MATCHER.match(QUERY, "明晚八点开播")) == 0.1


def test_who_claims_comes_before_who_warns() -> None:
    claim, warning = (MATCHER.match(QUERY, text) for text in ("这个三天祛斑", "三天祛斑是骗人的"))
    assert score(0.8, claim) > score(0.8, warning) + 0.5
