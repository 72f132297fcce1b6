"""What evidence costs: log overhead a segment, a checkpoint at 24 h, export and verify times, archive check speed."""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.table import Table

from core.clock import iso, utc_now
from core.errors import StorageError
from core.records import ModelIdentity, Segment, Stream
from evidence.archive import ArchiveCheck
from evidence.audit import local_actor
from evidence.keys import Keyring
from evidence.leaves import Session
from evidence.live_log import LiveLog, SealOptions, make_checkpoint
from evidence.merkle import leaf_hash
from evidence.merkle import root as tree_root
from evidence.package import ExportContext, ExportRequest, export_package
from evidence.verifier import Anchors, verify_package
from livewitness.bench.clip import record_repeated
from livewitness.bench.machine import machine
from livewitness.broadcast import media_path
from livewitness.console import stdout
from store import streams
from store.engine import Database, open_database

_STREAM = "bench"
_QUIET = SealOptions(86_400.0, "", "livewitness bench")
_LOGGED = 500
_DAY_LEAVES = 24 * 3600 // 4


@dataclass(frozen=True, slots=True)
class PackageTimes:
    """Seconds to export and to verify a clip of ``clip_s``; ``script_s``: by verify.sh; size in bytes."""

    clip_s: float
    export_s: float
    verify_s: float
    script_s: float
    size: int


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """What `run_evidence_bench` measured, and where. Speeds in MB/s, single files read twice, the faster counted."""

    machine: dict[str, str | int]
    recording_s: float
    segments: int
    recording_bytes: int
    log_ms_a_segment: float
    root_ms_at_24h: float
    checkpoint_ms_at_24h: float
    packages: tuple[PackageTimes, ...]
    archive_mb_s: float
    sha256sum_mb_s: float


def run_evidence_bench(
    out: Path | None = None,
    *,
    hours: float = 4.0,
    clips_s: tuple[float, ...] = (20.0, 600.0),
    folder: Path | None = None,
) -> EvidenceReport:
    """Make a recording of ``hours`` from the bundled broadcast, log it, and measure. Prints, and writes ``out``.

    The recording lies in ``folder`` or the system's temporary folder and is removed.
    """
    with tempfile.TemporaryDirectory(dir=folder) as name:
        data_dir = Path(name)
        db = open_database(data_dir / "livewitness.db")
        try:
            segments = record_repeated(db, data_dir, media_path(), hours * 3600)
            _log_all(db, data_dir)
            packages = tuple(_package(db, data_dir, segments, clip_s) for clip_s in clips_s)
            archive_s, plain_s = _archive(data_dir)
            log_ms, root_ms, checkpoint_ms = _log_costs(segments[0])
        finally:
            db.close()
    size = sum(segment.size for segment in segments)
    report = EvidenceReport(
        machine=machine(),
        recording_s=(segments[-1].end_ms - segments[0].start_ms) / 1000,
        segments=len(segments),
        recording_bytes=size,
        log_ms_a_segment=log_ms,
        root_ms_at_24h=root_ms,
        checkpoint_ms_at_24h=checkpoint_ms,
        packages=packages,
        archive_mb_s=round(size / 1e6 / archive_s, 1),
        sha256sum_mb_s=round(size / 1e6 / plain_s, 1),
    )
    stdout.print(table(report))
    if out is not None:
        _write(report, out)
    return report


def _session() -> Session:
    return Session(Stream(_STREAM, "bench"), "bench", "recorded", "livewitness bench", ModelIdentity("none", ""))


def _log_all(db: Database, data_dir: Path) -> None:
    with LiveLog(db, data_dir, _session(), _QUIET) as log:
        log.started()
        log.ended("ended")


def _timed(work: Callable[[], object]) -> float:
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def _package(db: Database, data_dir: Path, segments: list[Segment], clip_s: float) -> PackageTimes:
    """A clip from the middle of the recording, off the grid of segments."""
    length_ms = min(round(clip_s * 1000), segments[-1].end_ms - segments[0].start_ms - 1_000)
    start_ms = (segments[0].start_ms + segments[-1].end_ms - length_ms) // 2 + 137
    request = ExportRequest(_STREAM, start_ms, start_ms + length_ms - 137)
    target = data_dir / f"{clip_s:g}.zip"
    context = ExportContext(db, data_dir, _QUIET, local_actor("bench"))
    export_s = _timed(lambda: export_package(context, request, target))
    anchors = Anchors(tuple(Keyring(data_dir / "keys").known()))
    verify_s = _timed(lambda: _must_hold(verify_package(target, anchors).holds))
    with tempfile.TemporaryDirectory(dir=data_dir) as name:
        subprocess.run(["unzip", "-q", str(target), "-d", name], check=True)
        (Path(name).parent / "keys.pem").write_text(anchors.keys[0].pem)
        script = ["bash", f"{name}/verify.sh", str(data_dir / "keys.pem")]
        script_s = _timed(lambda: subprocess.run(script, check=True, capture_output=True))
    size = target.stat().st_size
    target.unlink()
    return PackageTimes(clip_s, round(export_s, 2), round(verify_s, 2), round(script_s, 2), size)


