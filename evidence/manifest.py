"""What manifest.json says of a package for machines: the stream, the stretch, the clip and how it was made, the log."""

from typing import Any

from core.clock import iso, seconds
from core.shapes import stream_json
from evidence.chain import Chain
from evidence.clip import Clip, clip_json
from evidence.staging import EXPORT_TIME_FILES, ExportRequest

FORMAT = "livewitness-package/1"


def clip_manifest(chain: Chain, request: ExportRequest, clip: Clip) -> dict[str, Any]:
    """The manifest of a stretch. ``command`` reads the files of ``stdin`` one after the other."""
    feed = [f"segments/{leaf['file']}" for leaf in chain.leaves if leaf["sequence"] in clip.segments]
    stream = {k: v for k, v in stream_json(chain.stream).items() if k not in {"source", "ended_at"}}
    epoch = chain.cover.epoch
    return {
        "format": FORMAT,
        "stream": stream | {"source": epoch.source},
        "requested": {"start": seconds(request.start_ms), "end": seconds(request.end_ms)},
        "epoch": {
            "number": epoch.number,
            "offset_ms": epoch.offset_ms,
            "pts_origin_ms": epoch.pts_origin_ms,
            "wall_start": iso(epoch.wall_start),
        },
        "clip": clip_json(clip) | {"file": f"clip/{clip.path.name}", "command": list(clip.command), "stdin": feed},
        "log": {
            "origin": chain.origin,
            "size": chain.checkpoints[-1].checkpoint.size,
            "stamped": chain.stamped,
        },
        "export_time_files": list(EXPORT_TIME_FILES),
    }
