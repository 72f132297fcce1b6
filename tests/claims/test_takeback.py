"""What takes back the sentence before it."""

import pytest

from claims.takeback import takes_back


@pytest.mark.parametrize(
    "later",
    [
        "没有国妆特字号哈",
        "隔壁那家没有备案号，我们有发票",
        "好了下一款，这个不能加热，不敢说",
        "别信那些说没用的",
        "那些黑粉都是骗子",
        "我不骗你，没问题的",
        "这个不能放冰箱",
        "我不是开玩笑",
    ],
)
def test_talk_of_something_else_takes_nothing_back(later: str) -> None:
    assert not takes_back(later, "祛斑")


@pytest.mark.parametrize(
    "later",
    [
        "这话我可不敢说",
        "这种话别信",
        "都是骗人的",
        "祛斑的都是骗子",
        "刚才那句不算",
        "我们这款有国妆特字",
        "口误口误",
        "谁信呢",
        "不敢说",
    ],
)
def test_talk_of_the_claim_takes_it_back(later: str) -> None:
    assert takes_back(later, "祛斑")