def _must_hold(holds: bool) -> None:
    if not holds:
        raise AssertionError("an honest package was refused")


def _archive(data_dir: Path) -> tuple[float, float]:
    """Seconds for the archive check and for ``sha256sum`` over the same files, each the faster of two."""
    files = [str(path) for path in sorted((data_dir / "streams").glob("*/*/*.ts"))]
    plain_s = min(_timed(lambda: _sha256sum(files)) for _ in range(2))
    archive_s = min(_timed(lambda: list(ArchiveCheck(data_dir, restart=True).run())) for _ in range(2))
    return archive_s, plain_s


def _sha256sum(files: list[str]) -> None:
    for first in range(0, len(files), 1_000):
        subprocess.run(["sha256sum", *files[first : first + 1_000]], check=True, capture_output=True)


def _log_costs(like: Segment) -> tuple[float, float, float]:
    """Milliseconds for a leaf (with fsync), for the root of a day's log, for its checkpoint (signed, fsynced)."""
    with tempfile.TemporaryDirectory() as name:
        data_dir = Path(name)
        db = open_database(data_dir / "livewitness.db")
        try:
            with db.write() as connection:
                streams.open_stream(connection, Stream(_STREAM, "bench"))
            with LiveLog(db, data_dir, _session(), _QUIET) as log:
                log.started()
                many = [replace(like, sequence=number) for number in range(1, _LOGGED + 1)]
                log_s = _timed(lambda: _log_each(log, many))
        finally:
            db.close()
        hashes = [leaf_hash(str(number).encode()) for number in range(_DAY_LEAVES)]
        root_s = _timed(lambda: tree_root(hashes))
        keyring = Keyring(data_dir / "keys")
        checkpoint_s = _timed(lambda: make_checkpoint(data_dir, data_dir / "streams" / "day", hashes, keyring))
    return round(log_s / _LOGGED * 1000, 2), round(root_s * 1000, 1), round(checkpoint_s * 1000, 1)


def _log_each(log: LiveLog, segments: list[Segment]) -> None:
    for segment in segments:
        log.segment(segment)


def table(report: EvidenceReport) -> Table:
    """The report for people."""
    where = report.machine
    shown = Table(
        title=f"evidence out of {report.recording_s / 3600:.2f} h, {report.segments} segments, "
        f"{report.recording_bytes / 1e6:.0f} MB",
        caption=f"{where['date']} · {where['processor']} ({where['cores']} cores) · Python {where['python']}",
    )
    shown.add_column("what")
    shown.add_column("measured", justify="right")
    shown.add_row("log, ms a segment (fsync included)", f"{report.log_ms_a_segment:.2f}")
    shown.add_row("root at 24 h, ms", f"{report.root_ms_at_24h:.1f}")
    shown.add_row("checkpoint at 24 h, ms (signed, fsynced)", f"{report.checkpoint_ms_at_24h:.1f}")
    for times in report.packages:
        name = f"clip of {times.clip_s:g} s"
        shown.add_row(f"{name}: export, s ({times.size / 1e6:.1f} MB)", f"{times.export_s:.2f}")
        shown.add_row(f"{name}: livewitness verify, s", f"{times.verify_s:.2f}")
        shown.add_row(f"{name}: verify.sh, s", f"{times.script_s:.2f}")
    share = report.archive_mb_s / report.sha256sum_mb_s
    shown.add_row("archive verify, MB/s", f"{report.archive_mb_s:.0f} ({share:.0%} of sha256sum)")
    shown.add_row("sha256sum, MB/s", f"{report.sha256sum_mb_s:.0f}")
    return shown


def _write(report: EvidenceReport, out: Path) -> None:
    fields = asdict(report) | {"at": iso(utc_now())}
    try:
        out.write_text(json.dumps(fields, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError("bench_out", f"无法写入 {out}。", f"{out} cannot be written.") from error
