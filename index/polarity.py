"""Whether words are said or denied: a negator just before them, or a refutation just after.

"没有转过账", "转账的都是骗子" and "不敢说祛斑" speak of the words without claiming them. Polarity moves a hit
down; it never hides one.
"""

import re
from functools import lru_cache

from core.text import clauses

_REACH = 5
_FAR_REACH = 20
_BEFORE = re.compile(
    r"(不是|不会|不能|不要|不用|不敢|不可能|不许|不让|不可以|不建议|不承诺|不保证|不代表|不支持|不做|不卖|不提供|不存在|不需要|不必|"
    r"没有|没法|没说|没做|没|别|无|非|未|勿|莫|禁止|严禁|杜绝|拒绝|谈不上|说不上|并非|从不|哪有|哪敢|防止|谨防|小心|警惕|不)"
    r"[^，。！？；,.!?;]{0,3}$"
)
# 不仅, 别家 and the like join, stress or ask; they deny nothing.
_NO_DENIAL = re.compile(
    r"不仅|不但|不光|不只|不管|不论|无论|不得不|不能不|没想到|没问题|没关系|别看|别说|别提|别家|别人|别处|别的|特别|区别|告别|要不|差不多|"
    r"不错|不同|不一样|不怕|不愁|不停|不断|不少|不久|不到|不过|不限|不够|不满意|不喜欢|不合适|无理由|无条件|无忧|无敌|无比|无线|非常|除非|未来|"
    r"莫过于|(.)[不没]\1"
)
_AFTER = re.compile(
    r"^[^，。！？；,.!?;]{0,3}(是不可能|不可能|都?是骗|骗人|是假的|不存在|做不到|没有的|不允许|是违[法规]|都?是谣|不敢|另外|是另|这款没|不靠谱|别信|不治)"
)
# Not said, not promised, not to be believed: reaches to the end of its clause.
_FAR = re.compile(
    r"((不|没|从不|从来没|谁|哪个|哪)(有|敢|能|会|好|许|准|让)?(说过?|讲|提|吹|宣传|承诺|保证|打包票)|(别|不要|少)(信|听|指望|轻信)|并非|谈不上|不是说|算不上)[^，。！？；,.!?;]*$"
)
# Asked, and answered with no.
_ASKED_NO = re.compile(
    r"^[^，。！？；,.!?;]{0,8}[吗么呢？?][，。！？；,.!?;？]*(那|这|当然|肯定|其实|我们?|真的|都)?(不|没|否|别|哪)"
)


# None of the four finds anything without one of these: most texts have none near the words.
_ANY_OF = re.compile(r"[不没别无非未勿莫禁严杜拒哪防谨小警谁少骗假违谣另否]")


@lru_cache(maxsize=65_536)
def denied(text: str, start: int, end: int) -> bool:
    """Whether code points ``[start, end)`` of ``text`` stand under a negator or are refuted."""
    return bool(_ANY_OF.search(text, max(0, start - _FAR_REACH), end + _FAR_REACH)) and _denied(text, start, end)


def _denied(text: str, start: int, end: int) -> bool:
    if text[start - 2 : start] in (f"{text[start]}不", f"{text[start]}没"):
        return False  # 能不能, 有没有: a question
    before = _NO_DENIAL.sub("", text[max(0, start - _REACH - 3) : start])[-_REACH:]
    return bool(
        _BEFORE.search(before)
        or _AFTER.search(text[end : end + 8])
        or _FAR.search(text[max(0, start - _FAR_REACH) : start])
        or _ASKED_NO.search(text[end : end + _FAR_REACH])
    )


