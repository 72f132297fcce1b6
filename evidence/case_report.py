"""The first page of a case for people: what it is about, its exhibits in order, who did what, how to check it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core.clock import timecode
from evidence.document import BREAK, Block, Document, Heading, Items, Language, Line, Paragraph, Span, Table, plain

_WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "title": "案卷 {number}",
        "about": "案由",
        "shop": "店铺",
        "state": "状态",
        "open": "在办",
        "closed": "已结",
        "outcome": "处理结果",
        "opened": "立案",
        "exhibits": "证据",
        "none": "没有证据。",
        "package": "证据包",
        "negative": "检索未果",
        "received": "收到的文件",
        "note": "说明",
        "history": "经过",
        "check": "如何核验",
    },
    "en": {
        "title": "Case {number}",
        "about": "About",
        "shop": "Shop",
        "state": "State",
        "open": "open",
        "closed": "closed",
        "outcome": "Outcome",
        "opened": "Opened",
        "exhibits": "Exhibits",
        "none": "There are no exhibits.",
        "package": "package",
        "negative": "negative result",
        "received": "file received",
        "note": "note",
        "history": "History",
        "check": "How to check",
    },
}
_CHECK: dict[Language, tuple[str, ...]] = {
    "zh": (
        "livewitness verify 案卷.zip --public-key 公钥.pem 核对外层封签和其中每个证据包；公钥须来自包外。",
        "没有本程序时：解压后运行 bash verify.sh 公钥.pem [时间戳CA.pem]，只需 bash、openssl、coreutils，不联网；"
        "它核对外层封签，再把 exhibits/ 里的每个证据包拆开核对。请先把脚本与本项目公布的比对。",
        "收到的文件只证明收到时的样子，不证明内容属实。告警与机器识别的文字只是线索，不是结论。",
    ),
    "en": (
        "livewitness verify CASE.zip --public-key KEYS.pem checks the outer seal and every package inside; the key "
        "must come from elsewhere.",
        "Without the program: unpack and run bash verify.sh KEYS.pem [TSA_CA.pem]; bash, openssl and coreutils are "
        "enough, no network. It checks the outer seal, then takes every package in exhibits/ apart and checks it. "
        "Compare the script with the one that the project publishes first.",
        "A file that was received proves what was received, not that it is true. Alerts and recognised words are "
        "leads, not rulings.",
    ),
}


def case_report(
    case: Mapping[str, Any], history: Sequence[Mapping[str, Any]], language: Language, day: datetime
) -> Document:
    """``case`` as in case.json; ``history`` as in the audit chain."""
    words = _WORDS[language]
    facts = [
        (words["about"], case["title"]),
        (words["shop"], case["shop"]),
        (words["state"], words[case["state"]]),
        (words["outcome"], case["outcome"]),
        (words["opened"], f"{case['opened']} {case['opened_by']}"),
    ]
    blocks: list[Block] = [Table(tuple((plain(name), plain(str(value))) for name, value in facts if value))]
    blocks += [Heading(words["exhibits"]), _exhibits(case["exhibits"], words)]
    lines = tuple(plain(f"{entry['logged']}  {entry['by'] or 'local'}  {entry['kind']}") for entry in history)
    blocks += [Heading(words["history"]), Items(lines)]
    blocks += [Heading(words["check"]), Items(tuple(map(plain, _CHECK[language])))]
    return Document(language, words["title"].format(number=case["number"]), day, tuple(blocks))


def _exhibits(exhibits: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> Block:
    if not exhibits:
        return Paragraph(plain(words["none"]))
    return Items(tuple(_exhibit(one, words) for one in exhibits), ordered=True)


def _exhibit(one: Mapping[str, Any], words: Mapping[str, str]) -> Line:
    line = [Span(f"[{words[one['kind']]}] {one['title']}")]
    if one["shows"]:
        shows = one["shows"]
        place = f"{timecode(round(shows['start'] * 1000))}–{timecode(round(shows['end'] * 1000))}"
        line += [BREAK, Span(f"{shows['stream']} {place}")]
    if one["comment"]:
        line += [BREAK, Span(one["comment"])]
    if one["file"]:
        line += [BREAK, Span(one["file"], "code"), BREAK, Span(one["sha256"], "code")]
    return (*line, BREAK, Span(f"{one['added']} {one['added_by']}"))
