"""The masked edition of a package: third persons' data hidden, every file bound to its original, the same proofs.

It holds the leaves and proofs of the original segments, not the segments. ``masking/bindings.txt`` has a line for each
file of the unmasked edition: the commitment to it (evidence/blinding.py), the hash of its masked form (``-``: left
out), its name. Both editions verify against the same root.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.clock import seconds
from core.errors import LiveWitnessError, UsageError
from evidence.blinding import blinding_line, commitment
from evidence.chain import Chain, put_proofs
from evidence.clip import Clip
from evidence.editions import BINDINGS, BLINDING
from evidence.faces import FaceFinder
from evidence.held import file_sha256
from evidence.hiding import find_boxes, write_hidden
from evidence.manifest import clip_manifest
from evidence.masks import Box, Masked, MaskRequest, Range, check_masks, mask_told, told_masks
from evidence.seal import verify_script
from evidence.staging import (
    ExportContext,
    ExportRequest,
    Staging,
    check_suffix,
    put_custody,
    staged,
    write_package,
)
from evidence.still import still_of_file
from evidence.told import Told, facts_of, put_reports, put_told

_NOT_BOUND = ("segments/", "log/")


@dataclass(frozen=True, slots=True)
class MaskedPackage:
    """A masked edition as written; ``masks`` says how often what was found."""

    path: Path
    sha256: str
    size: int
    masks: dict[str, int]


@dataclass(frozen=True, slots=True)
class Original:
    """The unmasked edition as it is staged, and what it was made of."""

    staging: Staging
    chain: Chain
    told: Told
    clip: Clip


def put_blinding(staging: Staging, data_dir: Path, chain: Chain, request: ExportRequest) -> None:
    """The secret line of this export."""
    what = f"{chain.origin} {request.start_ms} {request.end_ms}"
    staging.put(BLINDING, blinding_line(data_dir, what))


def check_request(masks: MaskRequest, output: Path, request: ExportRequest) -> None:
    """Raises `BadInputError` or `UsageError` for masks that cannot be made."""
    check_suffix(masks.output)
    if masks.output.resolve() == output.resolve():
        raise UsageError("mask_output", "遮蔽版要另存为一个文件。", "The masked edition needs a file of its own.")
    check_masks(masks, request.start_ms, request.end_ms)


def export_masked(
    context: ExportContext, request: ExportRequest, original: Original, masks: MaskRequest
) -> MaskedPackage:
    """Write the masked edition, whole or not at all. Raises `UsageError` (no face finder), `StorageError`."""
    told, done = mask_told(original.told)
    with staged(masks.output) as staging:
        clip = _put_clip(staging, original, masks, done)
        told = _with_stills(staging, told, clip)
        put_told(staging, told, clip.start_ms)
        facts = facts_of(original.chain, told, (request.start_ms, request.end_ms), clip)
        lines = told_masks(masks, done, request.start_ms, request.end_ms)
        put_reports(staging, replace(facts, clip_mode="masked", files=(), masks=lines))
        manifest = clip_manifest(original.chain, request, clip)
        staging.put_json("manifest.json", manifest | {"clip": _clip_fields(manifest["clip"], masks, done)})
        staging.put(BINDINGS, _bindings(staging, original))
        put_proofs(staging, original.chain, received=False)
        staging.put("verify.sh", verify_script())
        put_custody(staging, context, request.case, request.reason)
        sha256, size = write_package(staging, masks.output, context, "masked")
    return MaskedPackage(masks.output, sha256, size, dict(done.counts))


def _put_clip(staging: Staging, original: Original, masks: MaskRequest, done: Masked) -> Clip:
    name = f"clip/{original.clip.path.name}"
    zero = original.clip.start_ms
    boxes = [replace(box, when=_shifted(box.when, zero)) if box.when else box for box in masks.boxes]
    if masks.faces:
        faces = find_boxes(original.clip.path, FaceFinder().find)
        done.counts["face"] += len(faces)
        boxes += faces
    target = staging.place(name)
    mute = [_shifted(wanted, zero) for wanted in (*done.mute, *masks.mute)]
    write_hidden(original.clip.path, target, mute, boxes)
    return replace(original.clip, path=target, sha256=file_sha256(target), size=target.stat().st_size)


def _shifted(wanted: Range, zero_ms: int) -> Range:
    """Stream time as time of a file that begins at ``zero_ms``."""
    return Range(wanted.start_ms - zero_ms, wanted.end_ms - zero_ms)


def _with_stills(staging: Staging, told: Told, clip: Clip) -> Told:
    """Pictures out of the masked clip."""
    names: dict[str, str] = {}
    for alert in told.alerts:
        if alert.id not in told.stills:
            continue
        name = told.stills[alert.id]
        middle = (alert.start_ms + alert.end_ms) // 2 - clip.start_ms
        try:
            still_of_file(clip.path, max(0, middle), staging.place(name))
        except LiveWitnessError:
            del staging.files[name]
        else:
            names[alert.id] = name
    return replace(told, stills=names)


def _clip_fields(fields: dict[str, Any], masks: MaskRequest, done: Masked) -> dict[str, Any]:
    """How the masked clip was made in place of how the original was cut."""
    kept = {name: value for name, value in fields.items() if name not in {"command", "stdin"}}
    muted = [{"start": seconds(r.start_ms), "end": seconds(r.end_ms)} for r in (*done.mute, *masks.mute)]
    return kept | {
        "mode": "masked",
        "muted": muted,
        "boxes": [_box_fields(box) for box in masks.boxes],
        "faces": masks.faces,
        "found": dict(sorted(done.counts.items())),
    }


def _box_fields(box: Box) -> dict[str, Any]:
    when = [seconds(box.when.start_ms), seconds(box.when.end_ms)] if box.when else None
    return {"x": box.x, "y": box.y, "width": box.width, "height": box.height, "when": when}


def _bindings(staging: Staging, original: Original) -> bytes:
    """For each file of the unmasked edition that no leaf proves: commitment, hash of the masked form, name."""
    line = original.staging.files[BLINDING].read_bytes()
    lines = []
    for name, path in sorted(original.staging.files.items()):
        if name.startswith(_NOT_BOUND) or name in {BLINDING, "verify.sh"}:
            continue
        masked = file_sha256(staging.files[name]) if name in staging.files else "-"
        lines.append(f"{commitment(line, path)} {masked} {name}\n")
    return "".join(lines).encode()
