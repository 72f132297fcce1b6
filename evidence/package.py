"""Exports a stretch of a stream as a package that a stranger can verify: segments, proofs, clip, words, findings, seal.

The same export twice gives the same bytes, but for the files named in `EXPORT_TIME_FILES`. A masked edition can be
made beside it (evidence/masked.py).
"""

from dataclasses import dataclass
from pathlib import Path

from core.clock import seconds
from core.errors import BadInputError
from core.records import Epoch
from evidence.audit import append_audit
from evidence.chain import Chain, gather_chain, put_proofs, put_segments
from evidence.clip import Clip, cut_clip
from evidence.frames import coded_frames
from evidence.manifest import clip_manifest
from evidence.masked import MaskedPackage, Original, check_request, export_masked, put_blinding
from evidence.masks import MaskRequest
from evidence.receipt import received_path
from evidence.seal import verify_script
from evidence.staging import (
    EXPORT_TIME_FILES,
    ExportContext,
    ExportRequest,
    Staging,
    check_suffix,
    put_custody,
    staged,
    write_package,
)
from evidence.told import Told, facts_of, gather_told, put_reports, put_told, with_stills

__all__ = ["EXPORT_TIME_FILES", "ExportContext", "ExportRequest", "Package", "export_package"]


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
    masked: MaskedPackage | None = None


def export_package(
    context: ExportContext, request: ExportRequest, output: Path, masks: MaskRequest | None = None
) -> Package:
    """Write the package to ``output`` (.zip), whole or not at all, and note the export in the audit chain.

    With ``masks`` its masked edition as well. Raises `BadInputError` (range, gap, suffix, masks), `NotFoundError`
    (stream, time), `ConflictError` (a segment or the log was changed), `StorageError`, `UsageError` (no face finder).
    """
    check_suffix(output)
    if masks is not None:
        check_request(masks, output, request)
    chain = gather_chain(context, request.stream, request.start_ms, request.end_ms)
    with staged(output) as staging:
        original = _put_content(staging, context, request, chain)
        masked = None if masks is None else export_masked(context, request, original, masks)
        put_custody(staging, context, request.case, request.reason, stream=request.stream)
        sha256, size = write_package(staging, output, context, "package")
    _note(context, request, {"sha256": sha256})
    if masked is not None:
        _note(context, request, {"sha256": masked.sha256, "edition": "masked"})
    counts = (len(chain.segments), len(chain.checkpoints), len(original.told.alerts))
    return Package(output, sha256, size, *counts, chain.stamped, original.clip, masked)


def _note(context: ExportContext, request: ExportRequest, more: dict[str, str]) -> None:
    detail = {"stream": request.stream, "start": seconds(request.start_ms), "end": seconds(request.end_ms)}
    append_audit(
        context.data_dir, context.actor, "export", detail | {"case": request.case, "reason": request.reason} | more
    )


def _put_content(staging: Staging, context: ExportContext, request: ExportRequest, chain: Chain) -> Original:
    """Everything but what tells of the export itself."""
    put_segments(staging, context.data_dir, chain)
    put_proofs(staging, chain)
    for leaf in (leaf for leaf in chain.received if leaf["file"]):
        staging.files[leaf["file"]] = received_path(context.data_dir, request.stream, leaf)
    clip = _put_clip(staging, context, request, chain.cover.epoch)
    told: Told = with_stills(
        staging, context, gather_told(context.db, request.stream, request.start_ms, request.end_ms)
    )
    put_told(staging, told, clip.start_ms)
    put_reports(staging, facts_of(chain, told, (request.start_ms, request.end_ms), clip))
    staging.put_json("manifest.json", clip_manifest(chain, request, clip))
    put_blinding(staging, context.data_dir, chain, request)
    staging.put("verify.sh", verify_script())
    return Original(staging, chain, told, clip)


def _put_clip(staging: Staging, context: ExportContext, request: ExportRequest, epoch: Epoch) -> Clip:
    suffix = _clip_suffix(epoch)
    arguments = (context.db, context.data_dir, request.stream, request.start_ms, request.end_ms)
    target = staging.place(f"clip/clip{suffix}")
    try:
        clip = cut_clip(*arguments, target, ffmpeg=context.ffmpeg, ffmpeg_user=context.ffmpeg_user)
    except BadInputError as error:
        if error.code != "clip_no_keyframe":
            raise
        clip = cut_clip(*arguments, target, "exact", ffmpeg=context.ffmpeg, ffmpeg_user=context.ffmpeg_user)
    frames = [f"{f.kind} {f.pts_us} {f.sha256}" for f in coded_frames(target).frames]
    staging.put("clip/frames.txt", "\n".join([*frames, ""]).encode())
    return clip


def _clip_suffix(epoch: Epoch) -> str:
    plain = epoch.video_codec in {"h264", "hevc", ""} and epoch.audio_codec in {"aac", "mp3", ""}
    if not plain:
        return ".mkv"
    return ".mp4" if epoch.video_codec else ".m4a"
