"""The seal of a package: SHA256SUMS over its files, a time-stamp over that, and a signature over both."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from core.clock import iso
from evidence.leaves import parse_moment

SUMS, STAMP, SEAL, SIGNATURE = "SHA256SUMS", "SHA256SUMS.tsr", "SEAL", "SEAL.sig"
UNLISTED = frozenset({SUMS, STAMP, SEAL, SIGNATURE})
"""Files that SHA256SUMS does not list: the seal covers them."""

Kind = Literal["package", "masked", "negative", "case"]
"""A stretch with its originals; its masked edition, without them; a search that found nothing; a case of these."""

_SEAL = re.compile(
    r"livewitness/(package|masked|negative|case)/v1\nsums ([0-9a-f]{64})\nstamp ([0-9a-f]{64}|-)\n"
    r"time (\S{24})\nkey ([0-9a-f]{16})\n"
)
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")


@dataclass(frozen=True, slots=True)
class Seal:
    """What is signed: kind, hash of SHA256SUMS, hash of its token (``-`` where there is none), time, key id."""

    sums: str
    stamp: str
    time: datetime
    key: str
    kind: Kind = "package"

    @property
    def text(self) -> bytes:
        """The signed bytes."""
        fields = (f"sums {self.sums}", f"stamp {self.stamp}", f"time {iso(self.time)}", f"key {self.key}")
        return "\n".join([f"livewitness/{self.kind}/v1", *fields, ""]).encode()


def parse_seal(text: bytes) -> Seal | None:
    """The inverse of ``Seal.text``; ``None`` for anything else."""
    found = _SEAL.fullmatch(text.decode("ascii", "replace"))
    moment = parse_moment(found[4]) if found else None
    if found is None or moment is None:
        return None
    kinds: dict[str, Kind] = {"package": "package", "masked": "masked", "negative": "negative", "case": "case"}
    return Seal(found[2], found[3], moment, found[5], kinds[found[1]])


def sums_text(hashes: Mapping[str, str]) -> bytes:
    """The lines of ``sha256sum``, sorted by name."""
    return "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes)).encode()


def parse_sums(text: bytes) -> dict[str, str] | None:
    """Name to hash; ``None`` unless this is exactly what `sums_text` writes."""
    found = [_LINE.fullmatch(line) for line in text.decode("ascii", "replace").splitlines()]
    hashes = {match[2]: match[1] for match in found if match}
    return hashes if None not in found and sums_text(hashes) == text else None


def sha256_hex(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def verify_script() -> bytes:
    """The verifier for people without this program: bash, openssl and coreutils."""
    return (Path(__file__).parent / "verify.sh").read_bytes()
