"""The log keeps every whole line, cuts a torn one, and is never mended."""

import json
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConflictError, StorageError
from evidence.leaves import Leaf, canonical, parse_leaf
from evidence.merkle import leaf_hash
from evidence.segment_log import SegmentLog, read_log

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def filled(path: Path, count: int = 5) -> SegmentLog:
    log = SegmentLog(path)
    for number in range(count):
        log.append({"kind": "clock", "step_ms": number})
    return log


def test_leaves_are_numbered_and_read_back_as_written(tmp_path: Path) -> None:
    log = filled(tmp_path / "log.jsonl")
    view = read_log(log.path)
    assert [leaf["index"] for leaf in view.leaves] == list(range(5))
    assert list(view.hashes) == log.hashes == [leaf_hash(line) for line in log.path.read_bytes().splitlines()]


def test_killed_at_any_byte_at_most_the_last_line_is_lost(tmp_path: Path) -> None:
    whole = filled(tmp_path / "whole.jsonl").path.read_bytes()
    for length in [*range(0, len(whole), 11), len(whole) - 1, len(whole)]:
        path = tmp_path / "torn.jsonl"
        path.write_bytes(whole[:length])
        kept = whole[:length].count(b"\n")
        assert len(read_log(path).leaves) == kept, "a reader passes over the torn line"
        found: list[Leaf] = []
        log = SegmentLog(path, found.append)
        assert found == list(read_log(path).leaves)
        assert len(log.hashes) == kept
        log.append({"kind": "end", "reason": "ended"})
        log.close()
        assert path.read_bytes().startswith(whole[: whole[:length].rfind(b"\n") + 1])
        assert len(read_log(path).leaves) == kept + 1


@pytest.mark.parametrize("line", [0, 2, 4])
def test_a_changed_line_is_named_and_never_mended(tmp_path: Path, line: int) -> None:
    path = filled(tmp_path / "log.jsonl").path
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line] = lines[line].replace(b'"index":', b'"index" :')
    path.write_bytes(b"".join(lines))
    before = path.read_bytes()
    for opening in (read_log, SegmentLog):
        with pytest.raises(ConflictError) as caught:
            opening(path)
        assert caught.value.code == "log_damaged"
        assert f"第 {line + 1} 行" in caught.value.sentence.zh
    assert path.read_bytes() == before


def test_a_long_log_costs_its_hashes_and_nothing_more(tmp_path: Path) -> None:
    """A stream is watched for weeks: 21,600 segments a day."""
    path = tmp_path / "log.jsonl"
    leaves = [{"kind": "clock", "step_ms": n, "index": n, "logged": "2026-11-11T12:00:00.000Z"} for n in range(5_000)]
    path.write_bytes(b"".join(canonical(leaf) + b"\n" for leaf in leaves))
    tracemalloc.start()
    log = SegmentLog(path)
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(log.hashes) == 5_000
    assert kept / 5_000 < 120
    assert most / 5_000 < 200
    log.close()


def test_a_damaged_log_is_left_closed(tmp_path: Path) -> None:
    path = filled(tmp_path / "log.jsonl").path
    path.write_bytes(b"{}\n")
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(ConflictError):
        SegmentLog(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("change", ["dropped", "swapped", "doubled"])
def test_lines_out_of_place_are_found(tmp_path: Path, change: str) -> None:
    path = filled(tmp_path / "log.jsonl").path
    lines = path.read_bytes().splitlines(keepends=True)
    changed = {
        "dropped": lines[:2] + lines[3:],
        "swapped": [lines[0], lines[2], lines[1], *lines[3:]],
        "doubled": [*lines[:2], lines[1], *lines[2:]],
    }[change]
    path.write_bytes(b"".join(changed))
    with pytest.raises(ConflictError):
        read_log(path)


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = filled(tmp_path / "log.jsonl")
    before = log.path.read_bytes()
    real = os.write

    def half_then_full(fd: int, data: bytes) -> int:
        if len(data) > 20:
            return real(fd, bytes(data)[:20])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half_then_full)
    with pytest.raises(StorageError) as caught:
        log.append({"kind": "end", "reason": "x" * 100})
    monkeypatch.undo()
    assert caught.value.code == "log_unwritable"
    assert log.path.read_bytes() == before
    log.append({"kind": "end", "reason": "ended"})
    assert len(read_log(log.path).leaves) == 6


@given(st.dictionaries(st.text(), json_values))
def test_canonical_form_is_one_line_and_stable(fields: dict) -> None:
    line = canonical(fields)
    assert b"\n" not in line
    clean = json.loads(line)
    assert canonical(clean) == line
    shuffled = dict(reversed(clean.items()))
    assert canonical(shuffled) == line


@given(st.binary(max_size=80))
def test_any_bytes_are_a_leaf_or_none(line: bytes) -> None:
    leaf = parse_leaf(line)
    assert leaf is None or canonical(leaf) == line
