"""Commitments that do not give away what they bind.

The hash of a text in which only a telephone number is hidden gives the number to whoever tries them all. So a masked
edition binds originals by the hash of a secret line and the file; the line lies in the unmasked edition alone.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from core.errors import StorageError

_SECRET = "blinding.key"  # noqa: S105 - the name of a file


def blinding_line(data_dir: Path, what: str) -> bytes:
    """The secret line for the export ``what``: the same each time, from a key that lies beside the signing keys.

    Raises `StorageError`.
    """
    digest = hmac.new(_key(data_dir / "keys" / _SECRET), what.encode(), hashlib.sha256)
    return f"{digest.hexdigest()}\n".encode()


def commitment(line: bytes, path: Path) -> str:
    """SHA-256 over the secret line and the file, in hexadecimal."""
    digest = hashlib.sha256(line)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _key(path: Path) -> bytes:
    """The key, made when it is first needed; of several processes that make one the first wins."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            partial = path.with_name(f".{path.name}.{os.getpid()}.part")
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(partial, path)
            partial.unlink()
        return path.read_bytes()
    except OSError as error:
        raise StorageError(
            "key_unusable", f"密钥 {path} 用不了（{error.strerror}）。", f"{path} cannot be used ({error.strerror})."
        ) from error
