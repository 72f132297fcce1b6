"""Coded frames as they are: hashes that stay the same when packets are copied from one container to another.

A container wraps frames in its own way (H.264 and HEVC by start codes or by lengths, parameter sets inside or beside
them; AAC with or without ADTS headers). Without the wrapping, a copied frame is the same bytes and an encoded-anew
one is not. What the decoder needs beside frames, the parameter sets, is hashed too.
"""

import hashlib
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av import Packet
from av.stream import Stream as MediaStream

from evidence.packets import opened

_START_CODE = re.compile(rb"\x00\x00\x01")
# Unit types that are not part of a picture: parameter sets and delimiters.
_H264_SETS, _H264_OTHER = {7, 8}, {9, 10, 11, 12}
_HEVC_SETS, _HEVC_OTHER = {32, 33, 34}, {35, 36, 37, 38}
_ADTS_HEAD, _ADTS_HEAD_CRC = 7, 9
_NAL_CODECS = {"h264", "hevc"}


@dataclass(frozen=True, slots=True)
class Frame:
    """One coded frame: ``kind`` video or audio, its PTS in microseconds, and the hash of its bytes."""

    kind: str
    pts_us: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Coded:
    """All frames of a file in decoding order, and the hashes of the parameter sets they need."""

    frames: tuple[Frame, ...]
    sets: frozenset[str]

    def hashes(self, kind: str) -> list[str]:
        """Hashes of one kind of frame."""
        return [frame.sha256 for frame in self.frames if frame.kind == kind]


def coded_frames(path: Path) -> Coded:
    """The frames of the first video and the first audio stream. Raises `BadInputError` for what is no media."""
    frames: list[Frame] = []
    sets: set[str] = set()
    with opened(path) as container:
        chosen: list[MediaStream] = [*container.streams.video[:1], *container.streams.audio[:1]]
        for stream in chosen:
            if stream.codec_context.name in _NAL_CODECS:
                sets |= {_digest(unit) for unit in _sets(stream.codec_context.name, _record_units(stream))}
        for packet in container.demux(*chosen) if chosen else ():
            if packet.pts is None or packet.time_base is None or not packet.size:
                continue
            data, needed = _bare(packet)
            sets |= needed
            frames.append(Frame(packet.stream.type, _microseconds(packet.pts, packet.time_base), _digest(data)))
    return Coded(tuple(frames), frozenset(sets))


def _microseconds(ticks: int, base: Fraction) -> int:
    """Ticks as microseconds, rounded to the nearest; in whole numbers, since a fraction a packet is slow."""
    return (ticks * base.numerator * 2_000_000 + base.denominator) // (2 * base.denominator)


def _bare(packet: "Packet[MediaStream]") -> tuple[bytes, set[str]]:
    """A packet's frame without its wrapping, and the hashes of the parameter sets that came inside."""
    data = bytes(packet)
    codec = packet.stream.codec_context.name
    if codec in _NAL_CODECS:
        units = _units(data, packet.stream.codec_context.extradata or b"")
        needed = {_digest(unit) for unit in _sets(codec, units)}
        return b"".join(len(u).to_bytes(4, "big") + u for u in units if _is_picture(codec, u)), needed
    if codec == "aac" and len(data) > _ADTS_HEAD and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return data[_ADTS_HEAD if data[1] & 1 else _ADTS_HEAD_CRC :], set()
    return data, set()


def _units(data: bytes, extradata: bytes) -> list[bytes]:
    """The units of an access unit, by lengths where the container's record (first byte 1) says so."""
    if extradata[:1] == b"\x01":
        return _by_length(data)
    return _by_start_code(data)


def _by_length(data: bytes) -> list[bytes]:
    units, position = [], 0
    while position + 4 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        units.append(data[position + 4 : position + 4 + length])
        position += 4 + length
    return units


def _by_start_code(data: bytes) -> list[bytes]:
    marks = [found.start() for found in _START_CODE.finditer(data)]
    ends = [*marks[1:], len(data)]
    # Zero bytes before a start code belong to it, not to the unit.
    return [data[a + 3 : b].rstrip(b"\x00") for a, b in zip(marks, ends, strict=True) if b > a + 3]


def _record_units(stream: MediaStream) -> list[bytes]:
    """Parameter sets beside the frames: by start codes, or in an ``avcC`` or ``hvcC`` record."""
    data = stream.codec_context.extradata or b""
    if data[:1] != b"\x01":
        return _by_start_code(data)
    return _avc_record(data) if stream.codec_context.name == "h264" else _hevc_record(data)


def _avc_record(data: bytes) -> list[bytes]:
    units: list[bytes] = []
    position = 5
    for mask in (0x1F, 0xFF):
        count = data[position] & mask if position < len(data) else 0
        position += 1
        for _ in range(count):
            if position >= len(data):
                return units
            length = int.from_bytes(data[position : position + 2], "big")
            units.append(data[position + 2 : position + 2 + length])
            position += 2 + length
    return units


def _hevc_record(data: bytes) -> list[bytes]:
    units: list[bytes] = []
    position = 23
    for _ in range(data[22] if len(data) > 22 else 0):
        count = int.from_bytes(data[position + 1 : position + 3], "big")
        position += 3
        for _ in range(count):
            if position >= len(data):
                return units
            length = int.from_bytes(data[position : position + 2], "big")
            units.append(data[position + 2 : position + 2 + length])
            position += 2 + length
    return units


def _unit_type(codec: str, unit: bytes) -> int:
    if not unit:
        return -1
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F


def _is_picture(codec: str, unit: bytes) -> bool:
    other = _H264_SETS | _H264_OTHER if codec == "h264" else _HEVC_SETS | _HEVC_OTHER
    return _unit_type(codec, unit) not in other and bool(unit)


def _sets(codec: str, units: list[bytes]) -> list[bytes]:
    wanted = _H264_SETS if codec == "h264" else _HEVC_SETS
    return [unit for unit in units if _unit_type(codec, unit) in wanted]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def place_in(part: list[str], whole: list[str]) -> int:
    """Where ``part`` stands as one run inside ``whole``; -1 when it does not."""
    if not part:
        return 0
    for start in (n for n, item in enumerate(whole) if item == part[0]):
        if whole[start : start + len(part)] == part:
            return start
    return -1
