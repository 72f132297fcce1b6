"""Where recordings lie: ``streams/<stream folder>/<epoch>/<sequence>.ts`` under the data directory.

A segment being written lies in ``<epoch>/open/``; only closed, fsynced segments have their final name.
"""

from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from core.errors import BadInputError

OPEN = "open"
SUFFIXES = (".ts", ".mkv")
_LONGEST = 120
_MAX_NAME = 200


def stream_folder(name: str) -> str:
    """A folder name for a stream: ASCII, at most 120 characters, different for different names.

    Bytes that are not letters, digits, ``_``, ``-``, ``~`` or inner dots are written ``=XX``. Names too
    long for that are cut and end in ``+`` and a hash, a character that no other folder name has.
    Raises `BadInputError` for an empty name or one above 200 characters.
    """
    if not name.strip() or len(name) > _MAX_NAME:
        raise BadInputError(
            "stream_name",
            f"直播名称不能为空，且不超过 {_MAX_NAME} 个字符。",
            f"A stream's name must not be empty nor longer than {_MAX_NAME} characters.",
        )
    raw = name.encode("utf-8", "surrogatepass")
    safe = quote(raw, safe="").replace("%", "=")
    if safe.startswith("."):
        safe = f"=2E{safe[1:]}"
    if len(safe) <= _LONGEST:
        return safe
    return f"{safe[:80]}+{sha256(raw).hexdigest()[:32]}"


def stream_path(data_dir: Path, stream: str) -> Path:
    """The folder of a stream's recordings; also the folder to lock."""
    return data_dir / "streams" / stream_folder(stream)


def epoch_path(data_dir: Path, stream: str, epoch: int) -> Path:
    """The folder of one epoch's segments."""
    return stream_path(data_dir, stream) / f"{epoch:04d}"


def sequence_of(path: Path) -> int | None:
    """The sequence number in a segment's file name; ``None`` for any other file."""
    return int(path.stem) if path.suffix in SUFFIXES and path.stem.isdecimal() and path.stem.isascii() else None


def segment_files(folder: Path) -> list[Path]:
    """Segment files directly in ``folder``, by sequence number; empty when there is no such folder."""
    if not folder.is_dir():
        return []
    numbered = [(number, path) for path in folder.iterdir() if (number := sequence_of(path)) is not None]
    return [path for _, path in sorted(numbered)]
