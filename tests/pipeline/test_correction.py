"""A host's own correction is heard; other people's mistakes are not his."""

import pytest

from pipeline.correction import correction_in


@pytest.mark.parametrize(
    "text",
    [
        "不好意思，口误口误。",
        "刚才说错了，不是最低价。",
        "我更正一下，是七天无理由。",
        "抱歉，刚刚讲错了。",
        "对不起我说错话了。",
        "刚才说的不对，大家别当真。",
        "啊，口物，是八十九。",
    ],
)
def test_corrections_are_heard(text):
    assert correction_in(text) is not None


@pytest.mark.parametrize(
    "text", ["我可没有说错。", "如果我说错了你们打我。", "别人说错了不关我的事。", "这款面膜很好用。", "", "你说错了。"]
)
def test_what_is_no_correction_is_left_alone(text):
    assert correction_in(text) is None


def test_the_place_is_the_clause():
    text = "喂，刚才说错了，继续。"
    start, end = correction_in(text)
    assert text[start:end] == "刚才说错了"
