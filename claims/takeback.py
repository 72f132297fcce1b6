"""Whether the next sentence takes back what was said just before it: 这话我不敢说, 都是骗人的, 我们有国妆特字."""

import re

from claims.excused import NEXT_ITEM, granted
from claims.polarity import as_said, asserted, one_of

_SAID = r"(?:这|那|以上|刚才|刚刚|前面|上面)"
_SAYING = (
    _SAID
    + r"(?:些|种|样|个|句|两个|几个)?(?:的)?(?:话|词|字|说法|讲法|吹法|宣传|承诺|功效|效果|作用|广告|口号|牌子|标题)"
)
_TAKES_BACK = one_of(
    _SAYING + r"[^，。？]{0,6}(?:不敢|不能|没|不是|假|骗|吹|玩笑|不信|不算|不对|不许|不让)",
    # 这个不敢说, 那是骗人的; 这个不能加热 is about the thing.
    _SAID + r"(?:个|句|些|种|样)?(?:我们?|咱们?|可|都|就|也|是|真|全)*"
    r"(?:不敢(?:说|讲|保证|承诺)|不能(?:说|讲|信|保证|承诺|算)|没(?:说|讲)|不是真|假|骗|吹|玩笑|不信|不算|不对|不许说)",
    # 不敢说 alone, or 不敢这么说; 不敢说用了变白 is about the next claim.
    r"(?:不敢|不能|不好|没法|不许|不让)(?:这么|这样|那么|那样)(?:说|讲|保证|承诺)",
    r"(?:不敢|不能|不好|没法|不许|不让)(?:乱|随便)?(?:说|讲|保证|承诺)(?:的|了|啊|哦)?(?=[，。？]|$)",
    r"开玩笑|口误|说错|讲错|更正|收回|别当真|做不到",
    r"不可能的?(?=[，。？]|$)",
)
# 别信, 骗子: of the claim only where they say what they mean, or say nothing else.
_FALSE = one_of(
    r"(?:别|不要|不能|不可)(?:去|再|轻易)?(?:信|听)",
    r"谁信|信不得|骗人|骗子|都是(?:假|骗|吹|忽悠)|是假的|吹牛|忽悠",
)
_OF_IT = re.compile(_SAYING + "|" + _SAID + "(?:都|全|就)?是(?:假|骗|吹|忽悠)")
_FALSE_ALONE = re.compile(
    r"^(?:那|这|其实)?(?:都|全|就|纯)?(?:是|属)?(?:骗人|假的?|吹牛|吹的|忽悠|骗你们?的?)|^(?:大家|你们|千万|可|都)*(?:别|不要)(?:去|轻易)?(?:信|听)(?:啊|哈|哦|了)?(?=[，。？]|$)|^谁信"
)
_REGISTERED = re.compile(r"国妆特|特证|注册证|注册号|批准文号|备案号|蓝帽|械字号")
_ALIKE = 2
"""So many characters of a claim, said again, name it."""


def takes_back(text: str, claim: str = "") -> bool:
    """Whether folded ``text`` speaks of the ``claim`` before it, and against it, or names a registration held.

    Only then may it excuse an earlier claim: what comes next is mostly about the next thing on sale.
    """
    text = asserted(as_said(NEXT_ITEM.split(text)[0]))
    if _TAKES_BACK.search(text) or any(granted(text, *m.span()) for m in _REGISTERED.finditer(text)):
        return True
    if not _FALSE.search(text):
        return False
    again = any(claim[at : at + _ALIKE] in text for at in range(len(claim) - _ALIKE + 1))
    return again or _FALSE_ALONE.search(text) is not None or _OF_IT.search(text) is not None
