"""Passwords: Argon2id (RFC 9106, the low-memory profile of argon2-cffi), and what is refused as one."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from core.errors import BadInputError, Sentence

SHORTEST = 12
LONGEST = 256
_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_NOBODY = _hasher.hash("nobody has this password")


def check_password(password: str, name: str) -> None:
    """Refuse what is easily guessed. Raises `BadInputError`."""
    plain = password.strip().lower()
    if not SHORTEST <= len(password) <= LONGEST:
        reason = Sentence(
            f"口令须为 {SHORTEST} 到 {LONGEST} 个字符。", f"{SHORTEST} to {LONGEST} characters are needed."
        )
    elif len(set(plain)) < SHORTEST // 2 or plain in name.lower() or (name and plain.startswith(name.lower() * 2)):
        reason = Sentence("口令太容易猜到。", "The password is too easily guessed.")
    else:
        return
    raise BadInputError("password_weak", reason.zh, reason.en)


def hash_password(password: str) -> str:
    """The Argon2id hash with its salt and parameters."""
    return _hasher.hash(password)


def password_fits(password_hash: str, password: str) -> bool:
    """Whether the password is the one hashed. Takes as long where there is no hash, so that names cannot be tried."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False
