"""What all checks of a package share: trust anchors, verdict, and the first checks: files, seal, signatures, tokens.

Trust comes from outside the package: keys, a CA and a limit. Each failure names its file and says why in Chinese and
English.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509

from core.clock import iso
from core.errors import BadInputError
from evidence.checkpoints import Checkpoint
from evidence.container import Stored
from evidence.keys import PublicKey
from evidence.seal import SEAL, SIGNATURE, STAMP, SUMS, UNLISTED, Kind, Seal, parse_seal, parse_sums, sha256_hex
from evidence.stamping import verify_token

LIMIT_S = 300


@dataclass(frozen=True, slots=True)
class Anchors:
    """What the verifier trusts: public keys, CA certificates, and how late a token may be, in seconds.

    With ``roots`` every segment must be covered by a token; without, time rests on the recorder's own clock.
    """

    keys: tuple[PublicKey, ...]
    roots: tuple[x509.Certificate, ...] = ()
    limit_s: int = LIMIT_S


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that does not hold: the file inside the package, and why."""

    file: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome. ``unchecked``: tokens are there that could not be checked for want of a CA."""

    failures: tuple[Failure, ...]
    unchecked: bool
    facts: dict[str, Any]
    checkpoints: tuple[Checkpoint, ...] = ()
    kind: Kind = "package"

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts."""
        return not self.failures


class RefusedError(Exception):
    """Ends the checks that build on what failed."""

    def __init__(self, file: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.failure = Failure(file, zh, en)


@dataclass
class Run:
    """One verification: what was found so far."""

    stored: Stored
    anchors: Anchors
    sums: dict[str, str] = field(default_factory=dict)
    kind: Kind = "package"
    checkpoints: list[Checkpoint] = field(default_factory=list)
    unchecked: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


def read_file(run: Run, name: str) -> bytes:
    """A whole file of the package. Raises `RefusedError` when it is missing or too large."""
    if name not in run.stored.entries:
        raise RefusedError(name, "缺少该文件", "is missing")
    try:
        return run.stored.read(name)
    except BadInputError as error:
        raise RefusedError(name, error.sentence.zh, error.sentence.en) from error


def read_object(run: Run, name: str) -> dict[str, Any]:
    """A file that is a JSON object."""
    try:
        fields = json.loads(read_file(run, name))
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise RefusedError(name, "格式不对", "is not in its form")
    return fields


def check_files(run: Run) -> None:
    """SHA256SUMS lists exactly the files there are, and each has the hash listed."""
    sums = parse_sums(read_file(run, SUMS))
    if sums is None:
        raise RefusedError(SUMS, "格式不对", "is not in its form")
    there = set(run.stored.entries) - UNLISTED
    for name in sorted(there - sums.keys()):
        raise RefusedError(name, "不在 SHA256SUMS 之列", "is not listed in SHA256SUMS")
    for name in sorted(sums.keys() - there):
        raise RefusedError(name, "缺少该文件", "is missing")
    for name, expected in sums.items():
        if _hash(run, name) != expected:
            raise RefusedError(name, "内容被改动（哈希不符）", "its content was changed (another hash)")
    run.sums = sums
    run.facts["files"] = len(sums)


def _hash(run: Run, name: str) -> str:
    digest = hashlib.sha256()
    try:
        for block in run.stored.blocks(name):
            digest.update(block)
    except BadInputError as error:
        raise RefusedError(name, error.sentence.zh, error.sentence.en) from error
    return digest.hexdigest()


def check_seal(run: Run) -> None:
    """The list of files is the one that was signed, and stamped where the seal says so."""
    text = read_file(run, SEAL)
    seal = parse_seal(text)
    if seal is None:
        raise RefusedError(SEAL, "格式不对", "is not in its form")
    sums = read_file(run, SUMS)
    if sha256_hex(sums) != seal.sums:
        raise RefusedError(SUMS, "不是签名时的清单", "is not the list that was signed")
    stamped = _seal_stamp(run, seal, sums)
    check_signature(run, SEAL, (text, read_file(run, SIGNATURE)), (seal.key, seal.time), stamped)
    run.kind = seal.kind
    run.facts |= {"sealed": iso(seal.time), "sealed_by": seal.key, "seal_stamped": iso(stamped) if stamped else None}


def _seal_stamp(run: Run, seal: Seal, sums: bytes) -> datetime | None:
    if seal.stamp == "-":
        if STAMP in run.stored.entries:
            raise RefusedError(STAMP, "封签说没有时间戳", "is there although the seal says that there is none")
        return None
    token = read_file(run, STAMP)
    if sha256_hex(token) != seal.stamp:
        raise RefusedError(STAMP, "不是签名时的令牌", "is not the token that was signed")
    return stamp_time(run, STAMP, token, sums)


def stamp_time(run: Run, name: str, token: bytes, data: bytes) -> datetime | None:
    """The token's time; ``None`` when no CA was given."""
    if not run.anchors.roots:
        run.unchecked = True
        return None
    stamp = verify_token(token, data, run.anchors.roots)
    if stamp.time is None:
        raise RefusedError(name, f"时间戳令牌无效：{stamp.reason}", f"the token does not hold: {stamp.reason}")
    return stamp.time


def check_signature(
    run: Run, name: str, signed: tuple[bytes, bytes], claim: tuple[str, datetime], stamped: datetime | None
) -> None:
    """The signature holds, by a key given from outside that counted at that time."""
    (text, signature), (key_id, stated) = signed, claim
    key = next((key for key in run.anchors.keys if key.id == key_id), None)
    if key is None:
        raise RefusedError(
            name, f"签名密钥 {key_id} 不在给定的公钥之列", f"is signed by key {key_id}, not among the keys given"
        )
    if not key.verifies(text, signature):
        raise RefusedError(name, "签名无效", "the signature does not hold")
    when = stamped or stated
    if key.not_before and when < key.not_before.replace(microsecond=0):
        raise RefusedError(name, "签名早于密钥生效", "was signed before its key was valid")
    if key.not_after and when > key.not_after + timedelta(seconds=run.anchors.limit_s):
        raise RefusedError(name, "签名晚于密钥停用", "was signed after its key was rotated")
    if key.revoked and (stamped is None or stamped >= key.revoked):
        raise RefusedError(
            name,
            "密钥已吊销，且没有时间戳证明签名在吊销之前",
            "its key was revoked, and no token shows that it was signed before",
        )
