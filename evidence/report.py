"""The report for people, in Chinese and English: what was said, the law, how to check, and what is not proved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from core.clock import iso, plus_ms, timecode
from core.records import Alert, Epoch, Stream, Utterance

Language = Literal["zh", "en"]

_STYLE = """body{font:16px/1.6 "Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;color:#1b1b1b;
max-width:46rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.3rem .6rem;text-align:left;vertical-align:top}
mark{background:#ffd54a}img{max-width:100%;border:1px solid #bbb}code{font-size:.85rem;word-break:break-all}"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report tells. ``stills``: picture file by alert id. Times of ``clip_*`` are stream milliseconds."""

    stream: Stream
    epoch: Epoch
    start_ms: int
    end_ms: int
    clip_name: str
    clip_start_ms: int
    clip_mode: str
    received: bool
    late: int
    origin: str
    stamped: bool
    utterances: tuple[Utterance, ...]
    alerts: tuple[Alert, ...]
    stills: Mapping[str, str]


_WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "title": "直播证据报告",
        "what": "所取片段",
        "stream": "直播",
        "shop": "店铺",
        "host": "主播",
        "source": "来源",
        "time": "直播内时间",
        "wall": "录制机时钟（UTC）",
        "received": "文件接收，录制时间未知；下列时钟时间为接收时间，非播出时间",
        "clip": "片段文件",
        "copy": "原样复制，自关键帧起",
        "exact": "重新编码，仅供观看；证据是 segments/ 中的原始分段",
        "said": "说了什么",
        "nothing": "这一段没有识别出的话语。",
        "findings": "疑似违规之处",
        "none": "这一段没有告警。",
        "law": "法律依据",
        "advice": "提示",
        "rule": "规则",
        "score": "得分",
        "status": "状态",
        "check": "如何核验",
        "limits": "本证据包不能证明什么",
        "log": "证据日志",
    },
    "en": {
        "title": "Evidence from a livestream",
        "what": "What was taken",
        "stream": "Stream",
        "shop": "Shop",
        "host": "Host",
        "source": "Source",
        "time": "Time in the stream",
        "wall": "Recorder's clock (UTC)",
        "received": "a file that was received; when it was made is not known, and clock times are those of its receipt",
        "clip": "Clip",
        "copy": "copied unchanged, from a key frame",
        "exact": "encoded anew, for viewing only; the evidence is the original segments in segments/",
        "said": "What was said",
        "nothing": "No speech was recognised in this stretch.",
        "findings": "What may be unlawful",
        "none": "There is no alert in this stretch.",
        "law": "Legal basis",
        "advice": "Advice",
        "rule": "Rule",
        "score": "score",
        "status": "status",
        "check": "How to check",
        "limits": "What this package does not prove",
        "log": "Segment log",
    },
}
_CHECK: dict[Language, tuple[str, ...]] = {
    "zh": (
        "从录制方的公开渠道（不是从本包）取得公钥文件；盖有时间戳的，再从时间戳机构取得其 CA 证书。",
        "运行 <code>livewitness verify 包.zip --public-key 公钥.pem --tsa-ca CA.pem</code>。",
        "或解压后运行 <code>bash verify.sh 公钥.pem CA.pem</code>：只需 bash、openssl、coreutils，不联网；"
        "脚本不到 200 行，请先读一遍，并与项目公布的脚本对照。",
        "手工核对一个文件：<code>sha256sum segments/…</code>，与 log/leaves.jsonl 中该分段的 sha256 比较。",
    ),
    "en": (
        "Get the public key from where the recorder publishes it, not from this package; where there are time-stamps, "
        "get the CA certificate from the authority.",
        "Run <code>livewitness verify PACKAGE.zip --public-key KEY.pem --tsa-ca CA.pem</code>.",
        "Or unpack and run <code>bash verify.sh KEY.pem CA.pem</code>: bash, openssl and coreutils are enough, no "
        "network; it has fewer than 200 lines, so read it first and compare it with the one the project publishes.",
        "One file by hand: <code>sha256sum segments/…</code>, compared with the segment's sha256 in log/leaves.jsonl.",
    ),
}
_LIMITS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "文字由机器识别，会有错字；以原始音视频为准。",
        "告警是供人查看的线索，不是违法认定。",
        "证明的是：这些分段自固定之时起未被改动。来源服务器送来的内容本身是否真实、画面中是何人，不在证明之内。",
        "一段之内连续；片段之外发生了什么（包括主播事后的更正）请看完整录像。",
        "持有签名私钥的录制方可以不录、少录；能发现的是固定之后的改动、遗漏与补造，不是固定之前的取舍。",
        "公钥与时间戳 CA 的真实性取决于取得它们的渠道。",
    ),
    "en": (
        "The text was recognised by a machine and has errors; the original sound and picture decide.",
        "An alert is a lead for a person, not a finding of law.",
        "Proved is that these segments were not changed since they were fixed. Whether what the server sent was "
        "genuine, and who is in the picture, is not.",
        "The stretch is without a break; for what happened outside it (a later correction, too) see the whole "
        "recording.",
        "A recorder who holds the signing key can choose not to record. What shows is change, omission and invention "
        "after the segments were fixed, not choice before.",
        "Public key and CA are as genuine as the way by which you got them.",
    ),
}
_NO_STAMP: dict[Language, str] = {
    "zh": "没有时间戳机构的令牌：时间只凭录制机自己的时钟。",
    "en": "There is no token of a time-stamping authority: time rests on the recorder's own clock.",
}
_LATE: dict[Language, str] = {
    "zh": "有 {} 个分段不是在录制当时，而是在中断恢复后才写入日志（late）。",
    "en": "{} segments were written to the log after a restart, not when they were recorded (late).",
}


