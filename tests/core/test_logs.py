"""Logs go to stderr; no title, name or address can drive the operator's terminal or forge a record."""

import io
import json
import logging
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.logs import JsonFormatter, TextFormatter, configure_logging

HOSTILE = "标题\x1b[31m红\x1b]0;掉包\x07\r\n2026-11-11 20:00:00,000 ERROR forged: 伪造\u202e\x9b2J\u2028"
RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ [\w.]+: .*")


def logged(formatter: logging.Formatter, text: str, *, fails: bool = False) -> str:
    target = io.StringIO()
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    logger = logging.Logger("x")
    logger.addHandler(handler)
    try:
        raise ValueError(text)
    except ValueError:
        logger.error("stream %s", text, exc_info=fails)
    return target.getvalue()


@pytest.mark.parametrize(("form", "begins"), [("text", "2"), ("json", "{")])
def test_all_goes_to_stderr(capsys: pytest.CaptureFixture[str], form: str, begins: str) -> None:
    kept, level = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        configure_logging("INFO", form)
        logging.getLogger().handlers[0].setStream(sys.stderr)
        logging.getLogger("x").info("%s", HOSTILE)
        said = capsys.readouterr()
    finally:
        logging.basicConfig(level=level, handlers=kept, force=True)
    assert said.out == ""
    assert said.err.startswith(begins)
    assert "\\x1b[31m红" in said.err.replace("\\\\", "\\")
    assert "\x1b" not in said.err


@given(st.text() | st.just(HOSTILE))
def test_a_record_is_one_line_whatever_it_holds(text: str) -> None:
    (line,) = logged(TextFormatter(), text).removesuffix("\n").split("\n")
    assert RECORD.fullmatch(line)
    assert line.isprintable()
    (line,) = logged(JsonFormatter(), text).removesuffix("\n").split("\n")
    assert line.isprintable()
    assert json.loads(line).keys() == {"at", "level", "logger", "message"}


@given(st.text() | st.just(HOSTILE))
def test_a_traceback_forges_no_record(text: str) -> None:
    head, *below = logged(TextFormatter(), text, fails=True).removesuffix("\n").split("\n")
    assert RECORD.fullmatch(head)
    assert below[0] == "  | Traceback (most recent call last):"
    assert all(line.startswith("  | ") and line.isprintable() for line in below)
    found = json.loads(logged(JsonFormatter(), text, fails=True))
    assert found["failure"][0] == "Traceback (most recent call last):"
    assert all(line.isprintable() for line in found["failure"])


def test_a_failure_says_where_and_how_and_quotes_no_values() -> None:
    told = logged(TextFormatter(), "三天祛斑", fails=True)
    assert "  |   File " in told
    assert told.endswith("  | ValueError\n")
    assert told.count("三天祛斑") == 1, "in the record's own message, which the program chose"
    target = io.StringIO()
    handler = logging.StreamHandler(target)
    handler.setFormatter(TextFormatter())
    logger = logging.Logger("x", "INFO")
    logger.addHandler(handler)
    try:
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise KeyError("三天祛斑") from error
    except KeyError:
        logger.exception("stands still")
    said = [line for line in target.getvalue().splitlines() if "Error" in line and "File" not in line]
    assert [line.strip(" |") for line in said if "raise" not in line][-2:] == [
        "OSError: [Errno 28] No space left on device",
        "KeyError",
    ]
