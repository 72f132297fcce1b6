"""Exports a stretch of a stream as a package that a stranger can verify: segments, proofs, clip, words, findings, seal.

The same export twice gives the same bytes, but for the files named in `EXPORT_TIME_FILES`.
"""

import json
import logging
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.clock import iso, seconds, utc_now
from core.errors import BadInputError, ConflictError, LiveWitnessError, SourceError
from core.records import Alert, Epoch, ModelIdentity, Segment, Stream, Utterance
from core.shapes import alert_json, stream_json, timeline_json
from evidence.audit import Actor, append_audit, read_audit
from evidence.checkpoints import FOLDER, StoredCheckpoint
from evidence.clip import Clip, clip_json, cut_clip
from evidence.container import write_stored
from evidence.coverage import Cover, find_cover
from evidence.cutting import written_whole
from evidence.frames import coded_frames
from evidence.held import file_sha256, held_path, is_sound
from evidence.keys import Keyring
from evidence.leaves import Session
from evidence.live_log import LiveLog, SealOptions, make_checkpoint, stamp_pending
from evidence.proofs import choose_checkpoints, choose_leaves, consistency_text, inclusion_text
from evidence.report import Facts, report_html
from evidence.seal import SEAL, SIGNATURE, STAMP, SUMS, Seal, sha256_hex, sums_text, verify_script
from evidence.segment_log import LogView, log_path, read_log
from evidence.stamping import request_token
from evidence.still import write_still
from evidence.transcript import transcript_json, transcript_vtt
from ingest.layout import stream_path
from ingest.lock import StreamLock
from store import alerts, streams, timeline, utterances
from store.engine import Database

logger = logging.getLogger(__name__)

