"""A logged recording for tests, and packages taken apart, changed and put together again."""

import subprocess
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from core.clock import utc_now
from core.records import (
    Alert,
    AlertStatus,
    Category,
    Finding,
    LegalBasis,
    ModelIdentity,
    Severity,
    Stream,
    Utterance,
    Verdict,
)  # fmt: skip
from evidence.audit import local_actor
from evidence.container import open_stored, write_stored
from evidence.keys import Keyring, SigningKey, write_public
from evidence.leaves import Session
from evidence.live_log import LiveLog, SealOptions
from evidence.package import ExportContext, ExportRequest, Package, export_package
from evidence.seal import SEAL, SIGNATURE, STAMP, SUMS, UNLISTED, Kind, Seal, sha256_hex, sums_text
from evidence.stamping import read_ca
from evidence.verifier import Anchors
from store import alerts, utterances
from store.engine import Database, open_database
from tests.timecode import MOMENT, plain_epoch, record_epoch, write_media

STREAM = "证据测试"
MODEL = ModelIdentity("test", "a" * 64)


@dataclass
class Recording:
    """A data directory with one logged stream of 20 s; checkpoints after every third segment."""

    data: Path
    db: Database
    seal: SealOptions

    @property
    def folder(self) -> Path:
        return next(p for p in (self.data / "streams").iterdir() if p.is_dir())

    @property
    def key(self) -> SigningKey:
        return Keyring(self.data / "keys").signing_key()

    def export(self, output: Path, start_ms: int = 8_500, end_ms: int = 14_500) -> Package:
        context = ExportContext(self.db, self.data, self.seal, local_actor())
        return export_package(context, ExportRequest(STREAM, start_ms, end_ms, "案 1", "测试"), output)

    def anchors(self, ca: Path | None = None) -> Anchors:
        keys = tuple(Keyring(self.data / "keys").known())
        return Anchors(keys, tuple(read_ca(ca)) if ca else ())

    def public_file(self, path: Path) -> Path:
        path.write_text(write_public(Keyring(self.data / "keys").known()))
        return path


def make_recording(
    data: Path, tsa_url: str = "", *, claimed_age_s: int = 0, keys_of: Path | None = None, length_s: int = 20
) -> Recording:
    """Record and log; ``claimed_age_s``: how long ago the recording says it was made; ``keys_of``: whose keys."""
    data.mkdir(parents=True)
    if keys_of is not None:
        subprocess.run(["cp", "-a", keys_of / "keys", data / "keys"], check=True)
    db = open_database(data / "livewitness.db")
    seal = SealOptions(3600, tsa_url, "livewitness test")
    epoch = replace(plain_epoch(STREAM), wall_start=utc_now() - timedelta(seconds=claimed_age_s))
    session = Session(Stream(STREAM, "test", shop="小店"), "test", "recorded", "livewitness test", MODEL)
    media = write_media(data / "media.mp4", length_s)
    with LiveLog(db, data, session, seal) as log:
        log.started()
        for number, segment in enumerate(record_epoch(db, data, media, epoch)):
            log.segment(segment)
            if number % 3 == 2:
                log.seal()
        log.ended("ended")
    return Recording(data, db, seal)


def tell(recording: Recording, text: str, start_ms: int) -> None:
    """Something said, and an alert for its first four characters."""
    finding = Finding(
        "cosmetic.spots", Category.COSMETIC_SPECIAL, Severity.HIGH, Verdict.REVIEW, 0, 4, text[:4], text[:4], "letters",
        0.97, "特殊化妆品功效", (LegalBasis("化妆品监督管理条例", "第十六条"),), "请核对批件", "Check the approval",
        "pack", "1.2", "c" * 64,
    )  # fmt: skip
    end_ms = start_ms + 2_000
    with recording.db.write() as connection:
        said = Utterance(STREAM, 0, start_ms, end_ms, text, (), MODEL, MOMENT)
        number = utterances.add_utterance(connection, said)
        where = (STREAM, 0, start_ms, end_ms, MOMENT, text)
        alerts.add_alert(connection, Alert("a1", AlertStatus.CONFIRMED, *where, finding, 300, number or 0))


def read_files(package: Path) -> dict[str, bytes]:
    with package.open("rb") as file:
        stored = open_stored(file)
        return {name: stored.read(name) for name in stored.entries}


def lay_out(files: dict[str, bytes], folder: Path) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def pack(files: dict[str, bytes], target: Path) -> Path:
    """A package in the proper form with any content."""
    folder = lay_out(files, target.with_suffix(".d"))
    write_stored(target, [(name, folder / name) for name in sorted(files)])
    return target


def with_sums(files: dict[str, bytes]) -> dict[str, bytes]:
    """The list of hashes made to fit again, as somebody without a key can do."""
    return files | {SUMS: sums_text({n: sha256_hex(d) for n, d in files.items() if n not in UNLISTED})}


def resealed(files: dict[str, bytes], key: SigningKey, kind: Kind = "package") -> dict[str, bytes]:
    """List and seal made to fit again, as an insider with a key can do."""
    files = with_sums({name: data for name, data in files.items() if name != STAMP})
    seal = Seal(sha256_hex(files[SUMS]), "-", utc_now(), key.public.id, kind)
    return files | {SEAL: seal.text, SIGNATURE: key.sign(seal.text)}
