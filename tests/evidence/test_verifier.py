"""The honest package is accepted and every other one refused, by the Python verifier and by the shell script."""

import os
import stat
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import NotFoundError
from evidence.keys import Keyring
from evidence.seal import SEAL, SIGNATURE, SUMS
from evidence.verifier import verify_package
from tests.evidence.authority import Authority
from tests.evidence.court import Court, segment_names
from tests.evidence.logged import (
    Recording,
    lay_out,
    make_recording,
    read_files,
    resealed,
    with_sums,
)

pytestmark = pytest.mark.slow


def test_the_honest_package_holds(court: Court, package: Path, files: dict[str, bytes]) -> None:
    verdict = verify_package(package, court.anchors)
    assert verdict.failures == ()
    assert verdict.holds
    assert not verdict.unchecked
    assert verdict.facts["clip"] == "copy"
    assert verdict.facts["checkpoints"] >= 2
    assert verdict.facts["segments"] == len(segment_names(files)) >= 4
    began = time.monotonic()
    done = court.shell(files)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 10
    assert "HOLDS" in done.stdout


def test_without_a_ca_tokens_stay_unchecked_and_the_outcome_says_so(
    recording: Recording, tmp_path: Path, files: dict[str, bytes]
) -> None:
    court = Court(recording, None, tmp_path)
    verdict = court.python(files)
    assert verdict.holds
    assert verdict.unchecked
    assert court.shell(files).returncode == 4


