"""Each check says what it found and what to do; doctor and the service show the same list."""

import os
import socket
import time
from pathlib import Path

import pytest

from core.errors import LiveWitnessError, Sentence
from core.health import CheckResult
from core.settings import Settings
from evidence.audit import append_audit, local_actor
from evidence.audit_seal import seal_audit
from livewitness.checks import CHECKS, SERVING, clock, disk, evidence, ffmpeg, guard, packages, port, rules, run_checks


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


def test_ffmpeg_packages_clock_disk_and_rules_hold_here(settings: Settings) -> None:
    for check in (ffmpeg.check, packages.check, clock.check, disk.check, rules.check):
        result = check(settings)
        assert result.ok, result
        assert result.detail.zh


def test_a_missing_ffmpeg_is_said_with_its_repair(settings: Settings) -> None:
    result = ffmpeg.check(settings.model_copy(update={"ffmpeg": "/nowhere/ffmpeg"}))
    assert not result.ok
    assert "/nowhere/ffmpeg" in result.detail.en
    assert "make setup" in result.repair.en


@pytest.mark.parametrize(("version", "says"), [(0, "no Landlock"), (3, "none for the network"), (4, "the guard only")])
def test_what_the_kernel_leaves_open_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, version: int, says: str
) -> None:
    monkeypatch.setattr(guard, "landlock_version", lambda: version)
    result = guard.check(settings)
    assert result.ok
    assert says in result.detail.en


def test_a_user_that_ffmpeg_cannot_become_does_not_hold(settings: Settings) -> None:
    (result,) = run_checks(settings.model_copy(update={"ffmpeg_user": "nobody-of-this-name"}), (guard.check,))
    assert not result.ok


def test_tokens_that_are_long_waited_for_do_not_hold(settings: Settings) -> None:
    append_audit(settings.data, local_actor(), "search", {})
    assert "1 audit entries" in evidence.check(settings).detail.en
    made = seal_audit(settings.data)
    assert made is not None
    stamped = settings.model_copy(update={"tsa_url": "http://tsa.example/"})
    fresh = evidence.check(stamped)
    assert fresh.ok
    assert "0 audit entries" in fresh.detail.en
    assert "1 checkpoints wait" in fresh.detail.en
    os.utime(made, (time.time() - 7_200, time.time() - 7_200))
    os.utime(made.parent, (time.time() - 7_200, time.time() - 7_200))
    late = evidence.check(stamped)
    assert not late.ok
    assert "120 min" in late.detail.en
    made.with_suffix(".tsr").write_bytes(b"token")
    assert evidence.check(stamped).ok


def test_too_little_disk_does_not_hold(settings: Settings) -> None:
    assert not disk.check(settings.model_copy(update={"min_free_bytes": 2**60})).ok


def test_a_port_in_use_does_not_hold(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        assert not port.check(settings.model_copy(update={"port": number})).ok
    assert port.check not in SERVING
    assert set(SERVING) < set(CHECKS)


def test_a_check_that_raises_counts_as_not_held(settings: Settings) -> None:
    def broken(_settings: Settings) -> CheckResult:
        raise LiveWitnessError("x", "坏了", "broken", hint=Sentence("修", "mend"))

    (result,) = run_checks(settings, (broken,))
    assert (result.ok, result.detail.zh, result.repair.zh) == (False, "坏了", "修")
