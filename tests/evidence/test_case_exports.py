"""Exported cases do not pile up: bounded by age and size, each removal in the audit chain."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evidence.audit import local_actor, read_audit
from evidence.case_exports import REMOVED, ExportLimits, sweep_exports

NOW = datetime(2026, 11, 11, tzinfo=UTC)
ACTOR = local_actor("service")
ROOMY = ExportLimits(30, 10_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "cases" / "案-1-abc" / "exports"
    made.mkdir(parents=True)
    return made


def put(folder: Path, name: str, days: float, data: bytes = b"x" * 100) -> Path:
    path = folder / name
    path.write_bytes(data)
    moment = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (moment, moment))
    return path


def exported(folder: Path, name: str, days: float) -> None:
    put(folder, f"{name}.zip", days)
    put(folder, f"{name}.json", days, json.dumps({"case": "案 1", "sha256": "ab" * 32}).encode())


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_past_its_days_goes_and_the_case_stays(tmp_path: Path, folder: Path) -> None:
    exported(folder, "old", 31)
    exported(folder, "new", 29)
    exhibit = put(folder.parent, "exhibit.zip", 400)
    assert sweep_exports(tmp_path, ROOMY, ACTOR, NOW) == 1
    assert left(folder) == ["new.json", "new.zip"]
    assert exhibit.exists()
    (entry,) = [json.loads(line) for line in read_audit(tmp_path)]
    assert (entry["kind"], entry["channel"]) == (REMOVED, "service")
    assert entry["detail"] == {"case": "案 1", "export": "old", "sha256": "ab" * 32}


def test_the_oldest_go_until_the_rest_fits(tmp_path: Path, folder: Path) -> None:
    for number in range(5):
        exported(folder, f"e{number}", number)
    assert sweep_exports(tmp_path, ExportLimits(30, 250), ACTOR, NOW) == 3
    assert [name for name in left(folder) if name.endswith("zip")] == ["e0.zip", "e1.zip"]
    assert sweep_exports(tmp_path, ExportLimits(30, 0), ACTOR, NOW) == 2
    assert left(folder) == []


def test_what_a_killed_export_left_goes_after_a_day(tmp_path: Path, folder: Path) -> None:
    put(folder, ".e.zip.1-2.part", 0.5)
    put(folder, ".f.zip.1-2.part", 1.5)
    put(folder, "g.json", 1.5)
    staging = folder / ".exportxyz"
    staging.mkdir()
    put(staging, "case.json", 2)
    moment = (NOW - timedelta(days=2)).timestamp()
    os.utime(staging, (moment, moment))
    assert sweep_exports(tmp_path, ROOMY, ACTOR, NOW) == 0
    assert left(folder) == [".e.zip.1-2.part"]
    assert read_audit(tmp_path) == []
    assert sweep_exports(tmp_path / "none", ROOMY, ACTOR, NOW) == 0
