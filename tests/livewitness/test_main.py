"""Errors become one sentence and an exit code, never a traceback."""

import errno

import pytest

from core.errors import BadInputError, ConflictError, Sentence, UsageError
from livewitness import __main__ as entry
from livewitness.cli import cli


def fail_with(monkeypatch, error: BaseException) -> None:
    def main(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "main", main)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInputError("bad", "坏的", "bad"), 3),
        (UsageError("use", "用法", "usage"), 2),
        (ConflictError("busy", "忙", "busy", hint=Sentence("等", "wait")), 1),
        (KeyboardInterrupt(), 130),
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), 1),
    ],
)
def test_each_error_has_its_exit_code(monkeypatch, capsys, error: BaseException, code: int) -> None:
    fail_with(monkeypatch, error)
    assert entry._run([]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.strip()


def test_other_operating_system_errors_are_defects_and_pass(monkeypatch) -> None:
    fail_with(monkeypatch, OSError(errno.EINVAL, "Invalid argument"))
    with pytest.raises(OSError):
        entry._run([])


def test_control_characters_do_not_reach_the_terminal(monkeypatch, capsys) -> None:
    fail_with(monkeypatch, BadInputError("bad", "标题\x1b[31m红", "title\x1b]0;x\x07"))
    entry._run([])
    assert "\x1b" not in capsys.readouterr().err


def test_an_exit_code_that_a_command_gives_is_passed_on(monkeypatch) -> None:
    monkeypatch.setattr(cli, "main", lambda **_: 4)
    assert entry._run([]) == 4
    monkeypatch.setattr(cli, "main", lambda **_: None)
    assert entry._run([]) == 0
