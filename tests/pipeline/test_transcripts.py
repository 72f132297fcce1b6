"""Transcripts made elsewhere are read whole or refused with the line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInputError, LiveWitnessError, NotFoundError
from pipeline.transcripts import FORMATS, Line, parse_transcript, read_transcript

SRT = """1
00:00:01,000 --> 00:00:02,500
三天祛斑
七天<i>美白</i>

2
00:01:00,000 --> 00:01:01,000
谢谢大家
"""
VTT = """WEBVTT

NOTE 注释不算字幕

00:01.000 --> 00:02.500 align:start
三天祛斑 七天<c.red>美白</c>

intro
01:00.000 --> 01:01.000
谢谢大家
"""
JSONL = """{"start": 60, "end": 61, "text": "谢谢大家"}

{"start": 1.0, "end": 2.5, "text": "三天祛斑 七天美白"}
"""
EXPECTED = [Line(1000, 2500, "三天祛斑 七天美白"), Line(60_000, 61_000, "谢谢大家")]


@pytest.mark.parametrize(("form", "content"), [("srt", SRT), ("vtt", VTT), ("jsonl", JSONL)])
def test_three_forms_give_the_same_lines(form: str, content: str) -> None:
    assert parse_transcript("t", content, form) == EXPECTED


@pytest.mark.parametrize("form", FORMATS)
def test_windows_line_ends_and_a_byte_order_mark_are_fine(form: str) -> None:
    content = {"srt": SRT, "vtt": VTT, "jsonl": JSONL}[form]
    assert parse_transcript("t", "\ufeff" + content.replace("\n", "\r\n"), form) == EXPECTED


@pytest.mark.parametrize(
    ("form", "content", "line"),
    [
        ("jsonl", '{"start":0,"end":1,"text":"好"}\n{"start":2,"end":1,"text":"倒着"}', 2),
        ("jsonl", "[1,2]", 1),
        ("jsonl", '{"start":"NaN","end":1,"text":"好"}', 1),
        ("jsonl", '{"start":0,"end":1,"text":5}', 1),
        ("srt", SRT.replace("00:01:00,000", "00:01:xx"), 7),
        ("srt", "1\n\n\n2\n00:00:09,000 --> 00:00:01,000\n倒着", 5),
    ],
)
def test_a_bad_line_is_named(form: str, content: str, line: int) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_transcript("t", content, form)
    assert f"第 {line} 行" in caught.value.sentence.zh


def test_an_empty_transcript_is_refused() -> None:
    with pytest.raises(BadInputError) as caught:
        parse_transcript("t", "WEBVTT\n", "vtt")
    assert caught.value.code == "transcript_empty"


def test_files_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_transcript(tmp_path / "none.srt")
    with pytest.raises(BadInputError):
        read_transcript(tmp_path / "none.doc")
    binary = tmp_path / "x.srt"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInputError):
        read_transcript(binary)


@given(st.text(), st.sampled_from(FORMATS))
def test_any_text_is_read_or_refused_with_a_sentence(content: str, form: str) -> None:
    try:
        lines = parse_transcript("t", content, form)
    except LiveWitnessError as error:
        assert error.sentence.zh
        assert error.sentence.en
    else:
        assert all(0 <= line.start_ms <= line.end_ms and line.text for line in lines)