def report_html(facts: Facts, language: Language) -> bytes:
    """The report as one HTML page; pictures are files beside it. No script, nothing loaded from elsewhere."""
    words = _WORDS[language]
    parts = [
        f"<h1>{words['title']}</h1>",
        _what(facts, words),
        f"<h2>{words['said']}</h2>",
        _said(facts, words),
        f"<h2>{words['findings']}</h2>",
        *[_finding(alert, facts.stills.get(alert.id, ""), words, language) for alert in facts.alerts],
        "" if facts.alerts else f"<p>{words['none']}</p>",
        f"<h2>{words['check']}</h2>",
        _list("ol", _CHECK[language]),
        f"<h2>{words['limits']}</h2>",
        _list("ul", _limits(facts, language)),
    ]
    head = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{words["title"]}</title>'
    return f"{head}<style>{_STYLE}</style>\n{chr(10).join(filter(None, parts))}\n</html>\n".encode()


def _limits(facts: Facts, language: Language) -> list[str]:
    more = [] if facts.stamped else [_NO_STAMP[language]]
    if facts.late:
        more.append(_LATE[language].format(facts.late))
    return [*_LIMITS[language], *more]


def _what(facts: Facts, words: Mapping[str, str]) -> str:
    wall = [iso(plus_ms(facts.epoch.wall_start, ms - facts.epoch.offset_ms)) for ms in (facts.start_ms, facts.end_ms)]
    source = escape(facts.epoch.source)
    rows = {
        words["stream"]: escape(f"{facts.stream.name} {facts.stream.title}".strip()),
        words["shop"]: escape(facts.stream.shop),
        words["host"]: escape(facts.stream.host),
        words["source"]: f"{source}<br>{words['received']}" if facts.received else source,
        words["time"]: f"{timecode(facts.start_ms)} – {timecode(facts.end_ms)}",
        words["wall"]: " – ".join(wall),
        words["clip"]: f"<code>{facts.clip_name}</code> ({words[facts.clip_mode]}) ← {timecode(facts.clip_start_ms)}",
        words["log"]: f"<code>{escape(facts.origin)}</code>",
    }
    shown = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items() if value)
    return f"<h2>{words['what']}</h2><table>{shown}</table>"


def _said(facts: Facts, words: Mapping[str, str]) -> str:
    if not facts.utterances:
        return f"<p>{words['nothing']}</p>"
    rows = [f"<tr><td>{timecode(u.start_ms)}</td><td>{escape(u.text)}</td></tr>" for u in facts.utterances]
    return f"<table>{''.join(rows)}</table>"


def _finding(alert: Alert, still: str, words: Mapping[str, str], language: Language) -> str:
    finding = alert.finding
    start, end = finding.start, finding.end
    said = f"{escape(alert.text[:start])}<mark>{escape(alert.text[start:end])}</mark>{escape(alert.text[end:])}"
    law = "；".join(escape(f"{basis.law} {basis.article}") for basis in finding.legal_basis)
    rule = f"{finding.rule_id} · {finding.pack} {finding.pack_version} · {words['score']} {finding.score:.2f}"
    advice = finding.advice if language == "zh" else finding.advice_en
    picture = f'<p><img src="{still}" alt=""></p>' if still else ""
    return (
        f"<h3>{timecode(alert.start_ms)} {escape(finding.title)}</h3><p>{said}</p>{picture}"
        f"<p>{words['law']}: {law}<br>{words['advice']}: {escape(advice)}<br>"
        f"{words['rule']}: {escape(rule)} · {words['status']} {alert.status.value} · {iso(alert.wall_time)}<br>"
        f"<code>{finding.pack_sha256}</code></p>"
    )


def _list(kind: str, items: Sequence[str]) -> str:
    return f"<{kind}>{''.join(f'<li>{item}</li>' for item in items)}</{kind}>"
