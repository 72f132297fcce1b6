"""The insider, who holds the signing key, is refused too, or told apart."""

from dataclasses import replace
from pathlib import Path

import pytest

from evidence.checkpoints import parse_checkpoint
from evidence.leaves import canonical, parse_leaf
from evidence.merkle import Tree, leaf_hash, root
from evidence.segment_log import read_log
from evidence.stamping import request_token
from evidence.verifier import find_forks
from tests.evidence.authority import Authority
from tests.evidence.court import Court, checkpoint_names, segment_names
from tests.evidence.logged import (
    Recording,
    make_recording,
    read_files,
    resealed,
)

pytestmark = pytest.mark.slow


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
