"""Logs go to stderr, and no title can drive the operator's terminal."""

import logging
import sys

from core.logs import configure_logging


def test_control_characters_are_made_visible(capsys) -> None:
    kept = logging.getLogger().handlers[:]
    configure_logging("INFO")
    handler = logging.getLogger().handlers[0]
    handler.setStream(sys.stderr)  # type: ignore[attr-defined]
    logging.getLogger("x").info("标题\x1b[31m红")
    said = capsys.readouterr()
    logging.basicConfig(handlers=kept, force=True)
    assert said.out == ""
    assert "\\x1b[31m红" in said.err
    assert "\x1b" not in said.err
