"""The report on a search that found nothing: what was searched, how, what came near, and what it does not prove."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.clock import timecode
from evidence.document import BREAK, Block, Document, Heading, Items, Language, Line, Paragraph, Span, Table, plain
from evidence.report import coded
from evidence.report_words import CHECK, NO_STAMP, TITLES

_WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "asked": "查了什么",
        "query": "查询",
        "scope": "范围",
        "everything": "全部直播",
        "threshold": "阈值（得分达到即算找到）",
        "means": "方式",
        "models": "模型与索引",
        "searched": "查了多少",
        "hours": "录制时长（小时）",
        "gaps": "缺口",
        "missing": "未识别（秒）",
        "indexed": "尚未编入语义索引的句数",
        "utterances": "识别出的句数",
        "streams": "逐场清单",
        "stream": "直播",
        "extent": "小时、缺口、未识别秒数",
        "shop": "店铺",
        "host": "主播",
        "from": "起",
        "to": "止",
        "log": "证据日志（根）",
        "none": "无录像，仅导入文字",
        "near": "最接近的结果（均低于阈值）",
        "nothing": "没有任何接近的结果。",
        "score": "得分",
        "place": "位置",
        "text": "话语（机器识别）",
        "check": "如何核验",
        "limits": "本结果不能证明什么",
    },
    "en": {
        "asked": "What was searched for",
        "query": "Query",
        "scope": "Range",
        "everything": "all streams",
        "threshold": "Threshold (a score that counts as found)",
        "means": "Means",
        "models": "Models and index",
        "searched": "How much was searched",
        "hours": "Recorded (hours)",
        "gaps": "Gaps",
        "missing": "Not recognised (s)",
        "indexed": "Utterances not yet in the index of meaning",
        "utterances": "Utterances recognised",
        "streams": "Stream by stream",
        "stream": "Stream",
        "extent": "Hours, gaps, s not recognised",
        "shop": "Shop",
        "host": "Host",
        "from": "From",
        "to": "To",
        "log": "Segment log (root)",
        "none": "not recorded, text was imported",
        "near": "What came nearest (all below the threshold)",
        "nothing": "Nothing came near.",
        "score": "Score",
        "place": "Where",
        "text": "Words (recognised by a machine)",
        "check": "How to check",
        "limits": "What this result does not prove",
    },
}
_SENTENCE: dict[Language, str] = {
    "zh": "在 {streams} 场直播、{hours:.2f} 小时录像（缺口 {gaps} 处，共 {gap_s:.0f} 秒）里检索“{query}”，"
    "最高得分 {best:.2f}，低于阈值 {threshold:g}。",
    "en": "“{query}” was searched for in {streams} streams with {hours:.2f} hours of recording ({gaps} gaps, "
    "{gap_s:.0f} s in all). The highest score was {best:.2f}, below the threshold of {threshold:g}.",
}
_HAND: dict[Language, str] = {
    "zh": "时长与缺口可由 logs/ 中各场完整日志重新数出；核验程序会据此比对。被检索文字的哈希在 search/search.json，"
    "事后导出的文字可与之对照。",
    "en": "Hours and gaps can be counted again from the full logs in logs/; the verifier does. The hashes of the texts "
    "that were searched are in search/search.json, to be compared with texts exported later.",
}
_LIMITS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "不证明这句话没有说过：机器识别会听错、漏听，检索会漏掉换了说法的话。",
        "只查了说出的话；画面上的文字、商品页、弹幕和私信没有查。",
        "缺口、未识别处和没有录制的时段里说了什么，不得而知。",
        "得分与阈值是排序用的数，不是概率；阈值可由检索者改动，已在上面写明。",
        "检索本身（模型对这些文字给出这些得分）只凭签发者的签名；同样的模型和文字可以重做。",
        "所列之外的直播没有查。公钥与时间戳 CA 的真实性取决于取得它们的渠道。",
    ),
    "en": (
        "That the words were not said: a machine mis-hears and misses words, and a search misses other wordings.",
        "Only what was spoken was searched; text in the picture, product pages, comments and private messages "
        "were not.",
        "What was said in gaps, where nothing was recognised, and where nothing was recorded, is not known.",
        "Score and threshold put hits in order and are no probabilities; whoever searches can change the threshold, "
        "which is named above.",
        "That these models give these scores for these texts rests on the issuer's signature; with the same models and "
        "texts it can be done again.",
        "Streams that are not listed were not searched. Public key and CA are as genuine as the way by which you got "
        "them.",
    ),
}


def negative_report(search: Mapping[str, Any], language: Language, day: datetime, *, stamped: bool) -> Document:
    """The report on ``search``, the content of search/search.json."""
    words = _WORDS[language]
    more = () if stamped else (NO_STAMP[language],)
    blocks: list[Block] = [
        Paragraph(plain(_sentence(search, language))),
        Heading(words["asked"]),
        _asked(search, words),
        Heading(words["searched"]),
        _extent(search["searched"], words),
        Heading(words["near"]),
        _near(search, words),
        Heading(words["streams"]),
        _streams(search, words),
        Heading(words["check"]),
        Items(tuple(coded(text) for text in (*CHECK[language], _HAND[language])), ordered=True),
        Heading(words["limits"]),
        Items(tuple(plain(text) for text in (*_LIMITS[language], *more))),
    ]
    return Document(language, TITLES["negative"][language], day, tuple(blocks))


def _sentence(search: Mapping[str, Any], language: Language) -> str:
    searched = search["searched"]
    return _SENTENCE[language].format(
        query=search["query"],
        streams=searched["streams"],
        hours=searched["seconds"] / 3600,
        gaps=searched["gaps"],
        gap_s=searched["gap_seconds"],
        best=max((hit["score"] for hit in search["hits"]), default=0.0),
        threshold=search["threshold"],
    )


def _asked(search: Mapping[str, Any], words: Mapping[str, str]) -> Table:
    scope = " · ".join(f"{words[name]}: {value}" for name, value in search["scope"].items() if value not in {None, ""})
    models: list[Span] = []
    for model in search["models"]:
        models += [Span(f"{model['name']} "), Span(model["sha256"], "code"), BREAK]
    rows: dict[str, Line] = {
        words["query"]: (Span(search["query"], "mark"),),
        words["scope"]: plain(scope or words["everything"]),
        words["threshold"]: plain(f"{search['threshold']:g}"),
        words["means"]: plain(" · ".join(search["means"])),
        words["models"]: tuple(models[:-1]),
    }
    return Table(tuple((plain(name), line) for name, line in rows.items()))


def _extent(searched: Mapping[str, Any], words: Mapping[str, str]) -> Table:
    rows = {
        words["hours"]: f"{searched['seconds'] / 3600:.2f}",
        words["gaps"]: f"{searched['gaps']} ({searched['gap_seconds']:.0f} s)",
        words["utterances"]: str(searched["utterances"]),
        words["indexed"]: str(searched["not_indexed"]),
        words["missing"]: f"{searched['not_transcribed_seconds']:.0f}",
    }
    return Table(tuple((plain(name), plain(value)) for name, value in rows.items()))


def _near(search: Mapping[str, Any], words: Mapping[str, str]) -> Block:
    if not search["hits"]:
        return Paragraph(plain(words["nothing"]))
    rows = tuple(
        (
            plain(f"{hit['score']:.2f}"),
            plain(f"{hit['stream']} {timecode(round(hit['start'] * 1000))}"),
            plain(hit["text"]),
        )
        for hit in search["hits"]
    )
    return Table(rows, (words["score"], words["place"], words["text"]))


def _streams(search: Mapping[str, Any], words: Mapping[str, str]) -> Table:
    rows = tuple(
        (
            (
                Span(f"{stream['recorded'] / 3600:.2f}"),
                BREAK,
                Span(f"{stream['gaps']} ({stream['gap_seconds']:.0f} s)"),
                BREAK,
                Span(f"{stream['not_transcribed_seconds']:.0f}"),
            ),
            (
                Span(stream["stream"]),
                BREAK,
                Span(stream["root"], "code") if stream["log"] else Span(words["none"]),
            ),
        )
        for stream in search["streams"]
    )
    return Table(rows, (words["extent"], f"{words['stream']} · {words['log']}"))
