"""A case goes out as one package: exhibits in order with comments and history, each package inside verified."""

import hashlib
import itertools
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import ConflictError
from evidence.audit import append_audit, local_actor, read_audit
from evidence.case_package import Piece, export_case
from evidence.negative import Searched, export_negative
from evidence.staging import ExportContext
from evidence.verifier import Anchors, verify_package
from store.cases import Case, CaseState, Exhibit, ExhibitKind
from store.scope import Extent, Scope
from tests.evidence.logged import Recording, lay_out, make_recording, pack, read_files, resealed

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
CASE = Case("争议-7", "祛斑霜无效 <script>", "花店", CaseState.OPEN, "", "裁决员", NOON)
COREUTILS = (
    *("basenc", "basename", "cat", "cut", "date", "dirname", "head", "mkdir", "mktemp", "mv", "od", "realpath", "rm"),
    *("sha256sum", "split", "stat", "tail", "tr"),
)
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 50


def context(recording: Recording) -> ExportContext:
    return ExportContext(recording.db, recording.data, recording.seal, local_actor())


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory):
    made = make_recording(tmp_path_factory.mktemp("recorder") / "data")
    append_audit(made.data, local_actor(), "case.opened", {"case": CASE.id})
    append_audit(made.data, local_actor(), "case.opened", {"case": "别的"})
    yield made
    made.db.close()


def piece(place: int, kind: ExhibitKind, path: Path | None, comment: str = "") -> Piece:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest() if path else ""
    exhibit = Exhibit(
        f"{place:016x}", CASE.id, place, kind, f"第 {place} 件", comment, "裁决员", NOON,
        stream="证据测试" if kind is ExhibitKind.PACKAGE else "", start_ms=8_500, end_ms=14_500,
        file=path.name if path else "", sha256=sha256,
    )  # fmt: skip
    return Piece(exhibit, path)


