"""Whether an exception of a rule holds for the words found: what else is said excuses only the claim it speaks of.

A registration that is denied, still applied for, or another seller's is none; what is said of the next thing on sale,
or of other things, says nothing of this one. The name of the product on the shelf counts as it stands.
"""

import re
from collections.abc import Iterator

from claims.fold import CLAUSE, MARKS
from claims.matcher import TIGHT, Candidate
from claims.polarity import surroundings
from claims.rules import ExceptionClause

NEXT_ITEM = re.compile(r"(?:下|另外?)一(?:款|个(?!月|星期|礼拜|疗程|阶段)|件|样|品|链接)|换(?:个|一个)?(?:款|品|链接)")
"""The host turns to another thing on sale."""
_GRANTS = frozenset({"info", "needs_evidence", "review"})
_ABSENT = re.compile(r"(?<!不是)(?:没|无|未|不是|并非|不(?:具备|带|具有|含|属于)|缺|哪有|哪来)[^，。？]{0,6}$")
_PENDING = re.compile(
    r"^[^，。？]{0,5}?(?:(?:都|也|还|暂时|目前|可|是)*(?:没(?!问题|毛病|得说|造假|作假)|未)|(?:还|正)?在(?:办|申请|走|审|报|等)|"
    r"办不(?:下来|了)|(?:快|马上|即将|过几天|下个?月)(?:就|能|会)?(?:下来|办|批|拿)|过期|被?(?:吊销|注销)|(?:是)?假的)"
)
_OTHERS = re.compile(
    r"隔壁|别家|别的|别人|人家(?!们)|其他|其它|他们|她们|它们|同行|(?<!我们)那家|上一?(?:款|个(?:品|链接))|外面"
)
_OURS_TOO = re.compile(r"我们(?:家|这个?)?(?:也|同样|一样)(?:都)?(?:是)?有|咱(?:们|家)?也有")
_CONTRAST = re.compile(
    r"但|不过|可是|而(?=我们|咱)|我们(?=这|家|的这|就是|承诺|保)|咱们?(?=这|家)|这(?:个|款|瓶)(?=[^，。？]{0,6}(?:稳|保|包|绝对))"
)
_APART = re.compile(r"别的|别家|其他|其它|隔壁|人家|不像|哪像")


def holds(exception: ExceptionClause, candidate: Candidate, text: str, shelf: str) -> bool:
    """Whether ``exception`` excuses ``candidate`` in folded ``text``, about a product named ``shelf``."""
    regex, where = exception.regex, exception.where
    if where == "shelf" and regex.search(shelf):
        return True
    if where in {"text", "shelf"}:
        stated = (m for m in regex.finditer(text) if not _parted(text, candidate, m.start(), m.end()))
        return any(exception.effect not in _GRANTS or granted(text, *m.span()) for m in stated)
    if where == "match":
        return any(
            m.start() < candidate.end and candidate.start < m.end()
            for m in regex.finditer(text, max(0, candidate.start - TIGHT), candidate.end + TIGHT)
        )
    if where == "beside":
        return any(regex.search(part) for part in _beside(text, candidate))
    around = surroundings(text, candidate.start, candidate.end)
    own = around.before + text[candidate.start : candidate.end] + around.after
    places = {
        "before": around.before,
        "after": around.after,
        "clause": own,
        "near": CLAUSE.join((around.previous, own, *around.following[:2])),
    }
    return regex.search(places[where]) is not None


def granted(text: str, start: int, end: int) -> bool:
    """Whether what folded ``text`` names at ``[start, end)`` (a registration, a report) is there and the host's own."""
    left = max(text.rfind(mark, 0, start) for mark in MARKS) + 1
    before = text[left:start]
    if _ABSENT.search(before) or _PENDING.search(text[end : end + 12]):
        return False
    return _OTHERS.search(before) is None or _OURS_TOO.search(text, end, end + 16) is not None


def _parted(text: str, candidate: Candidate, start: int, end: int) -> bool:
    """Whether the host turned to another thing on sale between the claim and ``[start, end)``."""
    first, last = sorted((candidate.end, candidate.start, start, end))[1:3]
    return NEXT_ITEM.search(text, first, last) is not None


def _beside(text: str, candidate: Candidate) -> Iterator[str]:
    """What is said of the claim itself: its clause and those beside it, not across 但, 我们这个 or 别的."""
    around = surroundings(text, candidate.start, candidate.end)
    lead = around.previous + CLAUSE + around.before
    turns = [turn.end() for turn in _CONTRAST.finditer(lead)]
    yield from (part for part in lead[max(turns, default=0) :].split(CLAUSE) if not _OTHERS.search(part))
    own = text[candidate.start : candidate.end]
    yield own + _APART.split(CLAUSE.join((around.after, *around.following[:2])))[0]
