"""A watch records, hears and stores everything once, whatever interrupts it."""

import threading
import time
from difflib import SequenceMatcher
from itertools import pairwise

import pytest

from core.errors import ConflictError
from core.pinyin import merged_syllables
from core.records import Stream
from ingest.hls_server import HlsLoopbackServer
from ingest.sources import parse_source
from pipeline.live import StreamWatch, WatchOptions
from store import alerts, recordings, utterances

pytestmark = pytest.mark.slow


def watch(parts, source, name="s", emit=None, **options) -> StreamWatch:
    stream = Stream(name=name, source=str(source))
    return StreamWatch(parts, stream, parse_source(str(source)), emit or (lambda event: None), WatchOptions(**options))


def heard(parts, name="s") -> list[str]:
    with parts.db.read() as connection:
        return [u.text for u in utterances.list_utterances(connection, name)]


def sounds_alike(one: str, other: str) -> float:
    return SequenceMatcher(None, merged_syllables(one), merged_syllables(other), autojunk=False).ratio()


def test_a_file_is_recorded_heard_and_judged_once(parts, piece) -> None:
    events: list[dict] = []
    result = watch(parts, piece, emit=events.append).run()
    assert (result.reason, result.gaps) == ("ended", 0)
    assert 23_900 <= result.recorded_ms <= 24_200
    names = [event["event"] for event in events]
    assert names[:2] == ["stream.started", "epoch"]
    assert names[-1] == "stream.ended"
    assert {"segment", "utterance", "alert"} <= set(names)
    spots = [e for e in events if e["event"] == "alert" and e["category"] == "cosmetic_special"]
    assert any(abs(alert["start"] - 5.76) < 1 for alert in spots), spots

    before = heard(parts)
    again = watch(parts, piece).run()
    assert again.reason == "already_done"
    assert heard(parts) == before


def test_segments_on_disk_are_what_the_store_says(parts, piece) -> None:
    watch(parts, piece).run()
    with parts.db.read() as connection:
        segments = recordings.list_segments(connection, "s")
        epoch = recordings.list_epochs(connection, "s")[0]
        assert recordings.transcribed_ms(connection, "s", epoch.number) >= 23_000
    assert epoch.complete
    assert [s.sequence for s in segments] == list(range(1, len(segments) + 1))
    assert all((parts.data_dir / s.path).stat().st_size == s.size for s in segments)
    assert all(a.end_ms == b.start_ms for a, b in pairwise(segments))


def test_a_stopped_file_goes_on_where_it_stood(parts, piece, tmp_path) -> None:
    first: list[dict] = []
    stopping = watch(parts, piece, realtime=True, emit=first.append)
    threading.Timer(14, stopping.stop).start()
    assert stopping.run().reason == "stopped"
    part = heard(parts)
    assert part
    assert watch(parts, piece).run().reason == "ended"
    whole = heard(parts)
    assert "".join(whole).count("三天") == 1
    with parts.db.read() as connection:
        assert len(recordings.list_epochs(connection, "s")) == 1
        found = alerts.list_alerts(connection, stream="s")
    assert len({a.id for a in found}) == len(found)
    assert "第一" in whole[-1]


def test_live_audio_faster_than_we_can_listen_is_heard_from_the_segments(parts, piece) -> None:
    with HlsLoopbackServer(piece, realtime=False) as server:
        result = watch(parts, server.url, "fast").run()
    assert result.reason == "ended"
    watch(parts, piece, "file").run()
    # A few milliseconds of offset change a character here and there; missing seconds would cost whole sentences.
    assert sounds_alike("".join(heard(parts, "fast")), "".join(heard(parts, "file"))) > 0.85


def test_a_second_watcher_is_refused_and_the_first_goes_on(parts, piece) -> None:
    first = watch(parts, piece, realtime=True)
    runner = threading.Thread(target=first.run)
    runner.start()
    time.sleep(1.5)
    with pytest.raises(ConflictError) as caught:
        watch(parts, piece).run()
    assert caught.value.code == "stream_busy"
    first.stop()
    runner.join(30)
    assert not runner.is_alive()
    with parts.db.read() as connection:
        assert recordings.list_segments(connection, "s") is not None
