"""Faces seen from the front, found by a cascade of local binary patterns (Liao et al. 2007). Needs extra ``vision``.

The detector comes with scikit-image. It misses faces from the side, small ones and covered ones: it helps a person who
masks a recording, it does not replace them.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Sentence, UsageError
from evidence.masks import Box

_WIDTH = 640
_LEAST, _STEP, _SCALE = 24, 1, 1.15
_MARGIN = 0.35
"""A face is hidden with this share of its size around it: hair, chin and ears are not in the box found."""


class FaceFinder:
    """Finds faces in pictures. Raises `UsageError` when it is made without the extra ``vision``."""

    def __init__(self) -> None:
        try:
            import skimage
            from skimage.feature import Cascade
        except ImportError as error:
            raise UsageError(
                "vision_missing",
                "自动找脸需要 scikit-image，尚未安装。",
                "Finding faces needs scikit-image, which is not installed.",
                hint=Sentence(
                    ".venv/bin/pip install -c constraints.txt '.[vision]'，或用 --blur 指定矩形",
                    "in the checkout, with the extra named vision; or give rectangles with --blur",
                ),
            ) from error
        model = Path(skimage.__file__).parent / "data" / "lbpcascade_frontalface_opencv.xml"
        self._cascade: Any = Cascade(str(model))

    def find(self, picture: NDArray[np.uint8]) -> list[Box]:
        """Boxes around the faces of an RGB picture, with a margin, inside the picture."""
        height, width = picture.shape[:2]
        step = max(1, round(width / _WIDTH))
        small = _reduced(picture, step)
        most = min(small.shape[:2])
        if most < _LEAST * 2:
            return []
        found = self._cascade.detect_multi_scale(
            img=small, scale_factor=_SCALE, step_ratio=_STEP, min_size=(_LEAST, _LEAST), max_size=(most, most)
        )
        return [_widened(face, step, width, height) for face in found]


def _reduced(picture: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """The picture with each ``step`` by ``step`` pixels as their mean."""
    rows, columns = picture.shape[0] // step, picture.shape[1] // step
    blocks = picture[: rows * step, : columns * step].reshape(rows, step, columns, step, 3)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.uint8)


def _widened(face: dict[str, int], step: int, width: int, height: int) -> Box:
    size = face["width"] * step, face["height"] * step
    more = round(size[0] * _MARGIN), round(size[1] * _MARGIN)
    left, top = max(0, face["c"] * step - more[0]), max(0, face["r"] * step - more[1])
    right = min(width, face["c"] * step + size[0] + more[0])
    bottom = min(height, face["r"] * step + size[1] + more[1])
    return Box(left, top, right - left, bottom - top)
