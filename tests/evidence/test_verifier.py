"""The honest package is accepted and every other one refused, by the Python verifier and by the shell script."""

import os
import random
import stat
import subprocess
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from core.clock import utc_now
from core.errors import NotFoundError
from core.records import Stream
from evidence import verifier
from evidence.audit import local_actor
from evidence.checkpoints import parse_checkpoint
from evidence.keys import Keyring, write_public
from evidence.leaves import canonical, parse_leaf
from evidence.masks import MaskRequest, Range
from evidence.merkle import Tree, leaf_hash, root
from evidence.negative import NearHit, Searched, export_negative
from evidence.package import ExportContext, ExportRequest, export_package
from evidence.receipt import Receipt, receive
from evidence.seal import SEAL, SIGNATURE, SUMS
from evidence.segment_log import read_log
from evidence.stamping import request_token
from evidence.verifier import Verdict, find_forks, verify_package
from store.scope import Extent, Scope
from tests.evidence.authority import Authority
from tests.evidence.logged import (
    MODEL,
    STREAM,
    Recording,
    lay_out,
    make_recording,
    pack,
    read_files,
    resealed,
    tell,
    with_sums,
)  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory):
    with Authority(tmp_path_factory.mktemp("authority") / "tsa") as running:
        yield running


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory, authority: Authority):
    made = make_recording(tmp_path_factory.mktemp("recorder") / "data", authority.url)
    tell(made, "三天祛斑，打13800138000", 9_500)
    order = tmp_path_factory.mktemp("received") / "订单.png"
    order.write_bytes(b"\x89PNG an order")
    context = ExportContext(made.db, made.data, made.seal, local_actor())
    receive(context, Stream(STREAM, "test"), [Receipt(order)], "消费者")
    yield made
    made.db.close()


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory, recording: Recording) -> dict[str, Path]:
    """One of each kind."""
    folder = tmp_path_factory.mktemp("package")
    context = ExportContext(recording.db, recording.data, recording.seal, local_actor())
    made = {kind: folder / f"{kind}.zip" for kind in ("package", "masked", "negative")}
    request = ExportRequest(STREAM, 8_500, 14_500, "案 1", "测试")
    export_package(context, request, made["package"], MaskRequest(made["masked"], mute=(Range(9_000, 9_500),)))
    hit = NearHit(STREAM, 9_500, 11_500, 0.4, "三天", "三天", ("letters",))
    searched = Searched("假一赔十", Scope(), Extent(1, 20_000, 0, 0, 0, 1, 0), (hit,), (MODEL,), ("letters",))
    export_negative(context, searched, made["negative"])
    return made


@pytest.fixture(scope="module")
def package(packages: dict[str, Path]) -> Path:
    return packages["package"]


@pytest.fixture(scope="module")
def files(package: Path) -> dict[str, bytes]:
    return read_files(package)


class Court:
    """Both verifiers with the same anchors from outside."""

    def __init__(self, recording: Recording, ca: Path | None, folder: Path) -> None:
        self.folder = folder
        self.anchors = recording.anchors(ca)
        self.keys = recording.public_file(folder / "keys.pem")
        self.ca = ca

    def python(self, files: dict[str, bytes]) -> Verdict:
        number = len(list(self.folder.glob("*.zip")))
        return verify_package(pack(files, self.folder / f"{number}.zip"), self.anchors)

    def shell(self, files: dict[str, bytes]) -> subprocess.CompletedProcess[str]:
        number = len(list(self.folder.glob("*.u")))
        return self.shell_on(lay_out(files, self.folder / f"{number}.u"))

    def shell_on(self, folder: Path) -> subprocess.CompletedProcess[str]:
        anchors = [str(self.keys), *([str(self.ca)] if self.ca else [])]
        isolated = ["env", "-i", *_NO_NETWORK, "bash", str(folder / "verify.sh"), *anchors]
        return subprocess.run(isolated, capture_output=True, text=True, check=False, timeout=60)

    def refused(self, files: dict[str, bytes], file: str, reason: str = "") -> None:
        """Both refuse, name the file, and the Python verifier gives this reason."""
        verdict = self.python(files)
        assert not verdict.holds
        assert verdict.failures[0].file == file
        assert reason in verdict.failures[0].en
        assert verdict.failures[0].zh
        done = self.shell(files)
        assert done.returncode == 1
        assert done.stderr.startswith(f"REFUSED {file}: "), done.stderr


_NO_NETWORK = (
    ["unshare", "-n"]
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode == 0
    else []
)


@pytest.fixture
def court(recording: Recording, authority: Authority, tmp_path: Path) -> Court:
    return Court(recording, authority.ca, tmp_path)


