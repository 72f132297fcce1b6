"""What ffmpeg's messages mean: the streams it found, and why it failed, in words for people."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.errors import Sentence, SourceError, StorageError

_STREAM = re.compile(r"^\s*Stream #0:\d+.*?: (Video|Audio): (\w+)")
_STEP_BACK = re.compile(r"Non-monotonic DTS; previous: (\d+), current: (-?\d+)")
_STEP_BACK_TICKS = 22_500
"""A quarter of a second in MPEG-TS ticks; smaller steps are what sloppy senders do."""
_DISCONTINUITY = re.compile(r"timestamp discontinuity \(stream id=-?\d+\): (-?\d+)")
_DISCONTINUITY_US = 250_000
_OUT_OF_TIME = "invalid dropping"
_VAGUE = re.compile(r"Could not find codec parameters for stream \d+ \((?:Video|Audio)")
_NEW_STREAM = re.compile(r"New (audio|video) stream with index \d+")
_OTHER_AUDIO = ("Avoiding reinit; dropping frame", "because audio parameters changed")
_UNDECODABLE = "Error submitting packet to decoder"
_STATISTICS = ("frame=", "size=", "[out#")
_INPUT_READ = ("Stream mapping:", "Output #0")
_TS_VIDEO = frozenset({"h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4"})
_TS_AUDIO = frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "dts"})

Cause = Literal[
    "guarded",
    "refused",
    "unresolved",
    "timeout",
    "not_found",
    "forbidden",
    "unreachable",
    "no_stream",
    "disk_full",
    "not_media",
    "certificate",
    "unknown",
]

_CAUSES: tuple[tuple[str, Cause], ...] = (
    ("points at an internal address", "guarded"),
    ("is not one to connect to", "guarded"),
    ("the server redirects", "guarded"),
    ("not a usable web address", "guarded"),
    ("certificate verify failed", "certificate"),
    ("no space left on device", "disk_full"),
    ("file too large", "disk_full"),
    ("disk quota exceeded", "disk_full"),
    ("matches no streams", "no_stream"),
    ("does not contain any stream", "no_stream"),
    ("failed to resolve hostname", "unresolved"),
    ("has no address", "unresolved"),
    ("connection refused", "refused"),
    ("404 not found", "not_found"),
    ("http error 404", "not_found"),
    ("streamnotfound", "not_found"),
    ("403 forbidden", "forbidden"),
    ("401 unauthorized", "forbidden"),
    ("timed out", "timeout"),
    ("network is unreachable", "unreachable"),
    ("no route to host", "unreachable"),
    ("invalid data found", "not_media"),
)

_SENTENCES: dict[Cause, Sentence] = {
    "guarded": Sentence(
        "它指向内部地址或不予连接的端口", "it leads to an internal address or a port that is not connected to"
    ),
    "certificate": Sentence("对方的证书不可信", "its certificate is not to be trusted"),
    "refused": Sentence(
        "连接被拒绝，请检查端口以及服务是否已启动", "the connection was refused; check the port and that it is serving"
    ),
    "unresolved": Sentence("无法解析主机名", "the host name cannot be resolved"),
    "timeout": Sentence("连接超时，没有数据", "it timed out without data"),
    "not_found": Sentence("服务器上没有该直播（404）", "the server has no such stream (404)"),
    "forbidden": Sentence("服务器拒绝访问，地址可能已过期", "the server denies access; the address may have expired"),
    "unreachable": Sentence("网络不可达", "the network is unreachable"),
    "no_stream": Sentence("其中没有音频或视频", "there is no audio or video in it"),
    "disk_full": Sentence("磁盘已满", "the disk is full"),
    "not_media": Sentence("其内容不是音视频", "what it sends is not audio or video"),
    "unknown": Sentence("无法读取", "it cannot be read"),
}


@dataclass(frozen=True, slots=True)
class StreamNames:
    """Codecs of the first video and audio stream as ffmpeg names them; empty where there is none."""

    video: str = ""
    audio: str = ""

    @property
    def fits_mpegts(self) -> bool:
        """Whether MPEG-TS can carry both so that other players understand it."""
        return (not self.video or self.video in _TS_VIDEO) and (not self.audio or self.audio in _TS_AUDIO)


class InputReport:
    """Reads ffmpeg's messages line by line until its input has been described.

    ``vague``: some of its streams have not shown yet what they are made of.
    ``complete`` turns true when ffmpeg has opened its input; ``streams``, ``container`` and ``finite``
    (whether the input has a length) are final from then on. ``jumped`` turns true when time in the source
    leaps, ahead or back, as when a publisher comes back to an RTMP server that kept us connected;
    ``audio_changed`` when its audio takes another form. ``new_streams`` (``audio``, ``video``) came up after the
    input was described and are not recorded; ``undecodable`` counts packets that the audio decoder refused.
    """

    def __init__(self) -> None:
        self.streams = StreamNames()
        self.container = ""
        self.finite = False
        self.complete = False
        self.vague = False
        self.jumped = False
        self.audio_changed = False
        self.new_streams: frozenset[str] = frozenset()
        self.undecodable = 0

    def feed(self, line: str) -> None:
        """Take one line of ffmpeg's standard error."""
        if self.complete:
            self._watch(line)
            return
        if line.startswith(_INPUT_READ):
            self.complete = True
            return
        if _VAGUE.search(line):
            self.vague = True
        if line.startswith("Input #0, "):
            self.container = line.split(", ", 2)[1]
        if line.lstrip().startswith("Duration: "):
            self.finite = "Duration: N/A" not in line
        match = _STREAM.match(line)
        if match is None or "(attached pic)" in line:
            return
        kind, codec = match.groups()
        video, audio = self.streams.video, self.streams.audio
        if kind == "Video":
            self.streams = StreamNames(video or codec, audio)
        else:
            self.streams = StreamNames(video, audio or codec)

    def _watch(self, line: str) -> None:
        if _leaps(line):
            self.jumped = True
        elif new := _NEW_STREAM.search(line):
            self.new_streams |= {new[1]}
        elif any(mark in line for mark in _OTHER_AUDIO):
            self.audio_changed = True
        elif _UNDECODABLE in line:
            self.undecodable += 1


