"""Files on their way into a package: where they lie, who takes them out, and the seal over them."""

import hashlib
import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.clock import iso, utc_now
from core.errors import BadInputError, SourceError, StorageError
from evidence.audit import Actor, read_audit
from evidence.checkpoints import NO_AUDIT
from evidence.container import write_stored
from evidence.cutting import written_whole
from evidence.held import file_sha256
from evidence.keys import Keyring
from evidence.live_log import SealOptions
from evidence.seal import SEAL, SIGNATURE, STAMP, SUMS, Kind, Seal, sha256_hex, sums_text
from evidence.stamping import request_token
from store.engine import Database

logger = logging.getLogger(__name__)

AUDIT, CUSTODY = "export/audit.jsonl", "export/custody.json"
EXPORT_TIME_FILES = (AUDIT, CUSTODY, SUMS, STAMP, SEAL, SIGNATURE)
"""Files that tell of the export itself; all others are the same whenever the same is exported."""


@dataclass(frozen=True, slots=True)
class ExportContext:
    """What an export works with. ``seal`` says by which authority it is stamped."""

    db: Database
    data_dir: Path
    seal: SealOptions
    actor: Actor
    ffmpeg: str = ""
    ffmpeg_user: str = ""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export and why. Times are stream milliseconds."""

    stream: str
    start_ms: int
    end_ms: int
    case: str = ""
    reason: str = ""


@dataclass(slots=True)
class Staging:
    """Files to pack: name to where they lie; what is made for the package lies in ``folder``."""

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)

    def put(self, name: str, data: bytes) -> None:
        """A file with this content."""
        path = self.place(name)
        path.write_bytes(data)

    def put_json(self, name: str, fields: object) -> None:
        """A file in JSON, in one form for the same content."""
        self.put(name, (json.dumps(fields, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode())

    def place(self, name: str) -> Path:
        """A path to write the file ``name`` to."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.files[name] = path
        return path


@contextmanager
def staged(output: Path) -> Iterator[Staging]:
    """An empty staging beside ``output``, removed at the end. Raises `StorageError` where nothing can be written."""
    try:
        folder = tempfile.TemporaryDirectory(dir=output.parent, prefix=".export")
    except OSError as error:
        raise StorageError(
            "package_unwritable",
            f"{output} 写不进去（{error.strerror}）。",
            f"{output} cannot be written ({error.strerror}).",
        ) from error
    with folder as name:
        yield Staging(Path(name))


def write_package(staging: Staging, output: Path, context: ExportContext, kind: Kind) -> tuple[str, int]:
    """Seal what is staged and write it as ``output``, whole or not at all; its SHA-256 and size."""
    put_seal(staging, context, kind)
    with written_whole(output) as partial:
        write_stored(partial, sorted(staging.files.items()))
        return file_sha256(partial), partial.stat().st_size


def check_suffix(output: Path) -> None:
    """Packages are .zip files. Raises `BadInputError`."""
    if output.suffix.lower() != ".zip":
        raise BadInputError("package_suffix", "证据包是 .zip 文件。", "A package is a .zip file.")


def put_custody(staging: Staging, context: ExportContext, case: str, reason: str, *, stream: str = "") -> None:
    """Who exported this, when and why; with ``stream``, its audit entries so far.

    ``audit`` in custody.json is length and last hash of the whole audit chain at that time: the seal fixes them, so
    that the chain cannot be rewritten afterwards without contradicting this package.
    """
    entries = read_audit(context.data_dir)
    count, head = NO_AUDIT
    if entries:
        count, head = json.loads(entries[-1])["index"] + 1, hashlib.sha256(entries[-1]).hexdigest()
    custody = {
        "exported_at": iso(utc_now()),
        "by": context.actor.name,
        "from": context.actor.host,
        "case": case,
        "reason": reason,
        "program": context.seal.program,
        "audit": {"entries": count, "head": head},
    }
    staging.put_json(CUSTODY, custody)
    if stream:
        mine = [line for line in entries if json.loads(line)["detail"].get("stream") == stream]
        staging.put(AUDIT, b"".join(line + b"\n" for line in mine))


def put_seal(staging: Staging, context: ExportContext, kind: Kind) -> None:
    """The list of all files, a token over it where there is an authority, and the signature over both."""
    hashes = {name: file_sha256(path) for name, path in staging.files.items()}
    sums = sums_text(hashes)
    stamp = _put_stamp(staging, context.seal.tsa_url, sums) if context.seal.tsa_url else "-"
    key = Keyring(context.data_dir / "keys").signing_key()
    seal = Seal(sha256_hex(sums), stamp, utc_now(), key.public.id, kind)
    staging.put(SUMS, sums)
    staging.put(SEAL, seal.text)
    staging.put(SIGNATURE, key.sign(seal.text))


def _put_stamp(staging: Staging, url: str, sums: bytes) -> str:
    """Hash of the token over the list of files; ``-`` when the authority does not answer: the seal then says so."""
    try:
        token = request_token(url, sums)
    except SourceError as error:
        logger.warning("%s", error)
        return "-"
    staging.put(STAMP, token)
    return sha256_hex(token)
