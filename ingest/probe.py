"""What a media file holds, found with PyAV within limits of size."""

from dataclasses import dataclass
from pathlib import Path

import av

from core.errors import BadInputError, Sentence
from ingest.commands import FILE_ONLY, MAX_PIXELS
from ingest.sources import Source, parse_source

_PROBE_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """First video stream (cover pictures left out): codec, size in pixels, frames per second (0: unknown)."""

    codec: str
    width: int
    height: int
    fps: float


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """First audio stream: codec, sampling rate in Hz, channels."""

    codec: str
    rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """Container, length (``None`` where it says none) and streams."""

    container: str
    duration_ms: int | None
    video: VideoInfo | None
    audio: AudioInfo | None


def probe(location: str) -> MediaInfo:
    """Open a file and describe it. Nothing is fetched from a network: that is for a recording, behind its guard.

    Raises `BadInputError` for what is no file, and for a file that is missing, empty, no media, cut off before its
    index, or too large a picture.
    """
    source = parse_source(location)
    if source.live:
        raise BadInputError("not_a_file", f"不是文件：{source.label}", f"Not a file: {source.label}")
    if Path(source.location).stat().st_size == 0:
        raise BadInputError("empty_file", f"文件为空：{source.location}", f"The file is empty: {source.location}")
    options = {"probesize": str(_PROBE_BYTES), "analyzeduration": "5000000", **FILE_ONLY}
    try:
        with av.open(f"file:{source.location}", options=options) as container:
            info = _describe(container)
    except (av.error.FFmpegError, OSError) as error:
        raise file_error(source.location, error) from error
    return _bounded(info, source)


def probe_for_speech(source: Source) -> MediaInfo:
    """`probe` for a file that is to be transcribed: raises `BadInputError` when it has no audio."""
    info = probe(source.location)
    if info.audio is None:
        raise BadInputError(
            "no_audio",
            f"文件中没有音频，无法识别：{source.label}",
            f"There is no audio to transcribe in {source.label}",
        )
    return info


def _describe(container: av.container.InputContainer) -> MediaInfo:
    pictures = av.stream.Disposition.attached_pic
    video = next((s for s in container.streams.video if not s.disposition & pictures), None)
    audio = next(iter(container.streams.audio), None)
    return MediaInfo(
        container=container.format.name,
        duration_ms=None if container.duration is None else round(container.duration / 1000),
        video=None if video is None else _video(video),
        audio=None if audio is None else _audio(audio),
    )


def _video(stream: av.VideoStream) -> VideoInfo:
    return VideoInfo(
        stream.codec_context.codec.canonical_name, stream.width, stream.height, float(stream.average_rate or 0)
    )


def _audio(stream: av.AudioStream) -> AudioInfo:
    return AudioInfo(stream.codec_context.codec.canonical_name, stream.rate or 0, stream.channels)


def _bounded(info: MediaInfo, source: Source) -> MediaInfo:
    if info.video is None and info.audio is None:
        raise BadInputError(
            "no_media", f"其中没有音频或视频：{source.label}", f"There is no audio or video in {source.label}"
        )
    if info.video is not None and info.video.width * info.video.height > MAX_PIXELS:
        raise BadInputError(
            "picture_too_large",
            f"画面尺寸过大：{info.video.width}×{info.video.height}",
            f"The picture is too large: {info.video.width}×{info.video.height}",
        )
    return info


def file_error(location: str, error: OSError | av.error.FFmpegError) -> BadInputError:
    """The error for a file that cannot be opened as media."""
    if isinstance(error, PermissionError):
        return BadInputError("file_unreadable", f"没有权限读取文件：{location}", f"No permission to read {location}")
    if _is_mp4(Path(location)):
        return BadInputError(
            "truncated_file",
            f"文件不完整，缺少索引，无法读取：{location}",
            f"The file is incomplete and cannot be read (its index is missing): {location}",
            hint=Sentence("请重新下载或导出该文件。", "Download or export the file again."),
        )
    return BadInputError(
        "not_media",
        f"文件不是可识别的音视频：{location}",
        f"The file is not audio or video that can be read: {location}",
    )


def _is_mp4(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[4:8] == b"ftyp"
