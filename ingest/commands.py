"""The one module that builds ffmpeg command lines, with ffmpeg-python. Nothing runs here.

Every function returns an argument list that starts with the binary, for `ingest.process`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import ffmpeg
import imageio_ffmpeg

from ingest.route import Route
from ingest.sources import Source

SAMPLE_RATE = 16_000
PTS_ORIGIN_MS = 2_000
"""PTS in the segment files of the first moment of an epoch.

A shift large enough that reordered frames and encoder delay never get a negative time, which
muxers would otherwise correct by an amount of their own.
"""
MAX_PIXELS = 4096 * 2160
FILE_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,flv,live_flv,avi,asf,"
    "wav,w64,mp3,aac,flac,ogg,h264,hevc,ac3,eac3,amr"
)
"""Containers accepted from disk: no playlists and no scripts, which could name other files."""
FILE_ONLY = {"protocol_whitelist": "file", "format_whitelist": FILE_FORMATS}
"""Options with which PyAV opens files: whatever their names say, what is in them decides."""

_PROTOCOLS = {
    "file": "file",
    "hls": "http,https,tcp,tls,crypto,httpproxy",
    "http": "http,https,tcp,tls,crypto,httpproxy",
    "rtmp": "rtmp,tcp",
    "rtsp": "rtsp,rtp,tcp",
    "srt": "srt",
}
_WEB_FORMATS = f"hls,webvtt,{FILE_FORMATS}"
_FORMATS = {
    "file": FILE_FORMATS,
    "hls": _WEB_FORMATS,
    "http": _WEB_FORMATS,
    "rtmp": "flv,live_flv",
    "rtsp": "rtsp,mpegts",
    "srt": "mpegts,matroska,webm,flv",
}
_MICROSECONDS = 1_000_000
_JUMP_S = 5
"""Times in the source that differ by more from what was to come are a jump, which ffmpeg reports and we act on."""
_LOOK_S = 1.5
"""So much of a live MPEG-TS, which may name further streams at any time, is looked at before recording; ffmpeg's own
5 s are waited for in full. What has shown too little of itself by then is connected to again, and looked at with
patience (`StreamPlan`). Not SRT: a sender that listens for one receiver is gone when that one leaves. Not FLV, whose
header says what to wait for, and not HLS, which sends several seconds at once."""
_INTERLEAVE_S = 2
"""How long video waits for audio that does not come before it is written; ffmpeg's own 10 s look like a dead source."""


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What an epoch records: the container of its segments, and whether PCM is made from audio.

    ``patient``: the source is looked at for as long as ffmpeg likes before anything is recorded.
    """

    container: Literal["mpegts", "matroska"] = "mpegts"
    audio: bool = True
    patient: bool = False

    @property
    def suffix(self) -> str:
        """File suffix of the segments."""
        return ".ts" if self.container == "mpegts" else ".mkv"


def ffmpeg_path(override: str = "") -> str:
    """The ffmpeg to run: ``override`` when given, else the binary of imageio-ffmpeg."""
    path: str = override or imageio_ffmpeg.get_ffmpeg_exe()
    return path


def pcm_filter(first_input_sample: int = 0) -> str:
    """The resampling filter: 16 kHz on the timeline of the PTS, from ``first_input_sample`` (at the source's rate) on.

    Late audio is preceded by silence, holes are filled, and drift between sample clock and PTS is
    stretched away (at most 6 %) as soon as it passes 10 ms.
    """
    return f"aresample={SAMPLE_RATE}:async=1000:min_comp=0.01:first_pts={first_input_sample}"


def _input_options(source: Source, *, realtime: bool, timeout_s: float) -> dict[str, Any]:
    options: dict[str, Any] = {"protocol_whitelist": _PROTOCOLS[source.kind], "max_pixels": MAX_PIXELS}
    options["format_whitelist"] = _FORMATS[source.kind]
    timeout = round(timeout_s * _MICROSECONDS)
    match source.kind:
        case "hls" | "http" | "rtmp":
            options["rw_timeout"] = timeout
        case "rtsp":
            options |= {"timeout": timeout, "rtsp_transport": "tcp"}
        case "srt":
            options |= {"timeout": timeout, "connect_timeout": round(timeout_s * 1000)}
    if realtime and not source.live:
        options["re"] = None
    return options


def _path(source: Source) -> str:
    return urlsplit(source.location).path.lower()


def _compile(output: Any, binary: str) -> list[str]:  # noqa: ANN401 - ffmpeg-python has no types
    quiet = output.global_args("-hide_banner", "-nostdin", "-nostats")
    argv: list[str] = ffmpeg.compile(quiet, cmd=binary, overwrite_output=True)
    return argv


def recording(
    binary: str,
    source: Source,
    route: Route,
    plan: StreamPlan,
    *,
    first_sequence: int,
    segment_seconds: float,
    list_fd: int,
    realtime: bool,
    timeout_s: float,
    at_edge: bool = False,
    drop_changed: bool = True,
) -> list[str]:
    """Record one epoch: segments ``%08d`` into the working directory, PCM s16le on stdout.

    ``route`` is the way to ``source``, see `ingest.route.open_route`. The first video (no cover pictures) and the
    first audio stream are copied unchanged. Each closed segment is told on the inherited descriptor ``list_fd`` as a
    CSV line of name, start and end in PTS seconds. The lists' and the samples' zero is the first timestamp of the
    source, which the files carry as `PTS_ORIGIN_MS`.

    ``at_edge``: begin an HLS source at its newest segment, because the ones before are recorded. ``drop_changed``:
    audio whose sampling rate changes is left out of the PCM (a filter built anew would pad the whole epoch again);
    the segments hold it.
    """
    options = _input_options(source, realtime=realtime, timeout_s=timeout_s)
    options |= {"dts_delta_threshold": _JUMP_S, "dts_error_threshold": _JUMP_S}
    if source.kind == "http" and not plan.patient and not _path(source).endswith(".flv"):
        options["analyzeduration"] = round(_LOOK_S * _MICROSECONDS)
    if at_edge and source.kind == "hls":
        options["live_start_index"] = -1
    if drop_changed and plan.audio:
        options["drop_changed:a"] = 1
    media = ffmpeg.input(route.url, **options, **route.options)
    segments = ffmpeg.output(
        media["V:0?"],
        media["a:0?"],
        f"%08d{plan.suffix}",
        c="copy",
        map_metadata=-1,
        fflags="+bitexact",
        muxdelay=0,
        muxpreload=0,
        output_ts_offset=PTS_ORIGIN_MS / 1000,
        f="segment",
        segment_format=plan.container,
        segment_format_options="flush_packets=1",
        max_interleave_delta=_INTERLEAVE_S * _MICROSECONDS,
        segment_time=segment_seconds,
        segment_start_number=first_sequence,
        segment_list=f"pipe:{list_fd}",
        segment_list_type="csv",
    )
    if not plan.audio:
        return _compile(segments, binary)
    pcm = ffmpeg.output(
        media["a:0"],
        "pipe:1",
        f="s16le",
        acodec="pcm_s16le",
        ac=1,
        ar=SAMPLE_RATE,
        af=pcm_filter(),
        flush_packets=1,
    )
    return _compile(ffmpeg.merge_outputs(segments, pcm), binary)


def hls_serving(binary: str, media: Path, folder: Path, *, realtime: bool, segment_seconds: float = 2) -> list[str]:
    """Turn a file into an HLS stream in ``folder/live.m3u8`` by stream copy.

    With ``realtime`` the playlist grows at the media's own pace and keeps the last six segments, as a
    live server does; otherwise all segments are written at once. Either way it ends with ENDLIST.
    """
    source = Source("file", str(media))
    options = _input_options(source, realtime=realtime, timeout_s=0)
    flags = "temp_file+delete_segments" if realtime else "temp_file"
    output = ffmpeg.output(
        ffmpeg.input(f"file:{source.location}", **options),
        str(folder / "live.m3u8"),
        c="copy",
        f="hls",
        hls_time=segment_seconds,
        hls_list_size=6 if realtime else 0,
        hls_flags=flags,
        hls_segment_filename=str(folder / "live%05d.ts"),
    )
    return _compile(output, binary)


@dataclass(frozen=True, slots=True)
class CutPlan:
    """What a clip is made of: the container of the segments fed on stdin, which kinds of media they hold,
    and the cut in microseconds of their absolute PTS.
    """

    container: Literal["mpegts", "matroska"]
    video: bool
    audio: bool
    start_us: int
    end_us: int


CLIP_FORMATS = {".mp4": "mp4", ".m4a": "mp4", ".mkv": "matroska", ".mka": "matroska", ".ts": "mpegts"}
"""Containers a clip can be written in, by file suffix."""


def segment_feed(paths: Sequence[Path]) -> bytes:
    """The list of Matroska segments for `clip_copy` and `clip_exact`, to be fed on stdin.

    Segments keep the epoch's own PTS; ``duration 0`` and ``inpoint 0`` stop the concat demuxer from
    moving them. MPEG-TS needs no list: the bytes of the files one after the other are a stream again.
    """
    lines = ["ffconcat version 1.0"]
    for path in paths:
        quoted = str(path).replace("'", "'\\''")
        lines += [f"file 'file:{quoted}'", "duration 0", "inpoint 0"]
    return "\n".join([*lines, ""]).encode()


def _clip_input(plan: CutPlan) -> Any:  # noqa: ANN401 - ffmpeg-python has no types
    if plan.container == "mpegts":
        return ffmpeg.input("pipe:0", f="mpegts", copyts=None)
    return ffmpeg.input("pipe:0", f="concat", safe=0, protocol_whitelist="file,pipe", copyts=None)


def _clip_output(suffix: str) -> dict[str, Any]:
    container = CLIP_FORMATS[suffix]
    options: dict[str, Any] = {"f": container, "map_metadata": -1, "fflags": "+bitexact"}
    if container == "mp4":
        options |= {"movflags": "+faststart", "video_track_timescale": 90_000}
    if container == "mpegts":
        options |= {"muxdelay": 0, "muxpreload": 0}
    return options


def clip_copy(binary: str, plan: CutPlan, suffix: str, target: Path) -> list[str]:
    """Cut by stream copy: packets with PTS from ``start_us`` on, until DTS reaches ``end_us``.

    ``start_us`` must be the time of a packet that can be decoded on its own. ``suffix``, a key of
    `CLIP_FORMATS`, decides the container of ``target``. Segments come on stdin, see `segment_feed`.
    """
    media = _clip_input(plan)
    picked = [media[kind] for kind, there in (("v:0", plan.video), ("a:0", plan.audio)) if there]
    cut = {"ss": f"{plan.start_us / _MICROSECONDS:.6f}", "to": f"{plan.end_us / _MICROSECONDS:.6f}", "c": "copy"}
    return _compile(ffmpeg.output(*picked, f"file:{target}", **cut, **_clip_output(suffix)), binary)


def clip_exact(binary: str, plan: CutPlan, suffix: str, target: Path) -> list[str]:
    """Cut by decoding: frames and samples with PTS in ``[start_us, end_us)``, encoded anew.

    Time 0 of the clip is ``start_us`` exactly. Frames keep their own times (no fixed frame rate: the
    default time base of the encoder would round them to its grid).
    """
    media = _clip_input(plan)
    start, end = f"{plan.start_us / _MICROSECONDS:.6f}", f"{plan.end_us / _MICROSECONDS:.6f}"
    picked = []
    options: dict[str, Any] = {}
    if plan.video:
        picked.append(media["v:0"].filter("trim", start=start, end=end).filter("setpts", f"PTS-{start}/TB"))
        # At a fixed quality (crf) the fastest preset costs bytes, not pictures, and somebody is waiting.
        options |= {"c:v": "libx264", "preset": "ultrafast", "crf": 18, "pix_fmt": "yuv420p"}
        options |= {"fps_mode": "passthrough", "enc_time_base:v": "1:90000"}
    if plan.audio:
        picked.append(media["a:0"].filter("atrim", start=start, end=end).filter("asetpts", f"PTS-{start}/TB"))
        options |= {"c:a": "aac", "b:a": "192k"}
    return _compile(ffmpeg.output(*picked, f"file:{target}", **options, **_clip_output(suffix)), binary)
