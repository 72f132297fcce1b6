"""A contact sheet: what a clip shows, each picture with its time in the stream. Needs the extra ``vision``."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.clock import timecode
from core.errors import BadInputError, Sentence, UsageError
from evidence.clip import Clip
from evidence.cutting import written_whole

_TILE_WIDTH = 320
_BAND = 22
_COLUMNS = 4
Picture = NDArray[np.uint8]


def write_sheet(clip: Clip, output: Path, *, pictures: int = 12) -> int:
    """Write ``pictures`` evenly spread frames of ``clip`` as one .jpg or .png; returns how many there are.

    Raises `UsageError` without the extra ``vision`` or for another suffix, `BadInputError` for a clip without pictures.
    """
    cv2 = _opencv()
    if output.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise UsageError("sheet_suffix", "缩略图只能存为 .jpg 或 .png。", "A contact sheet is a .jpg or .png file.")
    tiles = [_tile(cv2, frame, clip.start_ms + at_ms) for frame, at_ms in _frames(cv2, clip, pictures)]
    if not tiles:
        raise BadInputError("sheet_no_picture", "这个片段没有画面。", "This clip has no pictures.")
    encoded, data = cv2.imencode(output.suffix.lower(), _grid(tiles))
    if not encoded:
        raise BadInputError("sheet_failed", "缩略图无法编码。", "The contact sheet could not be encoded.")
    with written_whole(output) as partial:
        partial.write_bytes(data.tobytes())
    return len(tiles)


def _opencv() -> Any:  # noqa: ANN401 - OpenCV is an optional dependency
    try:
        import cv2
    except ImportError as error:
        raise UsageError(
            "vision_missing",
            "缩略图需要 OpenCV，尚未安装。",
            "A contact sheet needs OpenCV, which is not installed.",
            hint=Sentence(
                ".venv/bin/pip install -c constraints.txt '.[vision]'", "in the checkout, with the extra named vision"
            ),
        ) from error
    return cv2


def _frames(cv2: Any, clip: Clip, pictures: int) -> list[tuple[Picture, int]]:  # noqa: ANN401 - as above
    """Frames at the middles of ``pictures`` equal parts, with their own time in ms from the clip's start."""
    video = cv2.VideoCapture(str(clip.path), cv2.CAP_FFMPEG)
    part = (clip.end_ms - clip.start_ms) / pictures
    found: list[tuple[Picture, int]] = []
    try:
        while len(found) < pictures:
            at_ms = video.get(cv2.CAP_PROP_POS_MSEC)
            if not video.grab():
                break
            at_ms = max(at_ms, video.get(cv2.CAP_PROP_POS_MSEC))
            if at_ms >= (len(found) + 0.5) * part:
                read, frame = video.retrieve()
                if read:
                    found.append((frame, round(at_ms)))
    finally:
        video.release()
    return found


def _tile(cv2: Any, frame: Picture, stream_ms: int) -> Picture:  # noqa: ANN401 - as above
    height = max(1, round(frame.shape[0] * _TILE_WIDTH / frame.shape[1]))
    small = cv2.resize(frame, (_TILE_WIDTH, height), interpolation=cv2.INTER_AREA)
    band = np.full((_BAND, _TILE_WIDTH, 3), 24, dtype=np.uint8)
    place, white = (6, _BAND - 7), (255, 255, 255)
    cv2.putText(band, timecode(stream_ms), place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, white, 1, cv2.LINE_AA)
    tile: Picture = np.concatenate((small, band))
    return tile


def _grid(tiles: list[Picture]) -> Picture:
    """Tiles in rows of four; the last row is filled up with dark."""
    rows = math.ceil(len(tiles) / _COLUMNS)
    columns = min(_COLUMNS, len(tiles))
    height, width, depth = tiles[0].shape
    sheet = np.full((rows * height, columns * width, depth), 24, dtype=np.uint8)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, _COLUMNS)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
    return sheet
