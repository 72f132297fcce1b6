"""Who says it, and is it meant."""

import pytest

from claims.fold import fold
from claims.polarity import doubtful, voice, winks


def judged(text: str, words: str) -> tuple[bool, str]:
    folded = fold(text).text
    at = folded.index(words)
    found = voice(folded, at, at + len(words))
    return found.meant, found.reason


@pytest.mark.parametrize(
    ("text", "words", "reason"),
    [
        ("我们不敢说祛斑", "祛斑", "denied"),
        ("喜欢的打在公屏上，我们这瓶是不能祛斑的", "祛斑", "denied"),
        ("这瓶不祛斑，不要听人家乱说", "祛斑", "denied"),
        ("祛斑美白这俩功效都没有", "祛斑", "denied"),
        ("能不能治腰突，不能，只是护腰", "治腰突", "question"),
        ("别的直播间说三天见效，那都是骗人的", "三天见效", "denied"),
        ("凡是跟你说保本的，大家都要警惕", "保本", "warning"),
        ("广告法要求，第一这种词不允许用", "第一", "quoted"),
        ("全网最低价是口误，收回", "全网最低价", "corrected"),
        ("要是它能治失眠，那医院早关门了", "治失眠", "conditional"),
        ("老板让我说终身不起球，我没敢", "终身不起球", "refused"),
        ("运营叫我喊最低价三个字，我不喊", "最低价", "refused"),
        ("延年益寿四个字从海报上抠掉了", "延年益寿", "warning"),
    ],
)
def test_words_that_are_not_meant(text: str, words: str, reason: str) -> None:
    assert judged(text, words) == (False, reason)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("不是我吹，这就是全网最低价", "全网最低价"),
        ("不打针不吃药，三天就见效", "三天就见效"),
        ("祛斑这俩字我不能说，你懂的", "祛斑"),
        ("别犹豫全网最低价", "全网最低价"),
        ("能不能美白，能，必须能", "美白"),
        ("老板让我说终身不起球，那就是终身不起球", "终身不起球"),
        ("美白这两个字我不能说，你们打在公屏上", "美白"),
        ("一周淡斑不是问题", "淡斑"),
        ("一周不淡斑不要钱", "淡斑"),
        ("小心烫，这个茶能治失眠", "治失眠"),
    ],
)
def test_words_that_are_meant(text: str, words: str) -> None:
    assert judged(text, words)[0]


def test_a_wink() -> None:
    assert winks("效果我不能多讲，懂的都懂")
    assert not winks("效果写在详情页")


def test_a_denial_survives_what_recognition_makes_of_it() -> None:
    said = "我们可不改说用了就变白"
    start = said.index("变白")
    assert voice(said, start, start + 2).reason == "denied"


@pytest.mark.parametrize(
    "text",
    [
        "我不骗你",
        "骗你是小狗",
        "没问题的",
        "不管什么斑",
        "不止这些",
        "不是我吹",
        "不夸张",
        "谁说不能",
        "别犹豫",
        "无理由",
    ],
)
def test_negations_that_assert_are_no_doubt(text: str) -> None:
    assert not doubtful(text)


@pytest.mark.parametrize("text", ["我不敢说", "别信", "都是骗人的", "没有这个功效", "是不是真的", "谁信"])
def test_negations_that_deny_are(text: str) -> None:
    assert doubtful(text)