def test_a_missing_package_is_bad_input(court: Court, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        verify_package(tmp_path / "none.zip", court.anchors)


def test_files_added_removed_renamed_and_swapped(court: Court, files: dict[str, bytes]) -> None:
    one, other = segment_names(files)[:2]
    court.refused(files | {"segments/0000/00000099.ts": b"x"}, "segments/0000/00000099.ts", "not listed")
    court.refused({n: d for n, d in files.items() if n != one}, one, "missing")
    renamed = {("clip/other.mp4" if n == "clip/clip.mp4" else n): d for n, d in files.items()}
    verdict = court.python(renamed)
    assert verdict.failures[0].file == "clip/other.mp4"
    assert court.shell(renamed).returncode == 1
    swapped = files | {one: files[other], other: files[one]}
    verdict = court.python(swapped)
    assert verdict.failures[0].file in {one, other}
    assert court.shell(swapped).returncode == 1
    for name in (SUMS, SEAL, SIGNATURE):
        assert not court.python({n: d for n, d in files.items() if n != name}).holds
        assert court.shell({n: d for n, d in files.items() if n != name}).returncode == 1


@pytest.mark.parametrize("kind", ["masked", "negative"])
def test_the_other_kinds_are_as_strict_about_their_files(
    court: Court, recording: Recording, packages: dict[str, Path], kind: str
) -> None:
    files = read_files(packages[kind])
    assert court.python(files).holds
    done = court.shell(files)
    assert done.returncode == 0, done.stderr
    court.refused(files | {"extra.txt": b"x"}, "extra.txt", "not listed")
    court.refused({n: d for n, d in files.items() if n != "report.zh.pdf"}, "report.zh.pdf", "missing")
    court.refused(with_sums(files | {"report.zh.html": b"x"}), SUMS, "not the list that was signed")
    assert not court.python(resealed(files | {"extra.txt": b"x"}, recording.key, kind)).holds
    assert court.shell(resealed(files | {"extra.txt": b"x"}, recording.key, kind)).returncode == 1
    stranger = Keyring(court.folder / "stranger", {}).new()
    court.refused(resealed(files, stranger, kind), SEAL, "not among the keys given")
    for other in {"package", "masked", "negative"} - {kind}:
        forged = resealed(files, recording.key, other)
        assert not court.python(forged).holds
        assert court.shell(forged).returncode == 1


def test_a_masked_file_exchanged_by_an_insider_is_refused(
    court: Court, recording: Recording, packages: dict[str, Path]
) -> None:
    files = read_files(packages["masked"])
    name = "transcript/transcript.json"
    court.refused(resealed(files | {name: b"[]"}, recording.key, "masked"), name, "not the masked file that is bound")
    segment = segment_names(read_files(packages["package"]))[0]
    smuggled = files | {segment: read_files(packages["package"])[segment]}
    court.refused(resealed(smuggled, recording.key, "masked"), segment)
    bindings = files["masking/bindings.txt"]
    broken = files | {"masking/bindings.txt": bindings.replace(b" ", b"  ", 1)}
    verdict = court.python(resealed(broken, recording.key, "masked"))
    assert verdict.failures[0].file == "masking/bindings.txt"


def test_the_script_checks_a_clip_of_two_minutes_in_ten_seconds(authority: Authority, tmp_path: Path) -> None:
    made = make_recording(tmp_path / "data", authority.url, length_s=130)
    made.export(tmp_path / "long.zip", 4_500, 124_500)
    made.db.close()
    court = Court(made, authority.ca, tmp_path)
    folder = lay_out(read_files(tmp_path / "long.zip"), tmp_path / "long")
    began = time.monotonic()
    done = court.shell_on(folder)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 10


def test_an_edit_with_the_sums_made_to_fit_fails_at_the_seal(court: Court, files: dict[str, bytes]) -> None:
    name = "transcript/transcript.json"
    court.refused(with_sums(files | {name: files[name] + b" "}), SUMS, "not the list that was signed")


def test_a_package_signed_with_another_key_is_refused(court: Court, files: dict[str, bytes], tmp_path: Path) -> None:
    stranger = Keyring(tmp_path / "stranger", {}).new()
    court.refused(resealed(files, stranger), SEAL, "not among the keys given")
    claimed = resealed(files, replace(stranger, public=court.anchors.keys[0]))
    court.refused(claimed, SEAL, "the signature does not hold")


def test_an_insider_cannot_put_another_segment_or_clip_into_it(
    court: Court, recording: Recording, files: dict[str, bytes]
) -> None:
    one = segment_names(files)[1]
    court.refused(resealed(files | {one: files[one][:-188]}, recording.key), one, "not the segment that the log fixed")
    foreign = {n: d for n, d in files.items() if n != one} | {"segments/0000/00000099.ts": files[one]}
    court.refused(resealed(foreign, recording.key), one)
    added = resealed(files | {"segments/0000/00000099.ts": files[one]}, recording.key)
    court.refused(added, "segments/0000/00000099.ts", "not in the log")
    edited = resealed(files | {"clip/clip.mp4": (recording.data / "media.mp4").read_bytes()}, recording.key)
    verdict = court.python(edited)
    assert verdict.failures[0].file == "clip/frames.txt"


def test_an_audit_extract_that_is_none_is_refused(court: Court, recording: Recording, files: dict[str, bytes]) -> None:
    name = "export/audit.jsonl"
    lines = files[name].splitlines(keepends=True)
    assert lines, "the receipt of the order is on record"
    changed = [line.replace("消费者".encode(), b"nobody") for line in lines]
    for forged in (
        [*lines, lines[0]],
        [*lines[:-1], b"{}\n"],
        [*changed, lines[-1].replace(b'"index":', b'"index":9')],
    ):
        verdict = court.python(resealed(files | {name: b"".join(forged)}, recording.key))
        assert verdict.failures[0].file == name
    verdict = court.python(resealed(files | {"export/custody.json": b"{}"}, recording.key))
    assert verdict.failures[0].file == "export/custody.json"


def test_tricks_of_the_container_are_refused(court: Court, package: Path, files: dict[str, bytes]) -> None:
    def rewritten(change, method: int = zipfile.ZIP_STORED) -> Path:
        target = court.folder / "trick.zip"
        with zipfile.ZipFile(target, "w", method) as archive:
            for name in sorted(files):
                archive.writestr(zipfile.ZipInfo(name), files[name], method)
            change(archive)
        return target

    def link(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("segments/0000/link.ts")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")

    def doubled(archive: zipfile.ZipFile) -> None:
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("manifest.json", b"{}")

    whole = package.read_bytes()
    tricks = [
        rewritten(lambda archive: archive.writestr("../outside", b"x")).read_bytes(),
        rewritten(lambda archive: archive.writestr("/etc/outside", b"x")).read_bytes(),
        rewritten(doubled).read_bytes(),
        rewritten(link).read_bytes(),
        rewritten(lambda archive: None, zipfile.ZIP_DEFLATED).read_bytes(),
        b"#!/bin/sh\n" + whole,
        whole + b"\0",
        whole[:-1],
        b"",
        b"PK",
        os.urandom(5_000),
    ]
    target = court.folder / "form.zip"
    for number, content in enumerate(tricks):
        target.write_bytes(content)
        verdict = verify_package(target, court.anchors)
        assert not verdict.holds, number
        assert verdict.failures[0].file == "form.zip"


def test_links_and_foreign_files_in_an_unpacked_folder_are_refused(court: Court, files: dict[str, bytes]) -> None:
    folder = lay_out(files, court.folder / "links")
    (folder / ".hidden").write_text("x")
    assert court.shell_on(folder).returncode == 1
    (folder / ".hidden").unlink()
    one = folder / segment_names(files)[0]
    elsewhere = court.folder / "elsewhere.ts"
    one.rename(elsewhere)
    one.symlink_to(elsewhere)
    done = court.shell_on(folder)
    assert done.returncode == 1
    assert "is a link" in done.stderr
