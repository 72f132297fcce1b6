"""A stronger judge is asked about open cases only, and moves them."""

from collections.abc import Sequence

import pytest

from claims.checker import load_checker
from claims.judged import STATEMENTS, UNSURE, asked
from claims.meaning import Judgement
from core.records import Category, ModelIdentity, Verdict


class FixedJudge:
    """Gives one answer to all statements but the one of a class, and counts."""

    def __init__(self, answer: float, category: Category = Category.MEDICAL_CLAIM) -> None:
        self.identity = ModelIdentity("fixed", "")
        self.calls = 0
        self._answer = answer
        self._wanted = STATEMENTS[category]

    def entailed(self, text: str, statements: Sequence[str]) -> list[float]:
        self.calls += 1
        return [self._answer if statement == self._wanted else self._answer / 2 for statement in statements]

    def close(self) -> None:
        """Nothing is held."""


def test_every_class_has_a_statement() -> None:
    assert set(STATEMENTS) == set(Category)


@pytest.mark.parametrize("probability", [UNSURE[0] / 2, UNSURE[1]])
def test_clear_cases_are_not_shown_to_it(probability: float) -> None:
    judge, judgement = FixedJudge(0.5), Judgement(probability, Category.PRICE_FRAUD, ())
    assert asked(judge, "文字", judgement) == judgement
    assert judge.calls == 0


def test_an_open_case_moves_with_the_answer() -> None:
    judgement = Judgement(0.6, Category.PRICE_FRAUD, ((0, 2),))
    for_it, against = asked(FixedJudge(0.99), "文字", judgement), asked(FixedJudge(0.01), "文字", judgement)
    assert against.probability < 0.6 < for_it.probability
    assert (for_it.category, against.category) == (Category.MEDICAL_CLAIM, Category.PRICE_FRAUD)
    assert for_it.clauses == judgement.clauses


def test_the_checker_asks_it() -> None:
    text = "擦之前眼角全是沟，现在呢，光溜溜一条都找不着"
    judges = FixedJudge(0.0001), FixedJudge(0.9999)
    alarms = [[f for f in load_checker(judge=judge).check(text) if f.verdict is not Verdict.INFO] for judge in judges]
    assert len(alarms[0]) <= len(alarms[1])
