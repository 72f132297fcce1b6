"""Reads transcripts made elsewhere: JSON lines ``{"start","end","text"}`` in seconds, SRT, WebVTT."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.clock import parse_seconds
from core.errors import BadInputError, NotFoundError

MAX_BYTES = 256 * 1024 * 1024
_TIMING = re.compile(r"^\s*([\d:.,]+)\s*-->\s*([\d:.,]+)")
_TAG = re.compile(r"<[^>\n]{0,200}>")
FORMATS = ("jsonl", "srt", "vtt")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript; times in ms."""

    start_ms: int
    end_ms: int
    text: str


def _refuse(name: str, number: int, zh: str, en: str) -> BadInputError:
    return BadInputError("transcript_line", f"{name} 第 {number} 行：{zh}。", f"{name}, line {number}: {en}.")


def _line(name: str, number: int, start: float, end: float, text: str) -> Line:
    if not 0 <= start <= end < 1e8:
        raise _refuse(name, number, "时间不对（需 0 ≤ start ≤ end）", "bad times (0 <= start <= end is needed)")
    return Line(round(start * 1000), round(end * 1000), text.strip())


def _parse_jsonl(name: str, content: str) -> Iterator[Line]:
    for number, row in enumerate(content.split("\n"), 1):
        if not row.strip():
            continue
        try:
            fields = json.loads(row)
            start, end, text = float(fields["start"]), float(fields["end"]), fields["text"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            zh = "不是含 start、end、text 的 JSON 对象"
            raise _refuse(name, number, zh, "not a JSON object with start, end and text") from error
        if not isinstance(text, str):
            raise _refuse(name, number, "text 不是字符串", "text is not a string")
        yield _line(name, number, start, end, text)


def _parse_cues(name: str, content: str) -> Iterator[Line]:
    first = 1
    for block in re.split(r"(?<=\n)[ \t]*\n", content):
        rows = block.split("\n")
        at = next((i for i, row in enumerate(rows) if "-->" in row), None)
        number = first + (at or 0)
        first += len(rows)
        if at is None:
            continue
        timing = _TIMING.match(rows[at])
        try:
            if timing is None:
                raise ValueError(rows[at])
            start, end = (parse_seconds(part.replace(",", ".")) for part in timing.groups())
        except ValueError as error:
            raise _refuse(name, number, "时间轴看不懂", "the timing cannot be read") from error
        yield _line(name, number, start, end, _TAG.sub("", " ".join(rows[at + 1 :])))


def parse_transcript(name: str, content: str, form: str) -> list[Line]:
    """Lines in order of time, empty ones dropped. Raises `BadInputError` with the line's number."""
    content = content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    parser = _parse_jsonl if form == "jsonl" else _parse_cues
    lines = [line for line in parser(name, content) if line.text]
    if not lines:
        raise BadInputError("transcript_empty", f"{name} 里没有可导入的文字。", f"{name} holds no text to import.")
    return sorted(lines, key=lambda line: (line.start_ms, line.end_ms))


def read_transcript(path: Path, form: str = "") -> list[Line]:
    """Read and parse a file; the form is taken from its suffix when not named."""
    form = form or path.suffix.lstrip(".").lower()
    if form not in FORMATS:
        raise BadInputError(
            "transcript_format",
            f"看不出 {path.name} 的格式；请用 --format 指定 jsonl、srt 或 vtt。",
            f"The format of {path.name} is not clear; name it with --format jsonl, srt or vtt.",
        )
    if not path.is_file():
        raise NotFoundError("file_missing", f"找不到文件 {path}。", f"There is no file {path}.")
    if path.stat().st_size > MAX_BYTES:
        raise BadInputError("transcript_size", f"{path.name} 超过 256 MB。", f"{path.name} is larger than 256 MB.")
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(
            "transcript_encoding", f"{path.name} 不是 UTF-8 文本。", f"{path.name} is not UTF-8 text."
        ) from error
    return parse_transcript(path.name, content, form)