# Said around a claim by those who do not make it: doubt, limits, a doctor instead, scorn, plain goods, and the like.
_SIGNS = (
    # doctors and medicines
    r"遵医嘱|(?<!比)(去|到|上|找)医院[看查]?|[看问找听]医生|医生的话|门诊|就医|拍片|复查|[看挂].{0,3}[^一-龥]?(内|外|皮肤|耳鼻喉|骨|眼|妇|呼吸|睡眠)科|按时吃药|"
    r"(不|不能|没法|代)替代?(药|不了|不能)|不治病|治不了|不能治|(?<![来就])不是药|该.{1,3}还[是得要]",
    # doubt and limits
    r"因人而异|看(个人|体质|底子|肤质|情况)|效果.{0,4}(不同|不一样|有限)|不一定|未必|不见得|不现实|(?<!没有)不可能(?!再)|想多了|别想|做不到|解决不了|"
    r"(不|没法|不能|没人能|谁都?(不能|没法))(敢)?(保证|承诺)|没有.{0,6}(功效|(?<!副)作用|疗效|效果|功能|说法|这[回种]事)|(不是|没有).{0,6}(药|功效|疗效|功能)|"
    r"只(能|是|不过是)(个|滋润|保湿|遮|清洁|辅助|普通|装饰|摆|帮忙|隔离|控制|用来)|仅(供|作)|而已|就是(一)?[个款种包瓶条台件]|就是普通|普通的?(食品|商品|饮料|零食|产品)|"
    r"(?<!都)(拦|挡|防|留)不住|(要|得|是|都是|主要)(靠|看)(?!这|它|我)|(?<!不)是[^，。]{1,4}出来的|正常(现象|情况)|规律|会再|还会",
    # scorn and warnings
    r"(?<!不)(?<!不是)骗(?!你我)|假的|假冒|冒充|忽悠|套路|智商税|噱头|迷信|谣言|吹牛|夸大|违规|违法|不合规|不允许|被罚|封号|不可信|不靠谱|(?<!不)有风险|"
    r"当心|小心|警惕|谨防|避坑|举报|上当|(别|不要|少)(信|指望|听|上当|碰|跟风|当真|抱)|千万别(?!错过|犹豫|走)|都?不是我们",
    # disbelief, corrections, the law
    r"做梦|谁(信|敢|说|要是|跟你|承诺|保证)(?!谁)|哪有|哪来|又不是|世上(要有|没有|哪)|说不出口|我(可)?(没说|不敢|劝你|说了不算|没见过)|没(这|那)(么|个|回)|"
    r"口误|说错|收回(这|刚|我|前|，)|道歉|广告法|条例|平台(规定|规则|不让)|不能说|不碰|不干|赶紧跑|拉黑|离.{0,3}远|留个心眼|没人保证|"
    r"[去弄治除洗消减降祛改]不(掉|了(?!解)|好)|[^，。][^，。比]不了$|当(他|它|作)?没看见",
    # advice against
    r"(先|就|千万|最好)?别(买|用|吃|喝|拍|抢|急)|慎(用|拍|买|重)|不(建议|推荐|适合|适用|能用|可以用|要用|要使用)|(少|别多)(吃|喝|用)|自己(考虑|掂量|付|承担|出)",
    # what goods do after all
    r"((?<!不)会|容易)(碎|坏|破|掉色|变形|晕色|进水)|不(急|用抢|着急)|都(是)?这个价|随时(都)?有货|平时的?(价|卖)|以.{0,6}为准|轻拿轻放|说清楚|讲明白|如实",
)
_DISCLAIMER = re.compile("|".join(_SIGNS))
_QUESTION = re.compile(
    r"吗|呢$|[？?]|多久|多少|什么|怎么|如何|几[天个点号时]|哪|谁|是不是|能不能|会不会|有没有|可不可以|要不要"
)


def nearby(text: str, start: int, end: int) -> str:
    """The clauses of ``[start, end)`` with one before and one after: what is said of these words."""
    spans = clauses(text)
    inside = [number for number, (left, right) in enumerate(spans) if left < end and start < right]
    if len(spans) <= 2 or not inside:
        return text
    return text[spans[max(0, inside[0] - 1)][0] : spans[min(len(spans) - 1, inside[-1] + 1)][1]]


@lru_cache(maxsize=8_192)
def disclaims(text: str) -> bool:
    """Whether a text warns, limits or refers to a doctor: what is said around a claim by those who do not make it."""
    return bool(_DISCLAIMER.search(text))


def asks(text: str) -> bool:
    """Whether a query is a question, which a warning answers as well as a claim does."""
    return bool(_QUESTION.search(text))
