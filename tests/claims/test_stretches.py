"""Utterances of several sentences, as recognition cuts speech: no claim drowns, a denial stays where it is."""

from collections.abc import Iterator

import pytest

from claims.checker import Checker, load_checker
from core.records import Verdict
from models.embedding import load_embedder


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    """With the sentence encoder, as the service runs it."""
    embedder = load_embedder()
    yield load_checker(embedder=embedder)
    embedder.close()


def alarms(checker: Checker, text: str, product: str = "") -> list[str]:
    """The words that would reach a person."""
    return [f.matched for f in checker.check(text, product) if f.verdict is not Verdict.INFO]


@pytest.mark.parametrize(
    ("text", "product", "words"),
    [
        (
            "灯光往左边来一点，谢谢。这瓶抹上三天脸上的斑就没了。尺码表在左下角，退换都有运费险，晚饭吃了没有。",
            "cosmetics",
            "斑",
        ),
        (
            "我先喝口水，嗓子有点哑。今天这口锅全网最低价，买贵了差价我补给你。后台小妹看一下三号链接还剩多少。",
            "home",
            "全网最低价",
        ),
        (
            "大家把问题打在屏幕上，我一个个念。这个项目稳赚不赔，放进去一年翻一番。资料在左下角，想看的自己点开看。",
            "finance",
            "稳赚不赔",
        ),
    ],
)
def test_a_claim_does_not_drown_in_talk(checker: Checker, text: str, product: str, words: str) -> None:
    assert any(words in found for found in alarms(checker, text, product))


def test_a_denial_of_one_thing_silences_no_other(checker: Checker) -> None:
    text = "我们不开微信群，也从来不收红包，有事找客服。今天这口锅全网最低价，买贵了差价我补给你。"
    assert "全网最低价" in alarms(checker, text, "home")


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("弹幕里有人讲喝这个治好了糖尿病。这种话千万别信，它就是一包荞麦茶。", "food"),
        ("颜色有米白和浅灰两个。退换都有运费险，放心拍。后台小妹看一下库存，我喝口水再接着讲下一件。", "apparel"),
        ("说三天祛斑的都是骗人的。我们家就是补水，别指望它祛斑，祛斑去医院看皮肤科。", "cosmetics"),
    ],
)
def test_ordinary_talk_and_denials_raise_no_alarm(checker: Checker, text: str, product: str) -> None:
    assert alarms(checker, text, product) == []
