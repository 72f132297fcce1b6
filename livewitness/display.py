"""Events of a stream as JSON lines for machines, or as lines with a status bar for people."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn

from core.clock import timecode
from core.shapes import Json
from livewitness.console import emit, printable, stderr

_SEVERITY_STYLE = {"high": "bold red", "medium": "yellow", "low": "cyan"}
_RELIEF = {
    "stream.resumed": "● 来源恢复 / the source gives again",
    "stream.caught_up": "● 识别已跟上 / recognition has caught up",
    "audio.resumed": "● 声音恢复 / there is sound again",
}


class StreamDisplay:
    """Shows events; for people, alerts scroll by above a line that says how far recording and hearing are."""

    def __init__(self, as_json: bool, console: Console = stderr, *, named: bool = False) -> None:
        self._as_json = as_json
        self._named = named
        self._console = console
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID | None = None
        self._recorded = self._heard = 0.0
        self._alerts = 0

    def __enter__(self) -> Self:
        self._progress.start()
        self._task = self._progress.add_task("准备模型与来源 / preparing models and source")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, event: Json) -> None:
        """Take one event."""
        if self._as_json:
            emit(event)
        lines = self._lines(event)
        if lines and not self._as_json:
            if self._named:
                self._console.print(printable(f"[{event.get('stream', '')}]"), style="bold", markup=False)
            for line, style in lines:
                self._console.print(printable(line), style=style, markup=False, soft_wrap=True)
        self._advance(event)

    def _lines(self, event: Json) -> list[tuple[str, str]]:
        match event["event"]:
            case "stream.started":
                return [(f"● 开始录制 / recording {event['name']} ← {event['source']}", "bold")]
            case "alert" | "alert.repeated" | "alert.corrected" | "alert.softened":
                return alert_lines(event)
            case "gap":
                return [(f"⚠ 缺口 / gap {event['start']:.1f}–{event['end']:.1f} s: {event['reason']}", "yellow")]
            case "lag":
                return [(f"⚠ 识别落后 / recognition is {event['lag']:.0f} s behind; nothing is lost", "yellow")]
            case "no_audio":
                return [("⚠ 没有声音：只录制，无法识别 / no audio: recorded, but nothing can be heard", "yellow")]
            case name:
                return _warning_lines(name, event)

    def _advance(self, event: Json) -> None:
        if event["event"] == "segment":
            self._recorded = event["end"]
        elif event["event"] == "utterance":
            self._heard = event["end"]
        elif event["event"] == "alert" and event["status"] == "confirmed":
            self._alerts += 1
        if self._task is not None:
            recorded = f"已录 / recorded {self._recorded:.0f} s"
            heard = f"已听 / heard {self._heard:.0f} s"
            status = f"{time.strftime('%H:%M:%S')} {recorded} · {heard} · 告警 / alerts {self._alerts}"
            self._progress.update(self._task, description=status)


def _warning_lines(name: str, event: Json) -> list[tuple[str, str]]:
    match name:
        case "stream.failed":
            error = event["error"]
            again = f"；{event['retry_at']} 重试 / tried again" if event["retry_at"] else ""
            return [(f"✗ 出错 / failed: {error['zh']} {error['en']}{again}", "red")]
        case "stream.silent":
            line = f"⚠ 来源 {event['silent']:.0f} 秒没有数据，正在重连 / the source is silent, reconnecting"
        case "gap.opened":
            line = f"⚠ 来源断开，正在重连 / source lost, reconnecting: {event['reason']}"
        case "stream.behind":
            line = f"⚠ 识别落后 {event['lag']:.0f} 秒，告警会迟到 / alerts come late"
        case "not_transcribed":
            line = f"⚠ 未能识别 / not transcribed {event['start']:.1f}–{event['end']:.1f} s: {event['reason']}"
        case _:
            return [(_RELIEF[name], "bold")] if name in _RELIEF else []
    return [(line, "yellow")]


def alert_lines(event: Json) -> list[tuple[str, str]]:
    """A confirmed alert in four lines: when and what, the words in their sentence, rule and law, advice.

    A suspicion, and what became of an alert later, take fewer.
    """
    match event["event"]:
        case "alert.repeated":
            return [(f"▲ 又说一遍 / said again: {event['title']} ×{event['count']}", "dim")]
        case "alert.corrected":
            return [(f"▽ 主播更正 / taken back: {event['title']} → {event['severity']}", "yellow")]
        case "alert.softened":
            said = f"{event['matched']}；{event['against']}"
            return [(f"▽ 下文已说明 / excused by what follows: {event['title']} · {said}", "dim")]
    basis = "；".join(f"{basis['law']} {basis['article']}" for basis in event["legal_basis"])
    text = event["text"]
    start, end = event["text_start"], event["text_end"]
    marked = f"{text[:start]}【{text[start:end]}】{text[end:]}"
    place = timecode(round(event["start"] * 1000))
    if event["status"] == "withdrawn":
        return [(f"▽ {place}  撤回 / withdrawn: {event['title']} · {event['matched']}（{event['reason']}）", "dim")]
    style = _SEVERITY_STYLE.get(event["severity"], "")
    verdict = f"{event['verdict']}/{event['severity']}"
    delay = f"延迟 / delay {event['latency_ms']} ms"
    if event["status"] == "suspected":
        return [(f"△ {place}  疑似 / suspected: {event['title']} {delay}", style), (f"    {marked}", "")]
    return [
        (f"▲ {place}  {event['title']}（{verdict}）{delay}", style),
        (f"    {marked}", ""),
        (f"    {event['rule_id']} · {basis}", "dim"),
        (f"    → {event['advice']}", "dim"),
    ]
