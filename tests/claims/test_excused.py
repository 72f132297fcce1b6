"""What excuses a claim, and what is said of something else."""

import pytest

from claims.checker import Checker, load_checker
from core.records import Verdict


@pytest.fixture(scope="module")
def checker() -> Checker:
    """The bundled rules without the meaning model."""
    return load_checker(meaning=False)


def alarms(checker: Checker, text: str, product: str) -> set[str]:
    return {f.matched for f in checker.check(text, product) if f.verdict is not Verdict.INFO}


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("这瓶精华没有国妆特字，可是一周淡斑", "cosmetics"),
        ("特证还在办，一周淡斑", "cosmetics"),
        ("注册证没下来呢，贴着治好肩周炎", "medical"),
        ("隔壁家有国妆特字号，我们这瓶一周淡斑", "cosmetics"),
        ("不是蓝帽子产品，喝着降血糖", "food"),
        ("这瓶一周淡斑，好了我们看下一款，下一款有国妆特字", "cosmetics"),
    ],
)
def test_a_registration_that_is_not_held_excuses_nothing(checker: Checker, text: str, product: str) -> None:
    assert alarms(checker, text, product)


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("这瓶有国妆特字，一周淡斑", "cosmetics"),
        ("国妆特字没问题的，一周淡斑", "cosmetics"),
        ("别家有国妆特字，我们也有，一周淡斑", "cosmetics"),
    ],
)
def test_a_registration_that_is_held_makes_it_information(checker: Checker, text: str, product: str) -> None:
    assert checker.check(text, product)
    assert not alarms(checker, text, product)


def test_the_name_on_the_shelf_stays_as_it_is(checker: Checker) -> None:
    assert not alarms(checker, "没有别的，一周淡斑", "cosmetics 淡斑霜 国妆特字G20240001")


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("基金有涨有跌，我们这个保本稳赚不赔", "finance"),
        ("放别的地方有风险，这个稳赚不赔", "finance"),
        ("买的人都说三天见效，每个人肤质不一样", "cosmetics"),
        ("贵不代表没效果，三天见效", "cosmetics"),
    ],
)
def test_a_risk_of_other_things_excuses_nothing(checker: Checker, text: str, product: str) -> None:
    assert alarms(checker, text, product)


def test_words_about_the_claim_itself_soften_it(checker: Checker) -> None:
    assert {f.verdict for f in checker.check("三天见效，因人而异", "cosmetics")} == {Verdict.REVIEW}
    assert not alarms(checker, "我个人感觉用了三天见效", "cosmetics")
