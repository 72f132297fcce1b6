"""A machine that is too slow loses nothing: provisionals go first, finals come late and say so."""

import time
from dataclasses import replace
from difflib import SequenceMatcher

import pytest

from asr.scheduler import DecodeScheduler
from core.pinyin import merged_syllables
from core.records import Stream
from ingest.hls_server import HlsLoopbackServer
from ingest.sources import parse_source
from pipeline import ear
from pipeline.live import StreamWatch, WatchOptions
from store import recordings, utterances

pytestmark = pytest.mark.slow


class Slowed:
    """The real engine, each decode ``seconds`` later."""

    def __init__(self, engine, seconds):
        self._engine, self._seconds = engine, seconds
        self.identity, self.batch_size = engine.identity, engine.batch_size

    def encode(self, windows, *, pad_frames):
        time.sleep(self._seconds)
        return self._engine.encode(windows, pad_frames=pad_frames)

    def generate(self, encoded, *, beam_size, max_tokens):
        return self._engine.generate(encoded, beam_size=beam_size, max_tokens=max_tokens)

    def align(self, encoded, hypotheses):
        return self._engine.align(encoded, hypotheses)


class Drops:
    def __init__(self):
        self.dropped_count = self.finals = 0

    def decoded(self, stream, kind, *, audio_s, waited_s, decode_s, looped):
        self.finals += kind == "final"

    def dropped(self, stream, reason):
        self.dropped_count += 1

    def queued(self, stream, kind, waiting):
        pass


def test_a_live_stream_on_a_machine_too_slow_is_transcribed_to_the_last_second(parts, piece, engine, monkeypatch):
    monkeypatch.setattr(ear, "LAG_FROM_MS", 5_000)
    meter = Drops()
    scheduler = DecodeScheduler(Slowed(engine, 4.5), meter=meter)
    told = []
    with HlsLoopbackServer(piece, realtime=True) as server:
        stream = Stream(name="slow", source=server.url)
        slow = replace(parts, scheduler=scheduler)
        result = StreamWatch(slow, stream, parse_source(server.url), told.append, WatchOptions()).run()
    scheduler.close()
    assert result.reason == "ended"
    assert meter.dropped_count > 0
    assert meter.finals >= 4
    lags = [event for event in told if event["event"] == "lag"]
    assert lags
    assert max(event["lag"] for event in lags) >= 5

    with parts.db.read() as connection:
        last = recordings.last_segment(connection, "slow")
        cursor = recordings.transcribed_ms(connection, "slow", last.epoch)
        heard = "".join(u.text for u in utterances.list_utterances(connection, "slow"))
    assert cursor >= last.end_ms - 500, "sound ends a little before the picture"
    whole = Stream(name="whole", source=str(piece))
    StreamWatch(parts, whole, parse_source(str(piece)), told.append, WatchOptions()).run()
    with parts.db.read() as connection:
        wanted = "".join(u.text for u in utterances.list_utterances(connection, "whole"))
    sounds = SequenceMatcher(None, merged_syllables(heard), merged_syllables(wanted), autojunk=False)
    assert sounds.ratio() > 0.85