def segment_names(files: dict[str, bytes]) -> list[str]:
    return sorted(name for name in files if name.startswith("segments/"))


def checkpoint_names(files: dict[str, bytes]) -> list[str]:
    return sorted(name for name in files if name.startswith("log/checkpoints/") and name.endswith(".txt"))


# The honest package.


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


# Changed bytes.


@pytest.mark.parametrize(("kind", "count"), [("package", 1_050), ("masked", 300), ("negative", 300)])
def test_single_bytes_changed_anywhere_in_a_package_are_refused(
    packages: dict[str, Path], court: Court, kind: str, count: int
) -> None:
    whole, files = packages[kind].read_bytes(), read_files(packages[kind])
    rng = random.Random(6)
    each = 24 if kind == "package" else 6
    spots = {whole.index(data) + rng.randrange(len(data)) for data in files.values() if data for _ in range(each)}
    names = [name.encode() for name in files]
    headers = {whole.rindex(name) + rng.randrange(-46, len(name)) for name in names for _ in range(each // 6)}
    headers |= {whole.index(name) + rng.randrange(-30, len(name)) for name in names for _ in range(each // 6)}
    spots |= headers | set(range(len(whole) - 22, len(whole)))
    while len(spots) < count:
        spots.add(rng.randrange(len(whole)))
    target = court.folder / "flipped.zip"
    assert verify_package(packages[kind], court.anchors).holds
    for spot in sorted(spots):
        changed = bytearray(whole)
        changed[spot] ^= 1 << rng.randrange(8)
        target.write_bytes(changed)
        verdict = verify_package(target, court.anchors)
        assert not verdict.holds, f"byte {spot} may be changed"
        assert verdict.failures[0].file
        assert verdict.failures[0].en


@pytest.mark.parametrize(("kind", "count"), [("package", 1_000), ("masked", 100), ("negative", 100)])
def test_single_bytes_changed_in_any_file_are_refused_by_the_script(
    packages: dict[str, Path], court: Court, kind: str, count: int
) -> None:
    """The published script looks at the folder, so that the one inside counts as a file like any other."""
    files = {name: data for name, data in read_files(packages[kind]).items() if data}
    names = sorted(files)
    rng = random.Random(7)
    flips = [(names[n % len(names)], rng.random(), 1 << rng.randrange(8)) for n in range(count)]
    folders = [lay_out(files, court.folder / f"{kind}{n}") for n in range(2)]
    published = Path(verifier.__file__).with_name("verify.sh")

    def run(folder: Path) -> subprocess.CompletedProcess[str]:
        command = ["bash", str(published), str(court.keys), str(court.ca), "300", str(folder)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def flip(worker: int) -> None:
        for name, place, bit in flips[worker::2]:
            changed = bytearray(files[name])
            changed[int(place * len(changed))] ^= bit
            (folders[worker] / name).write_bytes(changed)
            done = run(folders[worker])
            assert done.returncode == 1, name
            assert done.stderr.startswith("REFUSED"), name
            (folders[worker] / name).write_bytes(files[name])
        done = run(folders[worker])
        assert done.returncode == 0, done.stderr

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(flip, range(2)))


# Files added, removed, renamed, swapped; sums recomputed; keys swapped.


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


# The container.


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


# The insider, who holds the signing key.


def test_a_chain_made_up_a_day_later_is_refused_by_the_time_of_its_tokens(
    recording: Recording, authority: Authority, court: Court, tmp_path: Path
) -> None:
    forged = make_recording(tmp_path / "forged", authority.url, claimed_age_s=86_400, keys_of=recording.data)
    forged.export(tmp_path / "forged.zip")
    forged.db.close()
    files = read_files(tmp_path / "forged.zip")
    court.refused(files, segment_names(files)[0], "s after it began; the limit is 300 s")
    without_ca = Court(recording, None, tmp_path)
    assert without_ca.python(files).holds, "nothing but the tokens' time gives it away"


def test_a_log_without_tokens_is_refused_where_time_matters(
    recording: Recording, court: Court, files: dict[str, bytes]
) -> None:
    bare = {n: d for n, d in files.items() if not n.endswith(".tsr")}
    court.refused(resealed(bare, recording.key), segment_names(files)[0], "no time-stamped checkpoint covers it")


def rewritten_history(
    recording: Recording, files: dict[str, bytes], lines: list[bytes], *, kept: int
) -> dict[str, bytes]:
    """The package with its last checkpoint signed anew over ``lines`` as the whole log; the first ``kept`` stay."""
    old = checkpoint_names(files)
    made = {n: d for n, d in files.items() if not n.startswith(("log/checkpoints/", "log/received", "received/"))}
    made |= {n: d for n, d in files.items() if n.split(".")[0] in {name.split(".")[0] for name in old[:kept]}}
    last = parse_checkpoint(files[old[-1]])
    assert last is not None
    hashes = [leaf_hash(line) for line in lines]
    new = replace(last, size=len(lines), root=root(hashes).hex())
    stem = f"log/checkpoints/{new.size:012d}"
    made |= {f"{stem}.txt": new.text, f"{stem}.sig": recording.key.sign(new.text)}
    made[f"{stem}.tsr"] = request_token(recording.seal.tsa_url, new.text)
    wanted = [line for line in lines if _wanted(line, files)]
    tree = Tree(hashes)
    places = [lines.index(line) for line in wanted]
    made["log/leaves.jsonl"] = b"".join(line + b"\n" for line in wanted)
    proofs = [" ".join([str(i), *(h.hex() for h in tree.inclusion(i))]) for i in places]
    made["log/inclusion.txt"] = "\n".join([*proofs, ""]).encode()
    return resealed(made, recording.key)


def _wanted(line: bytes, files: dict[str, bytes]) -> bool:
    leaf = parse_leaf(line)
    return leaf is None or leaf["index"] == 0 or f"segments/{leaf.get('file')}" in files


def renumbered(lines: list[bytes]) -> list[bytes]:
    leaves = [parse_leaf(line) for line in lines]
    return [canonical({**leaf, "index": number}) for number, leaf in enumerate(leaves) if leaf is not None]


def history(recording: Recording, files: dict[str, bytes]) -> list[bytes]:
    last = parse_checkpoint(files[checkpoint_names(files)[-1]])
    assert last is not None
    return list(read_log(recording.folder / "log.jsonl").lines[: last.size])


def test_a_dropped_and_renumbered_segment_does_not_continue_what_was_signed(
    court: Court, recording: Recording, files: dict[str, bytes]
) -> None:
    lines = history(recording, files)
    dropped = segment_names(files)[1]
    place = next(i for i, line in enumerate(lines) if dropped.removeprefix("segments/").encode() in line)
    without = {n: d for n, d in files.items() if n != dropped}
    forged = rewritten_history(recording, without, renumbered(lines[:place] + lines[place + 1 :]), kept=2)
    assert len(checkpoint_names(forged)) >= 2
    court.refused(forged, checkpoint_names(forged)[-1], "does not continue")


def test_a_dropped_segment_leaves_a_hole_in_the_numbers(
    court: Court, recording: Recording, files: dict[str, bytes]
) -> None:
    lines = history(recording, files)
    dropped = segment_names(files)[1]
    place = next(i for i, line in enumerate(lines) if dropped.removeprefix("segments/").encode() in line)
    without = {n: d for n, d in files.items() if n != dropped}
    after = segment_names(files)[2]
    forged = rewritten_history(recording, without, renumbered(lines[:place] + lines[place + 1 :]), kept=0)
    verdict = court.python(forged)
    assert not verdict.holds
    assert (verdict.failures[0].file, "is missing before" in verdict.failures[0].en) == (after, True)
    assert court.shell(forged).returncode == 1
    plain = rewritten_history(recording, without, lines, kept=0)
    court.refused(plain, "log/leaves.jsonl", "leaves are missing")


def test_rollback_and_fork_are_refused(court: Court, recording: Recording, files: dict[str, bytes]) -> None:
    names = checkpoint_names(files)
    first, last = parse_checkpoint(files[names[0]]), parse_checkpoint(files[names[-1]])
    assert first is not None
    assert last is not None
    forked = replace(last, root="0" * 64)
    stem = names[-1].removesuffix(".txt")
    fork = files | {names[-1]: forked.text, f"{stem}.sig": recording.key.sign(forked.text)}
    del fork[f"{stem}.tsr"]
    court.refused(resealed(fork, recording.key), names[-1], "does not continue")

    other_log = replace(last, origin=last.origin[:-1] + ("0" if last.origin[-1] != "0" else "1"))
    moved = files | {names[-1]: other_log.text, f"{stem}.sig": recording.key.sign(other_log.text)}
    del moved[f"{stem}.tsr"]
    court.refused(resealed(moved, recording.key), names[-1], "belongs to another log")

    doubled = files | {f"log/checkpoints/9{names[0].rpartition('/')[2][1:]}": files[names[0]]}
    assert not court.python(resealed(doubled, recording.key)).holds


@pytest.mark.parametrize("value", [None, -1, 10**30, 1.5, "x", "", [], {}, True], ids=repr)
def test_leaves_with_any_value_in_any_field_give_a_verdict(
    court: Court, recording: Recording, files: dict[str, bytes], value: object
) -> None:
    """An insider can sign whatever he likes; the verifier answers, it does not break."""
    lines = history(recording, files)
    place = next(i for i, line in enumerate(lines) if b'"kind":"segment"' in line and _wanted(line, files))
    leaf = parse_leaf(lines[place])
    assert leaf is not None
    for name in (*leaf, "surplus"):
        if name == "index" or leaf.get(name) == value:
            continue
        changed = [*lines[:place], canonical({**leaf, name: value}), *lines[place + 1 :]]
        forged = rewritten_history(recording, files, changed, kept=0)
        verdict = court.python(forged)
        honest = name in {"surplus", "late", "epoch", "end_ms", "start_ms", "pts_start_ms", "pts_end_ms"}
        assert honest or not verdict.holds, name


def test_two_packages_that_tell_a_log_in_two_versions_are_told_apart(
    court: Court, recording: Recording, files: dict[str, bytes]
) -> None:
    lines = history(recording, files)
    place = next(i for i, line in enumerate(lines) if b'"kind":"segment"' in line and not _wanted(line, files))
    leaf = parse_leaf(lines[place])
    assert leaf is not None
    other = [*lines[:place], canonical({**leaf, "sha256": "0" * 64}), *lines[place + 1 :]]
    one, two = court.python(files), court.python(rewritten_history(recording, files, other, kept=0))
    assert one.holds
    assert two.holds, "each holds by itself"
    assert find_forks({"one.zip": one, "again.zip": one}) == []
    (fork,) = find_forks({"one.zip": one, "two.zip": two})
    assert fork.file == "two.zip"
    assert "two versions" in fork.en


# Tokens and keys.


def test_a_token_over_other_data_is_refused(court: Court, recording: Recording, files: dict[str, bytes]) -> None:
    one, other = (name.replace(".txt", ".tsr") for name in checkpoint_names(files)[:2])
    swapped = resealed(files | {one: files[other], other: files[one]}, recording.key)
    court.refused(swapped, one, "the token does not hold")


def test_a_token_of_an_expired_certificate_is_refused(
    recording: Recording, files: dict[str, bytes], tmp_path: Path
) -> None:
    name = checkpoint_names(files)[-1]
    with Authority(tmp_path / "old", valid=("20200101000000Z", "20210101000000Z")) as old:
        forged = with_token(files, name, request_token(old.url, files[name]))
        court = Court(recording, old.ca, tmp_path)
    court.refused(resealed(forged, recording.key), name.replace(".txt", ".tsr"), "the token does not hold")
    assert "expired" in court.shell(resealed(forged, recording.key)).stderr


def test_a_token_of_another_authority_is_refused(
    court: Court, recording: Recording, files: dict[str, bytes], tmp_path: Path
) -> None:
    name = checkpoint_names(files)[-1]
    with Authority(tmp_path / "other") as other:
        forged = with_token(files, name, request_token(other.url, files[name]))
    court.refused(resealed(forged, recording.key), name.replace(".txt", ".tsr"), "the token does not hold")


def with_token(files: dict[str, bytes], name: str, token: bytes) -> dict[str, bytes]:
    """The package with this as its only token."""
    return {n: d for n, d in files.items() if not n.endswith(".tsr")} | {name.replace(".txt", ".tsr"): token}


def test_a_certificate_for_another_purpose_is_refused(
    recording: Recording, files: dict[str, bytes], tmp_path: Path
) -> None:
    """Same name, number and key, but made for signing code: put into the token in place of the right one."""
    name = checkpoint_names(files)[-1]
    with Authority(tmp_path / "authority") as authority:
        token = request_token(authority.url, files[name])
        right, wrong = authority.certificate(), authority.certificate("critical,codeSigning")
        assert right in token
        assert len(right) == len(wrong)
        forged = with_token(files, name, token.replace(right, wrong))
        court = Court(recording, authority.ca, tmp_path)
        court.refused(resealed(forged, recording.key), name.replace(".txt", ".tsr"), "the token does not hold")


def test_rotated_and_revoked_keys(court: Court, recording: Recording, files: dict[str, bytes], tmp_path: Path) -> None:
    key = court.anchors.keys[0]
    hour = utc_now().replace(year=2001)
    cases = {
        "after its key was rotated": replace(key, not_after=hour),
        "before its key was valid": replace(key, not_before=utc_now().replace(year=2090)),
        "its key was revoked": replace(key, revoked=hour),
    }
    for reason, changed in cases.items():
        court.anchors = replace(court.anchors, keys=(changed,))
        court.keys.write_text(write_public([changed]))
        court.refused(files, SEAL, reason)
    later = replace(key, revoked=utc_now().replace(year=2090))
    court.anchors = replace(court.anchors, keys=(later,))
    court.keys.write_text(write_public([later]))
    assert court.python(files).holds, "what was stamped before the revocation still counts"
    assert court.shell(files).returncode == 0
