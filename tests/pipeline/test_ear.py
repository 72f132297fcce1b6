"""An ear that goes on after a kill begins at its cursor, with the seconds before it in mind."""

from contextlib import closing

import numpy as np
import pytest

from asr.transcriber import RECALL_SAMPLES, Listener
from ingest.pcm import decode_pcm
from models.vad import load_vad
from pipeline.ear import Ear, EarContext
from pipeline.scribe import Scribe, shelf_of
from store import recordings
from tests.timecode import plain_epoch, record_epoch, write_media

EPOCH = plain_epoch("s", 1, offset_ms=7_000)


class Remembering(Listener):
    """A listener that keeps what it was to recall."""

    recalled = np.zeros(0, dtype=np.float32)

    def recall(self, samples):
        self.recalled = samples
        super().recall(samples)


@pytest.fixture
def ear_at(parts, tmp_path):
    made = record_epoch(parts.db, parts.data_dir, write_media(tmp_path / "a.mp4", 12), EPOCH)
    listeners = []

    def listener(start_ms, live):
        listeners.append(Remembering(load_vad(), start_ms=start_ms))
        return listeners[-1]

    def ear(cursor_ms):
        with parts.db.write() as connection:
            recordings.advance_cursor(connection, "s", 1, EPOCH.offset_ms + cursor_ms)
        scribe = Scribe(parts.db, parts.checker, parts.model, shelf_of(parts.db, "s", ""))
        context = EarContext(parts.db, parts.data_dir, scribe, listener, parts.scheduler, lambda event: None)
        with closing(Ear(context, EPOCH, live=True)):
            return listeners[-1], made

    return ear


@pytest.mark.parametrize(("cursor_ms", "recalled"), [(0, 0), (1_000, 15_872), (9_000, RECALL_SAMPLES)])
def test_the_audio_before_the_cursor_is_recalled_as_it_was(parts, ear_at, cursor_ms, recalled) -> None:
    listener, made = ear_at(cursor_ms)
    assert listener.settled_ms == cursor_ms
    assert len(listener.recalled) == recalled
    whole = np.concatenate(list(decode_pcm([parts.data_dir / s.path for s in made], origin_ms=EPOCH.pts_origin_ms)))
    there = whole[cursor_ms * 16 - recalled : cursor_ms * 16]
    # Resampled from another place on: a third of a sample apart, in a chirp.
    assert np.allclose(listener.recalled, there, atol=0.15)


def test_without_the_recording_it_begins_cold(parts, ear_at, tmp_path) -> None:
    with parts.db.read() as connection:
        paths = [parts.data_dir / s.path for s in recordings.list_segments(connection, "s")]
    for path in paths:
        path.unlink()
    listener, _ = ear_at(9_000)
    assert (listener.settled_ms, len(listener.recalled)) == (9_000, 0)
