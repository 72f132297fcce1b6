"""Secrets of others that must be used again, and so cannot be stored as a hash: sealed with a key beside the database.

AES-256-GCM (NIST SP 800-38D). The key lies in ``keys/secrets.key`` of the data directory, readable by its owner alone,
or comes from the environment; whoever has the database without it, from a backup or a copied file, has no secret.
"""

import base64
import binascii
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from core.errors import StorageError

KEY_VARIABLE = "LIVEWITNESS_SECRETS_KEY"
OPTION = "secret_box"
"""Under this name a connection's execution options hold the `SecretBox` of its database."""
_FORM = "v1:"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_OTHERS = 0o077


class SecretBox:
    """Seals and opens with the key of a data directory. The key is read, or made, when it is needed first."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._path = folder / "secrets.key"
        self._environment = os.environ if environment is None else environment

    def seal(self, secret: str, name: str) -> str:
        """``secret`` in a form that only this box opens, and only under the same ``name``.

        Raises `StorageError` when the key cannot be read or made.
        """
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + AESGCM(self._key()).encrypt(nonce, secret.encode(), name.encode())
        return _FORM + base64.b64encode(sealed).decode()

    def open(self, sealed: str, name: str) -> str:
        """What was sealed; empty when it was sealed with another key, under another name, or not at all."""
        if not sealed.startswith(_FORM) or not self._known():
            return ""
        try:
            data = base64.b64decode(sealed.removeprefix(_FORM), validate=True)
            return AESGCM(self._key()).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], name.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError):
            return ""

    def _known(self) -> bool:
        return KEY_VARIABLE in self._environment or self._path.exists()

    def _key(self) -> bytes:
        given = self._environment.get(KEY_VARIABLE, "")
        if given:
            return _decoded(given, KEY_VARIABLE)
        if not self._path.exists():
            self._make()
        try:
            if self._path.stat().st_mode & _OTHERS:
                raise _unusable(self._path, "others can read it; chmod 600")
            return _decoded(self._path.read_text().strip(), str(self._path))
        except OSError as error:
            raise _unusable(self._path, error.strerror or "unreadable") from error

    def _make(self) -> None:
        """Make the key; of several processes that start at once only one's key is kept."""
        text = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode() + "\n"
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._path.parent, prefix=".secrets-", delete=False) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unusable(self._path, error.strerror or "unwritable") from error
        made = Path(file.name)
        try:
            os.link(made, self._path)
        except FileExistsError:
            return
        except OSError as error:
            raise _unusable(self._path, error.strerror or "unwritable") from error
        finally:
            made.unlink()


def box_of(connection: Connection) -> SecretBox:
    """The box that belongs to the database of ``connection``."""
    box: SecretBox = connection.get_execution_options()[OPTION]
    return box


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise StorageError(
            "secrets_key",
            f"{where} 应为 32 字节的 Base64。",
            f"{where} must be 32 bytes in Base64.",
        )
    return key


def _unusable(path: Path, reason: str) -> StorageError:
    return StorageError("secrets_key", f"密钥 {path} 用不了（{reason}）。", f"{path} cannot be used ({reason}).")
