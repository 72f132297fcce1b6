"""Rule packs are tried in a process that can be killed: one that takes too much gets one sentence."""

import os
from pathlib import Path

import pytest

import api.packtrial
from api.packtrial import try_pack
from core.errors import BadInputError
from tests.api.test_packs import pack


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "pack.yaml").write_bytes(pack())
    return tmp_path / "pack.yaml"


@pytest.mark.parametrize(("limit", "value"), [("CPU_S", 1), ("WALL_S", 0.1), ("MEMORY_BYTES", 250 << 20)])
def test_a_pack_that_takes_too_much_is_refused_in_one_sentence(
    file: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    monkeypatch.setattr(api.packtrial, limit, value)
    with pytest.raises(BadInputError) as told:
        try_pack(file)
    assert told.value.code == "pack_heavy"
    assert "内存" in told.value.sentence.zh


def test_no_yaml_is_refused_by_its_line_before_anything_is_loaded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.packtrial, "MEMORY_BYTES", 60 << 20)
    file.write_bytes(b"pack: [")
    with pytest.raises(BadInputError, match="line 2"):
        try_pack(file)


def test_the_process_has_nothing_of_ours_in_its_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, str] = {}
    run = api.packtrial.subprocess.run

    def watched(command: list[str], **options):
        given.update(options["env"])
        return run(command, **options)

    monkeypatch.setenv("LIVEWITNESS_OIDC_SECRET", "a secret")
    monkeypatch.setattr(api.packtrial.subprocess, "run", watched)
    file.write_bytes(b"pack: [")
    with pytest.raises(BadInputError):
        try_pack(file)
    assert not {name for name in given if name.startswith("LIVEWITNESS")}
    assert os.environ["LIVEWITNESS_OIDC_SECRET"] not in given.values()