@pytest.fixture(scope="module")
def pieces(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> list[Piece]:
    folder = tmp_path_factory.mktemp("exhibits")
    (folder / "order.png").write_bytes(PNG)
    recording.export(folder / "stretch.zip")
    searched = Searched("三天祛斑", Scope(), Extent(1, 20_000, 0, 0, 0, 1, 0), (), (), ("letters",))
    export_negative(context(recording), searched, folder / "negative.zip", CASE.id)
    return [
        piece(1, ExhibitKind.NOTE, None, "消费者 11 月 11 日下单"),
        piece(2, ExhibitKind.PACKAGE, folder / "stretch.zip", "原话在第 3 秒"),
        piece(3, ExhibitKind.NEGATIVE, folder / "negative.zip"),
        piece(4, ExhibitKind.RECEIVED, folder / "order.png"),
    ]


@pytest.fixture(scope="module")
def whole(recording: Recording, pieces: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("case") / "case.zip"
    made = export_case(context(recording), CASE, pieces, target, "移送")
    assert (made.exhibits, made.packages, made.size) == (4, 2, target.stat().st_size)
    return target


def test_it_verifies_with_every_package_inside(recording: Recording, whole: Path) -> None:
    verdict = verify_package(whole, recording.anchors())
    assert verdict.failures == ()
    assert (verdict.kind, verdict.facts["exhibits"], verdict.facts["packages"]) == ("case", 4, 2)
    assert verdict.facts["segments"] > 0


def test_order_comments_and_history_are_inside(recording: Recording, whole: Path, pieces: list[Piece]) -> None:
    files = read_files(whole)
    case = json.loads(files["case.json"])
    assert [(one["place"], one["kind"]) for one in case["exhibits"]] == [
        (1, "note"), (2, "package"), (3, "negative"), (4, "received"),
    ]  # fmt: skip
    assert case["exhibits"][1]["comment"] == "原话在第 3 秒"
    assert files["exhibits/004-0000000000000004.png"] == PNG
    history = [json.loads(line) for line in files["history.jsonl"].splitlines()]
    assert {entry["detail"]["case"] for entry in history} == {CASE.id}
    assert "祛斑霜无效 &lt;script&gt;".encode() in files["report.zh.html"]
    last = json.loads(read_audit(recording.data)[-1])
    assert (last["kind"], last["detail"]["edition"], last["detail"]["reason"]) == ("export", "case", "移送")


def test_what_was_changed_inside_is_named(recording: Recording, whole: Path, tmp_path: Path) -> None:
    files, anchors = read_files(whole), recording.anchors()

    def refused(changed: dict[str, bytes], file: str, reason: str) -> None:
        verdict = verify_package(pack(resealed(changed, recording.key, "case"), tmp_path / "x.zip"), anchors)
        assert [f for f in verdict.failures if f.file.startswith(file) and reason in f.en], verdict.failures

    inner = next(name for name in files if name.startswith("exhibits/002"))
    torn = bytearray(files[inner])
    torn[len(torn) // 2] ^= 1
    refused(files | {inner: bytes(torn)}, inner, "is not the file that the case lists")
    case = json.loads(files["case.json"])
    case["exhibits"][1]["sha256"] = hashlib.sha256(torn).hexdigest()
    refused(files | {"case.json": json.dumps(case).encode(), inner: bytes(torn)}, f"{inner}: ", "")
    refused(files | {"exhibits/009-00.png": PNG}, "exhibits/009", "does not belong")
    refused({k: v for k, v in files.items() if k != inner}, inner, "is not the file")
    refused(files | {"case.json": b'{"format": "livewitness-case/1", "exhibits": [1]}'}, "case.json", "form")
    refused(files | {"history.jsonl": b"{}\n"}, "history.jsonl", "form")


def by_script(folder: Path, keys: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """What verify.sh of the case says, with nothing at hand but bash, openssl and coreutils."""
    tools = folder.parent / "tools"
    if not tools.exists():
        tools.mkdir()
        for name in (*COREUTILS, "bash", "openssl"):
            (tools / name).symlink_to(shutil.which(name) or name)
    command = ["env", "-i", f"PATH={tools}", "bash", str(folder / "verify.sh"), str(keys), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_script_checks_the_whole_case_without_this_program(
    recording: Recording, whole: Path, tmp_path: Path
) -> None:
    keys = recording.public_file(tmp_path / "keys.pem")
    done = by_script(lay_out(read_files(whole), tmp_path / "case"), keys)
    assert done.returncode == 0, done.stderr
    assert "exhibits/002-0000000000000002.zip: HOLDS: " in done.stdout
    assert "exhibits/003-0000000000000003.zip: HOLDS, NEGATIVE RESULT: " in done.stdout
    assert re.search(r"^HOLDS, CASE: \d+ files, 4 exhibits, 2 of them packages", done.stdout, re.MULTILINE)
    assert done.stderr == ""


def test_the_script_names_what_does_not_hold(recording: Recording, whole: Path, tmp_path: Path) -> None:
    files, keys = read_files(whole), recording.public_file(tmp_path / "keys.pem")
    numbers = itertools.count()

    def refused(changed: dict[str, bytes], told: str, reason: str, *, sealed: bool = True) -> None:
        given = resealed(changed, recording.key, "case") if sealed else changed
        done = by_script(lay_out(given, tmp_path / f"case{next(numbers)}"), keys)
        assert done.returncode == 1, done.stdout
        assert done.stderr.startswith(f"REFUSED {told}"), done.stderr
        assert reason in done.stderr
        assert "HOLDS, CASE" not in done.stdout

    inner = "exhibits/002-0000000000000002.zip"
    stretch = {name: bytes(data) for name, data in read_files_of(files[inner], tmp_path).items()}

    def exchanged(data: bytes) -> dict[str, bytes]:
        """The package exchanged by somebody who has the key of the case, and fits the case to it."""
        case = json.loads(files["case.json"])
        case["exhibits"][1]["sha256"] = hashlib.sha256(data).hexdigest()
        text = json.dumps(case, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        return files | {inner: data, "case.json": text.encode()}

    refused(files | {"report.zh.html": b"x"}, "report.zh.html", "changed", sealed=False)
    refused(files | {inner: files[inner] + b"x"}, inner, "not the file that the case lists")
    refused({name: data for name, data in files.items() if name != inner}, inner, "not the file")
    refused(files | {"exhibits/009-00.png": PNG}, "exhibits/009-00.png", "does not belong")
    refused(files | {"history.jsonl": b"{}\n"}, "history.jsonl", "form")
    refused(exchanged(files[inner] + b"x"), inner, "form of a package")
    refused(exchanged(files[inner][:-30]), inner, "")
    segment = next(name for name in stretch if name.startswith("segments/"))
    changed = pack(stretch | {segment: b"x" + stretch[segment][1:]}, tmp_path / "changed.zip").read_bytes()
    refused(exchanged(changed), f"{inner}: {segment}", "content was changed")
    renamed = files[inner].replace(segment.encode(), b"../" + segment.encode()[3:])
    refused(exchanged(renamed), inner, "form of a package")
    nested = pack(resealed({"case.json": b"{}"}, recording.key, "case"), tmp_path / "nested.zip").read_bytes()
    refused(exchanged(nested), inner, "case within a case")


def read_files_of(package: bytes, folder: Path) -> dict[str, bytes]:
    path = folder / "inner.zip"
    path.write_bytes(package)
    return read_files(path)


def test_the_script_needs_the_keys_from_outside(whole: Path, tmp_path: Path) -> None:
    other = make_recording(tmp_path / "other")
    keys = other.public_file(tmp_path / "keys.pem")
    other.db.close()
    done = by_script(lay_out(read_files(whole), tmp_path / "case"), keys)
    assert done.returncode == 1
    assert "not among the keys given" in done.stderr


def test_a_key_from_outside_is_needed(whole: Path) -> None:
    assert not verify_package(whole, Anchors(())).holds


def test_a_file_that_was_exchanged_is_not_exported(recording: Recording, pieces: list[Piece], tmp_path: Path) -> None:
    path = tmp_path / "order.png"
    path.write_bytes(PNG + b"1")
    with pytest.raises(ConflictError):
        export_case(context(recording), CASE, [Piece(pieces[3].exhibit, path)], tmp_path / "case.zip")
    assert [p.name for p in tmp_path.iterdir()] == ["order.png"]
