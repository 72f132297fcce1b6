"""Faces from the front are found, and hidden with a margin; pictures without one are left alone."""

from pathlib import Path

import numpy as np
import pytest

from evidence.faces import FaceFinder


@pytest.fixture(scope="module")
def portrait():
    from skimage import data

    return data.astronaut()


def test_a_face_is_found_with_its_margin(portrait) -> None:
    boxes = FaceFinder().find(portrait)
    # The face of this well-known portrait lies about (175..270, 65..165).
    assert any(b.x < 190 and b.y < 90 and b.x + b.width > 255 and b.y + b.height > 150 for b in boxes)
    assert all(b.x >= 0 and b.y >= 0 and b.x + b.width <= 512 and b.y + b.height <= 512 for b in boxes)


def test_a_large_picture_is_looked_at_in_small(portrait) -> None:
    large = np.zeros((1440, 2560, 3), np.uint8)
    large[400:1424, 800:1824] = portrait.repeat(2, axis=0).repeat(2, axis=1)
    boxes = FaceFinder().find(large)
    assert any(b.x < 800 + 380 and b.x + b.width > 800 + 510 and b.y < 400 + 180 for b in boxes)


def test_where_there_is_none_none_is_found() -> None:
    assert FaceFinder().find(np.full((360, 640, 3), 90, np.uint8)) == []
    assert FaceFinder().find(np.zeros((20, 20, 3), np.uint8)) == []


def test_a_moving_picture_is_hidden_around_the_moments_looked_at(portrait, tmp_path: Path) -> None:
    import av

    from evidence.hiding import find_boxes, write_hidden

    source, target = tmp_path / "in.mp4", tmp_path / "out.mp4"
    with av.open(str(source), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width = stream.height = 512
        stream.pix_fmt = "yuv420p"
        for _ in range(10):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(portrait, format="rgb24")))
        out.mux(stream.encode(None))
    boxes = find_boxes(source, FaceFinder().find)
    write_hidden(source, target, (), boxes)
    with av.open(str(target)) as shown:
        frames = [frame.to_ndarray(format="rgb24") for frame in shown.decode(video=0)]
    assert len(frames) == 10
    for frame in frames:
        assert np.abs(frame[80:150, 190:260].astype(int) - portrait[80:150, 190:260]).mean() > 15
    assert all(FaceFinder().find(frame[:200, 150:300].copy()) == [] for frame in frames)
