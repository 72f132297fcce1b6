"""Whether the clip of a package shows what its segments hold: the same coded frames, or encoded anew and said so."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from core.errors import BadInputError
from evidence.checking import RefusedError, Run, read_file, read_object
from evidence.frames import Coded, coded_frames, place_in
from evidence.leaves import Leaf


def check_clip(run: Run, leaves: Sequence[Leaf]) -> None:
    """The clip's frames are a run of the segments' frames; a clip encoded anew is reported as such."""
    manifest = read_object(run, "manifest.json")
    clip = manifest.get("clip")
    name = clip.get("file") if isinstance(clip, dict) else None
    if not isinstance(clip, dict) or not isinstance(name, str) or name not in run.sums or not name.startswith("clip/"):
        raise RefusedError("manifest.json", "没有说明片段", "does not name the clip")
    with tempfile.TemporaryDirectory() as folder:
        shown = _coded(run, name, Path(folder))
        originals = [
            _coded(run, f"segments/{leaf['file']}", Path(folder)) for leaf in leaves if leaf["kind"] == "segment"
        ]
    listed = read_file(run, "clip/frames.txt").decode("ascii", "replace").splitlines()
    if listed != [f"{frame.kind} {frame.pts_us} {frame.sha256}" for frame in shown.frames]:
        raise RefusedError("clip/frames.txt", "不是该片段的帧", "does not list the frames of the clip")
    same = _is_copy(shown, originals)
    if not same and clip.get("mode") != "exact":
        raise RefusedError(name, "画面或声音与原始分段不同", "its frames are not those of the segments")
    run.facts |= {"clip": "copy" if same else "encoded anew", "frames": len(shown.frames)}


def _coded(run: Run, name: str, folder: Path) -> Coded:
    path = folder / Path(name).name
    with path.open("wb") as out:
        out.writelines(run.stored.blocks(name))
    try:
        return coded_frames(path)
    except BadInputError as error:
        raise RefusedError(name, error.sentence.zh, error.sentence.en) from error
    finally:
        path.unlink()


def _is_copy(shown: Coded, originals: Sequence[Coded]) -> bool:
    known = frozenset[str]().union(*(coded.sets for coded in originals))
    if not shown.frames or not shown.sets <= known:
        return False
    return all(
        place_in(shown.hashes(kind), [digest for coded in originals for digest in coded.hashes(kind)]) >= 0
        for kind in ("video", "audio")
    )