def _leaps(line: str) -> bool:
    if back := _STEP_BACK.search(line):
        return int(back[1]) - int(back[2]) > _STEP_BACK_TICKS
    if leap := _DISCONTINUITY.search(line):
        return abs(int(leap[1])) > _DISCONTINUITY_US
    return _OUT_OF_TIME in line


def cause(lines: Sequence[str]) -> Cause:
    """The reason for a failure that ffmpeg's last messages give."""
    text = "\n".join(lines).lower()
    return next((name for mark, name in _CAUSES if mark in text), "unknown")


def last_message(lines: Sequence[str]) -> str:
    """The last line that says something, for logs and for records of what happened."""
    said = (line.strip() for line in reversed(lines) if line.strip() and not line.startswith(_STATISTICS))
    return next(said, "")[:300]


def playlist_lost(lines: Sequence[str]) -> bool:
    """Whether an HLS run ended because the playlist could not be read again.

    ffmpeg's exit code is 0 then as it is after ENDLIST; only this message tells them apart.
    """
    return any("Failed to reload playlist" in line for line in lines)


def truncated(lines: Sequence[str]) -> bool:
    """Whether ffmpeg met the end of a file before its proper end (its exit code may be 0)."""
    text = "\n".join(lines).lower()
    return any(mark in text for mark in ("partial file", "truncat", "error during demuxing", "prematurely"))


def source_error(label: str, why: Cause) -> SourceError:
    """The error for a live source that cannot be opened."""
    sentence = _SENTENCES[why]
    return SourceError(
        f"source_{why}",
        f"无法打开来源 {label}：{sentence.zh}。",
        f"The source {label} cannot be opened: {sentence.en}.",
    )


def disk_full(folder: str) -> StorageError:
    """The error for a recording that ended because nothing more can be written."""
    return StorageError(
        "disk_full",
        f"磁盘空间不足，录制已停止，已完成的分段均已保留：{folder}",
        f"The disk is full; recording stopped and every closed segment is kept: {folder}",
    )