FORMAT = "livewitness-package/1"
EXPORT_TIME_FILES = ("export/audit.jsonl", "export/custody.json", SUMS, STAMP, SEAL, SIGNATURE)
_ALL = 1_000_000
_STAMPS = 200


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export and why. Times are stream milliseconds."""

    stream: str
    start_ms: int
    end_ms: int
    case: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExportContext:
    """What an export works with. ``seal`` says by which authority it is stamped."""

    db: Database
    data_dir: Path
    seal: SealOptions
    actor: Actor
    ffmpeg: str = ""


@dataclass(frozen=True, slots=True)
class Package:
    """A package as written. ``stamped``: every segment is covered by a time-stamped checkpoint."""

    path: Path
    sha256: str
    size: int
    segments: int
    checkpoints: int
    alerts: int
    stamped: bool
    clip: Clip


@dataclass(slots=True)
class _Staging:
    """Files to pack: name to where they lie; what is made for the package lies in ``folder``."""

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)

    def put(self, name: str, data: bytes) -> None:
        path = self.place(name)
        path.write_bytes(data)

    def put_json(self, name: str, fields: object) -> None:
        self.put(name, (json.dumps(fields, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode())

    def place(self, name: str) -> Path:
        """A path to write the file ``name`` to."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.files[name] = path
        return path


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What the database and the log say of the stretch."""

    stream: Stream
    cover: Cover
    segments: tuple[Segment, ...]
    view: LogView
    indexes: tuple[int, ...]
    checkpoints: tuple[StoredCheckpoint, ...]

    @property
    def leaves(self) -> list[dict[str, Any]]:
        wanted = {segment.sequence for segment in self.segments}
        return [x for x in (self.view.leaves[i] for i in self.indexes) if x.get("sequence") in wanted]

    @property
    def stamped(self) -> bool:
        return self.checkpoints[-1].token is not None


def export_package(context: ExportContext, request: ExportRequest, output: Path) -> Package:
    """Write the package to ``output`` (.zip), whole or not at all, and note the export in the audit chain.

    Raises `BadInputError` (range, gap, suffix), `NotFoundError` (stream, time), `ConflictError` (a segment or the log
    was changed), `StorageError`.
    """
    if output.suffix.lower() != ".zip":
        raise BadInputError("package_suffix", "证据包是 .zip 文件。", "A package is a .zip file.")
    evidence = _gather(context, request)
    with written_whole(output) as partial, tempfile.TemporaryDirectory(dir=output.parent, prefix=".export") as name:
        staging = _Staging(Path(name))
        _put_segments(staging, context.data_dir, evidence)
        _put_log(staging, evidence)
        clip = _put_clip(staging, context, request, evidence.cover.epoch)
        found = _put_words(staging, context, request, evidence, clip)
        _put_manifest(staging, request, evidence, clip)
        staging.put("verify.sh", verify_script())
        _put_export(staging, context, request)
        _put_seal(staging, context)
        write_stored(partial, sorted(staging.files.items()))
        sha256, size = file_sha256(partial), partial.stat().st_size
    detail = {"stream": request.stream, "start": seconds(request.start_ms), "end": seconds(request.end_ms)}
    detail |= {"case": request.case, "reason": request.reason, "sha256": sha256}
    append_audit(context.data_dir, context.actor, "export", detail)
    return Package(
        output, sha256, size, len(evidence.segments), len(evidence.checkpoints), found, evidence.stamped, clip
    )


def _gather(context: ExportContext, request: ExportRequest) -> _Evidence:
    cover = find_cover(context.db, request.stream, request.start_ms, request.end_ms)
    for segment in cover.needed:
        held_path(context.data_dir, segment)
    edges = [s for s in (cover.before, cover.after) if s is not None and is_sound(context.data_dir, s)]
    segments = tuple(sorted([*cover.needed, *edges], key=lambda s: s.sequence))
    with context.db.read() as connection:
        stream = streams.get_stream(connection, request.stream)
    if stream is None:
        raise AssertionError("a stream that is covered is listed")
    sequences = [segment.sequence for segment in segments]
    view = _logged(context, stream, sequences)
    _check_against_log(view, segments)
    indexes = choose_leaves(view, sequences)
    first = next(leaf["index"] for leaf in view.leaves if leaf.get("sequence") == sequences[0])
    checkpoints = _checkpoints(context, request.stream, view, first, indexes[-1])
    return _Evidence(stream, cover, segments, view, indexes, checkpoints)


def _logged(context: ExportContext, stream: Stream, sequences: list[int]) -> LogView:
    """The log, which lists all ``sequences``: what a recording lacks there is taken up as received now."""
    path = log_path(context.data_dir, stream.name)
    view = read_log(path)
    if set(sequences) <= view.segments().keys():
        return view
    session = Session(stream, "database", "received", context.seal.program, ModelIdentity("", ""))
    with (
        StreamLock(stream_path(context.data_dir, stream.name)),
        LiveLog(context.db, context.data_dir, session, SealOptions(context.seal.every_s)) as log,
    ):
        log.started()
        log.ended("taken_up")
    return read_log(path)


def _check_against_log(view: LogView, segments: Iterable[Segment]) -> None:
    """The database and the log must say the same of a segment. Raises `ConflictError`."""
    fixed = view.segments()
    for segment in segments:
        leaf = fixed.get(segment.sequence)
        if leaf is not None and (leaf["sha256"], leaf["bytes"]) != (segment.sha256, segment.size):
            raise ConflictError(
                "segment_not_as_logged",
                f"分段 {segment.path} 与证据日志记载的哈希不符。",
                f"Segment {segment.path} is not the one that the segment log fixed.",
            )


def _checkpoints(
    context: ExportContext, stream: str, view: LogView, first: int, last: int
) -> tuple[StoredCheckpoint, ...]:
    folder = log_path(context.data_dir, stream).parent
    if not choose_checkpoints(folder / FOLDER, first, last):
        make_checkpoint(context.data_dir, folder, view.hashes, Keyring(context.data_dir / "keys"))
    if context.seal.tsa_url:
        stamp_pending(folder / FOLDER, context.seal.tsa_url, most=_STAMPS)
    return choose_checkpoints(folder / FOLDER, first, last)


def _put_segments(staging: _Staging, data_dir: Path, evidence: _Evidence) -> None:
    files = {leaf["sequence"]: leaf["file"] for leaf in evidence.leaves}
    for segment in evidence.segments:
        staging.files[f"segments/{files[segment.sequence]}"] = data_dir / segment.path


def _put_log(staging: _Staging, evidence: _Evidence) -> None:
    view, indexes = evidence.view, evidence.indexes
    sizes = [stored.checkpoint.size for stored in evidence.checkpoints]
    staging.put("log/leaves.jsonl", b"".join(view.lines[i] + b"\n" for i in indexes))
    staging.put("log/inclusion.txt", inclusion_text(view, indexes, sizes[-1]))
    staging.put("log/consistency.txt", consistency_text(view, sizes))
    for stored in evidence.checkpoints:
        name = f"log/checkpoints/{stored.path.stem}"
        staging.put(f"{name}.txt", stored.text)
        staging.put(f"{name}.sig", stored.signature)
        if stored.token is not None:
            staging.put(f"{name}.tsr", stored.token)


def _put_clip(staging: _Staging, context: ExportContext, request: ExportRequest, epoch: Epoch) -> Clip:
    suffix = _clip_suffix(epoch)
    arguments = (context.db, context.data_dir, request.stream, request.start_ms, request.end_ms)
    target = staging.place(f"clip/clip{suffix}")
    try:
        clip = cut_clip(*arguments, target, ffmpeg=context.ffmpeg)
    except BadInputError as error:
        if error.code != "clip.no_keyframe":
            raise
        clip = cut_clip(*arguments, target, "exact", ffmpeg=context.ffmpeg)
    frames = [f"{f.kind} {f.pts_us} {f.sha256}" for f in coded_frames(target).frames]
    staging.put("clip/frames.txt", "\n".join([*frames, ""]).encode())
    return clip


def _clip_suffix(epoch: Epoch) -> str:
    plain = epoch.video_codec in {"h264", "hevc", ""} and epoch.audio_codec in {"aac", "mp3", ""}
    if not plain:
        return ".mkv"
    return ".mp4" if epoch.video_codec else ".m4a"


def _put_words(
    staging: _Staging, context: ExportContext, request: ExportRequest, evidence: _Evidence, clip: Clip
) -> int:
    """Transcript, findings, pictures, timeline and reports; the number of alerts."""
    start_ms, end_ms = request.start_ms, request.end_ms
    with context.db.read() as connection:
        said = utterances.list_utterances(connection, request.stream, start_ms=start_ms, end_ms=end_ms, limit=_ALL)
        raised = alerts.list_alerts(connection, stream=request.stream, limit=_ALL)
        posted = timeline.list_events(connection, request.stream, start_ms=start_ms, end_ms=end_ms, limit=_ALL)
    found = [a for a in raised if a.start_ms < end_ms and a.end_ms > start_ms]
    stills = _put_stills(staging, context, found)
    staging.put("transcript/transcript.json", transcript_json(said))
    staging.put("transcript/transcript.vtt", transcript_vtt(said, clip.start_ms))
    staging.put_json("findings/findings.json", [_finding_json(a, said, stills.get(a.id, "")) for a in found])
    staging.put_json("findings/timeline.json", [timeline_json(event) for event in posted])
    facts = Facts(
        stream=evidence.stream,
        epoch=evidence.cover.epoch,
        start_ms=start_ms,
        end_ms=end_ms,
        clip_name=f"clip/{clip.path.name}",
        clip_start_ms=clip.start_ms,
        clip_mode=clip.mode,
        received=any(leaf["how"] == "received" for leaf in evidence.leaves),
        late=sum(bool(leaf["late"]) for leaf in evidence.leaves),
        origin=evidence.checkpoints[-1].checkpoint.origin,
        stamped=evidence.stamped,
        utterances=tuple(said),
        alerts=tuple(found),
        stills=stills,
    )
    staging.put("report.zh.html", report_html(facts, "zh"))
    staging.put("report.en.html", report_html(facts, "en"))
    return len(found)


def _put_stills(staging: _Staging, context: ExportContext, found: list[Alert]) -> dict[str, str]:
    """A picture of the middle of the words of each alert, where there is a picture; names by alert id."""
    names: dict[str, str] = {}
    for alert in found:
        name = f"findings/{alert.id}.jpg"
        try:
            write_still(
                context.db, context.data_dir, alert.stream, (alert.start_ms + alert.end_ms) // 2, staging.place(name)
            )
        except LiveWitnessError:
            # Sound only, or the words begin in a part that is not exported.
            del staging.files[name]
        else:
            names[alert.id] = name
    return names


def _finding_json(alert: Alert, said: list[Utterance], still: str) -> dict[str, Any]:
    model = next((u.model for u in said if u.id == alert.utterance_id), None)
    fields = {k: v for k, v in alert_json(alert).items() if k not in {"utterance_id", "latency_ms"}}
    return fields | {"model": {"name": model.name, "sha256": model.sha256} if model else None, "picture": still}


def _put_manifest(staging: _Staging, request: ExportRequest, evidence: _Evidence, clip: Clip) -> None:
    feed = [f"segments/{leaf['file']}" for leaf in evidence.leaves if leaf["sequence"] in clip.segments]
    stream = {k: v for k, v in stream_json(evidence.stream).items() if k not in {"source", "ended_at"}}
    fields = {
        "format": FORMAT,
        "stream": stream | {"source": evidence.cover.epoch.source},
        "requested": {"start": seconds(request.start_ms), "end": seconds(request.end_ms)},
        "epoch": {
            "number": evidence.cover.epoch.number,
            "offset_ms": evidence.cover.epoch.offset_ms,
            "pts_origin_ms": evidence.cover.epoch.pts_origin_ms,
            "wall_start": iso(evidence.cover.epoch.wall_start),
        },
        "clip": clip_json(clip) | {"file": f"clip/{clip.path.name}", "command": list(clip.command), "stdin": feed},
        "log": {
            "origin": evidence.checkpoints[-1].checkpoint.origin,
            "size": evidence.checkpoints[-1].checkpoint.size,
            "stamped": evidence.stamped,
        },
        "export_time_files": list(EXPORT_TIME_FILES),
    }
    staging.put_json("manifest.json", fields)


def _put_export(staging: _Staging, context: ExportContext, request: ExportRequest) -> None:
    """Who exported this, when and why, and the audit entries of this stream so far."""
    custody = {
        "exported_at": iso(utc_now()),
        "by": context.actor.name,
        "from": context.actor.host,
        "case": request.case,
        "reason": request.reason,
        "program": context.seal.program,
    }
    staging.put_json("export/custody.json", custody)
    entries = read_audit(context.data_dir)
    mine = [line for line in entries if json.loads(line)["detail"].get("stream") == request.stream]
    staging.put("export/audit.jsonl", b"".join(line + b"\n" for line in mine))


def _put_seal(staging: _Staging, context: ExportContext) -> None:
    hashes = {name: file_sha256(path) for name, path in staging.files.items()}
    sums = sums_text(hashes)
    stamp = _put_stamp(staging, context.seal.tsa_url, sums) if context.seal.tsa_url else "-"
    key = Keyring(context.data_dir / "keys").signing_key()
    seal = Seal(sha256_hex(sums), stamp, utc_now(), key.public.id)
    staging.put(SUMS, sums)
    staging.put(SEAL, seal.text)
    staging.put(SIGNATURE, key.sign(seal.text))


def _put_stamp(staging: _Staging, url: str, sums: bytes) -> str:
    """Hash of the token over the list of files; ``-`` when the authority does not answer: the seal then says so."""
    try:
        token = request_token(url, sums)
    except SourceError as error:
        logger.warning("%s", error)
        return "-"
    staging.put(STAMP, token)
    return sha256_hex(token)
