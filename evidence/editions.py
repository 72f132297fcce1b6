"""Whether a masked edition is bound to its originals, and whether it is the masked edition of that other package."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from core.errors import BadInputError
from evidence.checking import Failure, RefusedError, Run, read_file
from evidence.container import Stored, open_stored
from evidence.seal import SEAL, UNLISTED, parse_seal

BLINDING, BINDINGS = "blinding.txt", "masking/bindings.txt"
_LINE = re.compile(r"([0-9a-f]{64}) ([0-9a-f]{64}|-) (\S+)")
_UNBOUND = ("log/", "export/")


def check_bindings(run: Run) -> None:
    """Every file of a masked edition that tells something is the one that is bound to an original."""
    bound = _bindings(read_file(run, BINDINGS))
    for name, (_, masked) in bound.items():
        if run.sums.get(name, "-") != masked:
            raise RefusedError(name, "不是绑定的遮蔽文件", "is not the masked file that is bound")
    for name in sorted(run.sums):
        if name not in bound and not name.startswith(_UNBOUND) and name not in {BINDINGS, "verify.sh"}:
            raise RefusedError(name, "没有绑定到原件", "is bound to no original")
    run.facts |= {"clip": "masked", "bound": len(bound)}


def _bindings(text: bytes) -> dict[str, tuple[str, str]]:
    """Name to commitment and hash of the masked file (``-`` where it is left out)."""
    found = [_LINE.fullmatch(line) for line in text.decode("ascii", "replace").splitlines()]
    bound = {match[3]: (match[1], match[2]) for match in found if match}
    if not bound or len(bound) != len(found):
        raise RefusedError(BINDINGS, "格式不对", "is not in its form")
    return bound


def find_other_editions(paths: Iterable[Path]) -> tuple[list[tuple[Path, Path]], list[tuple[Path, Failure]]]:
    """Pairs of a masked edition and its original among packages that hold, and what of an original is not bound.

    A package is the original of a masked edition when the commitment to at least one of its files is found there.
    """
    pairs: list[tuple[Path, Path]] = []
    failures: list[tuple[Path, Failure]] = []
    masked = {path: _masked_bindings(path) for path in paths}
    for path, bound in masked.items():
        for other in (other for other, own in masked.items() if bound and not own):
            commitments = _commitments(other)
            if not {promise for promise, _ in bound.values()} & set(commitments.values()):
                continue
            pairs.append((path, other))
            failures += [
                (
                    path,
                    Failure(
                        name,
                        f"绑定的原件不是 {other.name} 中的该文件",
                        f"is bound to another original than {other.name} has",
                    ),
                )
                for name, (promise, _) in bound.items()
                if commitments.get(name) != promise
            ]
    return pairs, failures


def _masked_bindings(path: Path) -> dict[str, tuple[str, str]]:
    with path.open("rb") as file:
        stored = open_stored(file)
        seal = parse_seal(stored.read(SEAL)) if SEAL in stored.entries else None
        return _bindings(stored.read(BINDINGS)) if seal is not None and seal.kind == "masked" else {}


def _commitments(path: Path) -> dict[str, str]:
    """The commitment to each file of an unmasked edition; empty where it has no secret line."""
    with path.open("rb") as file:
        stored = open_stored(file)
        if BLINDING not in stored.entries:
            return {}
        line = stored.read(BLINDING)
        names = (name for name in stored.entries if name not in UNLISTED and not name.startswith("segments/"))
        return {name: _commitment(stored, line, name) for name in names}


def _commitment(stored: Stored, line: bytes, name: str) -> str:
    digest = hashlib.sha256(line)
    try:
        for block in stored.blocks(name):
            digest.update(block)
    except BadInputError:
        return ""
    return digest.hexdigest()
