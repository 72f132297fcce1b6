"""What the packets of a media file say about time, read with PyAV without decoding. Times in microseconds."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError

from core.errors import BadInputError
from ingest.commands import FILE_ONLY


@dataclass(frozen=True, slots=True)
class PacketTime:
    """Times of one packet: shown from ``pts_us`` to ``end_us``, decoded at ``dts_us``; ``kind``: video or audio."""

    kind: str
    pts_us: int
    end_us: int
    dts_us: int
    keyframe: bool


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """The file opened by PyAV. Raises `BadInputError` when it is no media or breaks off while being read."""
    try:
        with av.open(f"file:{path}", options=FILE_ONLY) as container:
            yield container
    except FFmpegError as error:
        reason = error.strerror
        raise BadInputError(
            "media_unreadable",
            f"{path.name} 读不出音视频（{reason}）。",
            f"{path.name} is no readable media ({reason}).",
        ) from error


def packet_times(path: Path) -> list[PacketTime]:
    """Every packet with a time, of the first video and the first audio stream, in file order.

    Raises `BadInputError` for a file that is no media.
    """
    found: list[PacketTime] = []
    with opened(path) as container:
        chosen = [*container.streams.video[:1], *container.streams.audio[:1]]
        if not chosen:
            return []
        for packet in container.demux(*chosen):
            if packet.pts is None or packet.time_base is None:
                continue
            start = round(packet.pts * packet.time_base * 1_000_000)
            length = round((packet.duration or 0) * packet.time_base * 1_000_000)
            dts = packet.pts if packet.dts is None else packet.dts
            decoded = round(dts * packet.time_base * 1_000_000)
            found.append(PacketTime(packet.stream.type, start, start + length, decoded, packet.is_keyframe))
    return found


def first_pts(packets: Iterable[PacketTime], kind: str) -> int:
    """The earliest time of one kind of packet. Raises ``ValueError`` when there is none."""
    return min(p.pts_us for p in packets if p.kind == kind)
