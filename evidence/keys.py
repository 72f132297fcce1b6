"""Signing keys: Ed25519, in ``<data>/keys`` readable by their owner alone, or in the environment.

A key's id is the first 16 hex digits of the SHA-256 of its public key (DER, SubjectPublicKeyInfo). Each key has
times between which its signatures count. The public file that outsiders get carries those times in lines before
each PEM block, which openssl passes over.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.clock import iso, parse_iso, utc_now
from core.errors import BadInputError, ConflictError, LiveWitnessError, NotFoundError, Sentence, StorageError

KEY_VARIABLE = "LIVEWITNESS_SIGNING_KEY"
_PEM_BLOCK = re.compile(r"-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]{1,400}-----END PUBLIC KEY-----\n")
_FIELD = re.compile(r"^# (not-before|not-after|revoked) (\S+)$", re.MULTILINE)
_ID_DIGITS = 16


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key as outsiders know it. ``not_after``: rotated away then; ``revoked``: not to be trusted from then on."""

    id: str
    pem: str
    not_before: datetime | None = None
    not_after: datetime | None = None
    revoked: datetime | None = None
    reason: str = ""

    def verifies(self, data: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is this key's over ``data``."""
        key = pem.load_pem_public_key(self.pem.encode())
        if not isinstance(key, Ed25519PublicKey):
            return False
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its public side."""

    public: PublicKey
    private: Ed25519PrivateKey

    def sign(self, data: bytes) -> bytes:
        """64 bytes of signature."""
        return self.private.sign(data)


def public_of(private: Ed25519PrivateKey) -> PublicKey:
    """The public side of a private key, with its id and no limits in time."""
    return _public(private.public_key())


def _public(key: Ed25519PublicKey) -> PublicKey:
    der = key.public_bytes(pem.Encoding.DER, pem.PublicFormat.SubjectPublicKeyInfo)
    text = key.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo).decode()
    return PublicKey(hashlib.sha256(der).hexdigest()[:_ID_DIGITS], text)


def write_public(keys: list[PublicKey]) -> str:
    """The public file: for each key its id and times as comment lines, then the PEM block."""
    parts = []
    for key in keys:
        times = {"not-before": key.not_before, "not-after": key.not_after, "revoked": key.revoked}
        lines = [f"# {name} {iso(moment) if moment else '-'}" for name, moment in times.items()]
        parts.append("\n".join([f"# key {key.id}", *lines, key.pem]))
    return "".join(parts)


def read_public(path: Path) -> list[PublicKey]:
    """The keys of a public file. A plain PEM without comment lines is a key without limits.

    Raises `BadInputError` when there is no Ed25519 public key in it.
    """
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise _no_key(path) from error
    found: list[PublicKey] = []
    position = 0
    for block in _PEM_BLOCK.finditer(text):
        found.append(_read_block(path, text[position : block.start()], block.group()))
        position = block.end()
    if not found:
        raise _no_key(path)
    return found


def _read_block(path: Path, comments: str, block: str) -> PublicKey:
    try:
        key = pem.load_pem_public_key(block.encode())
        times = {name: parse_iso(value) for name, value in _FIELD.findall(comments) if value != "-"}
    except ValueError as error:
        raise _no_key(path) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path)
    return replace(
        _public(key),
        not_before=times.get("not-before"),
        not_after=times.get("not-after"),
        revoked=times.get("revoked"),
    )


def _no_key(path: Path) -> BadInputError:
    return BadInputError("no_public_key", f"{path} 里没有 Ed25519 公钥。", f"There is no Ed25519 public key in {path}.")


class Keyring:
    """The keys of a data directory. Files: ``ID.pem`` (private, mode 0600) and ``ID.json`` (public side and times)."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._environment = os.environ if environment is None else environment

    def known(self) -> list[PublicKey]:
        """All keys, the oldest first; one from the environment last."""
        found = [self._record(path) for path in sorted(self._folder.glob("*.json"))]
        found.sort(key=lambda key: (key.not_before is not None, iso(key.not_before) if key.not_before else ""))
        given = self._given()
        if given is not None and given.public.id not in {key.id for key in found}:
            found.append(given.public)
        return found

    def signing_key(self) -> SigningKey:
        """The key to sign with now; a new one where there is none at all.

        Raises `StorageError` (unwritable, or readable by others), `ConflictError` (every key is rotated or revoked).
        """
        given = self._given()
        if given is not None:
            return given
        known = self.known()
        if not known:
            return self._first()
        usable = [key for key in known if key.not_after is None and key.revoked is None]
        if not usable:
            raise ConflictError(
                "no_valid_key",
                "没有有效的签名密钥。",
                "There is no valid signing key.",
                hint=Sentence("运行 livewitness keys new。", "Run livewitness keys new."),
            )
        return self._load(usable[-1])

    def _first(self) -> SigningKey:
        """The first key of all; of several processes that start at once only one makes it."""
        with self._alone():
            known = self.known()
            return self._load(known[-1]) if known else self.new()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def new(self) -> SigningKey:
        """Make a key and keep it."""
        private = Ed25519PrivateKey.generate()
        public = replace(public_of(private), not_before=_now())
        text = private.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(self._folder / f"{public.id}.pem", text, 0o600)
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        self._keep(public)
        return SigningKey(public, private)

    def rotate(self) -> SigningKey:
        """A new key; the ones valid until now sign no more, what they signed stays valid."""
        now = _now()
        for key in self.known():
            if key.not_after is None and key.revoked is None and self._path(key.id).exists():
                self._keep(replace(key, not_after=now))
        return self.new()

    def revoke(self, key_id: str, reason: str = "") -> PublicKey:
        """Withdraw trust in a key from now on: only what was time-stamped before counts. Raises `NotFoundError`."""
        for key in self.known():
            if key.id == key_id:
                revoked = replace(key, revoked=key.revoked or _now(), reason=reason or key.reason)
                self._keep(revoked)
                return revoked
        raise NotFoundError("key_unknown", f"没有密钥 {key_id}。", f"There is no key {key_id}.")

    def _path(self, key_id: str) -> Path:
        return self._folder / f"{key_id}.pem"

    def _given(self) -> SigningKey | None:
        text = self._environment.get(KEY_VARIABLE, "")
        return _private(text.encode(), KEY_VARIABLE) if text else None

    def _load(self, public: PublicKey) -> SigningKey:
        path = self._path(public.id)
        try:
            mode = path.stat().st_mode & 0o777
            data = path.read_bytes()
        except OSError as error:
            raise _unwritable(path, error) from error
        if mode & 0o077:
            raise StorageError(
                "key_permissions",
                f"私钥 {path} 的权限过宽（{mode:o}），其他人可以读到。",
                f"The private key {path} is open to others (mode {mode:o}).",
                hint=Sentence(f"运行 chmod 600 {path}。", f"Run chmod 600 {path}."),
            )
        return replace(_private(data, str(path)), public=public)

    def _record(self, path: Path) -> PublicKey:
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            times = {name: parse_iso(fields[name]) if fields.get(name) else None for name in _TIMES}
            return PublicKey(id=fields["id"], pem=fields["public"], reason=fields.get("reason", ""), **times)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError("key_damaged", f"密钥记录 {path} 读不出来。", f"{path} is no key record.") from error

    def _keep(self, key: PublicKey) -> None:
        times = {"not_before": key.not_before, "not_after": key.not_after, "revoked": key.revoked}
        fields = {"id": key.id, "public": key.pem, "reason": key.reason}
        fields |= {name: iso(moment) for name, moment in times.items() if moment}
        path = self._folder / f"{key.id}.json"
        partial = path.with_suffix(".part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.unlink(missing_ok=True)
            _write(partial, json.dumps(fields, ensure_ascii=False, indent=1).encode(), 0o644)
            partial.replace(path)
        except OSError as error:
            raise _unwritable(path, error) from error


def _now() -> datetime:
    """Now, in the milliseconds that files keep."""
    return parse_iso(iso(utc_now()))


_TIMES = ("not_before", "not_after", "revoked")


def _private(data: bytes, where: str) -> SigningKey:
    try:
        key = pem.load_pem_private_key(data, None)
    except (ValueError, TypeError) as error:
        raise _not_private(where) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _not_private(where)
    return SigningKey(public_of(key), key)


def _not_private(where: str) -> LiveWitnessError:
    return BadInputError("key_unreadable", f"{where} 不是 Ed25519 私钥。", f"{where} is no Ed25519 private key.")


def _write(path: Path, data: bytes, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        "key_unusable", f"密钥 {path} 用不了（{error.strerror}）。", f"{path} cannot be used ({error.strerror})."
    )
