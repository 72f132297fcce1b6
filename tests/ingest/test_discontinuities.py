"""A live source that leaps in time, changes codec or loses its sound stays recorded, and what happened is told.

Each source is one broadcast over loopback that goes on whoever listens. Clicks at whole seconds of the media show
that what was said after the break is heard, and where it lies.
"""

import subprocess
import threading
import time

import av
import numpy as np
import pytest

from ingest import changes
from ingest.pcm import decode_pcm
from ingest.segments import inspect
from ingest.session import ReconnectPolicy, StreamRecorder
from ingest.sources import parse_source
from tests.ingest.broadcaster import Broadcaster, Playlist

LENGTH = 8
WRAP_S = 2**33 / 90_000
TOLD_WITHIN_S = 30
POLICY = ReconnectPolicy(first_delay_s=0.1, max_delay_s=0.2, give_up_after_s=5)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def shots(tmp_path_factory, request):
    """MPEG-TS pieces of ``LENGTH`` seconds by kind and start time; a click at every second."""
    folder = tmp_path_factory.mktemp("shots")
    make = request.getfixturevalue("session_make")
    made = {}

    def shot(kind: str, start: float) -> bytes:
        if kind not in made:
            size = "320x180" if kind == "large" else "160x90"
            rate = 48_000 if kind == "48k" else 44_100
            clicks = f"aevalsrc='if(lt(mod(t,1),0.01),0.8*sin(2*PI*2000*t),0)':s={rate}:d={LENGTH}"
            audio = ["-an"] if kind == "mute" else ["-c:a", "libmp3lame" if kind == "mp3" else "aac"]
            made[kind] = folder / f"{kind}.mkv"
            make(
                "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={LENGTH}", "-f", "lavfi", "-i", clicks,
                "-c:v", "libx265" if kind == "hevc" else "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0",
                *audio, made[kind],
            )  # fmt: skip
        target = folder / f"{kind}-{start}.ts"
        make("-i", made[kind], "-c", "copy", "-output_ts_offset", start, "-muxdelay", "0", "-muxpreload", "0", target)
        return target.read_bytes()

    return shot


@pytest.fixture(scope="session")
def session_make():
    from ingest.commands import ffmpeg_path

    def make(*arguments):
        command = [ffmpeg_path(), "-v", "error", "-y", *map(str, arguments)]
        subprocess.run(command, check=True, timeout=120, stderr=subprocess.DEVNULL)

    return make


class Run:
    """A recorder in a thread of its own."""

    def __init__(self, url, folder, listener, **options):
        self.listener, self._folder = listener, folder
        self._recorder = StreamRecorder(
            "room", parse_source(url), folder, listener, segment_seconds=2, min_free_bytes=0, policy=POLICY, **options
        )
        self._failures = []
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            self._recorder.run()
        except BaseException as failure:  # noqa: BLE001 - shown by the test itself
            self._failures.append(failure)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._recorder.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()
        assert self._failures == []

    def wait(self, condition, seconds=TOLD_WITHIN_S):
        deadline = time.monotonic() + seconds
        while not condition():
            assert self._thread.is_alive() and time.monotonic() < deadline
            time.sleep(0.02)

    def shapes(self, epoch):
        return [inspect(self._folder / s.path).shape for s in self.listener.segments if s.epoch == epoch]


def clicks(samples):
    """Seconds at which clicks begin."""
    whole = samples if samples.dtype == np.int16 else (samples * 32_768).astype(np.int16)
    loud = np.flatnonzero(np.abs(whole.astype(np.int32)) > 6_000)
    return loud[np.insert(np.diff(loud) > 8_000, 0, True)] / 16_000


def beats(samples):
    """Seconds from each click to the next."""
    return np.diff(clicks(samples))


@pytest.mark.parametrize(
    ("kind", "start", "reason"),
    [
        ("plain", 10 + LENGTH + 26 * 3600, "source_time_jumped"),
        ("plain", 10 + LENGTH - 5, "source_time_jumped"),
        ("large", 10 + LENGTH, "source_changed"),
        ("48k", 10 + LENGTH, "source_changed"),
        ("mp3", 10 + LENGTH, "source_changed"),
        ("hevc", 10 + LENGTH, "source_changed"),
    ],
    ids=["26 hours ahead", "5 s back", "resolution", "sampling rate", "audio codec", "video codec"],
)
def test_a_leap_or_a_change_ends_the_epoch_and_the_next_one_goes_on(tmp_path, listener, shots, kind, start, reason):
    before = shots("plain", 10)
    after = [(shots(kind, start + n * LENGTH), LENGTH) for n in range(3)]
    with (
        Broadcaster((before, LENGTH), *after, speed=2) as server,
        Run(server.url, tmp_path, listener) as run,
    ):
        run.wait(lambda: listener.gaps)
        run.wait(lambda: len([s for s in listener.segments if s.epoch == 2]) >= 2)
    assert [gap.reason for gap in (listener.opened_gaps[0], listener.gaps[0])] == [reason, reason]
    first, second = listener.epochs[:2]
    kept = sum(s.end_ms - s.start_ms for s in listener.segments if s.epoch == 1)
    assert kept >= (LENGTH - 1) * 1000, "what came before the break is kept"
    assert second.offset_ms >= first.offset_ms + kept
    heard = listener.samples(2)
    assert heard.size > 2 * 16_000
    assert np.allclose(beats(heard), 1, atol=0.06), "what comes after it is heard as it was said"
    assert listener.samples(1).size <= (2 * LENGTH + 1) * 16_000, "nothing is made up"
    shape = run.shapes(2)[-1]
    assert {
        "large": shape.width == 320,
        "mp3": second.audio_codec == "mp3" and shape.audio.startswith("mp3"),
        "hevc": second.video_codec == "hevc" and shape.video == "hevc",
    }.get(kind, True)


def test_a_clock_that_wraps_after_26_hours_is_no_break_at_all(tmp_path, listener, shots):
    parts = [(shots("plain", WRAP_S - LENGTH), LENGTH), (shots("plain", 0), LENGTH), (shots("plain", LENGTH), LENGTH)]
    with (
        Broadcaster(*parts, speed=2) as server,
        Run(server.url, tmp_path, listener) as run,
    ):
        run.wait(lambda: listener.blocks and listener.blocks[-1][1] > (2 * LENGTH + 2) * 16_000)
    assert (len(listener.epochs), listener.gaps) == (1, [])
    assert np.allclose(beats(listener.samples()), 1, atol=0.06)
    ends = [s.end_ms for s in listener.segments]
    assert ends == sorted(ends) and ends[-1] > 2 * LENGTH * 1000


def test_sound_that_stops_is_told_and_pictures_stay_recorded_until_it_is_back(tmp_path, listener, shots, monkeypatch):
    monkeypatch.setattr(changes, "MUTE_AFTER_S", 1.5)
    start = 10 + LENGTH
    mute = (shots("mute", start), LENGTH)
    with (
        Broadcaster(
            (shots("plain", 10), LENGTH), mute, (shots("plain", start + LENGTH), LENGTH), (b"", 20), speed=2
        ) as server,
        Run(server.url, tmp_path, listener) as run,
    ):
        run.wait(lambda: listener.losses)
        run.wait(lambda: any(s.end_ms > (2 * LENGTH + 3) * 1000 for s in listener.segments))
    epoch, lost_ms = listener.losses[0]
    assert epoch == 1
    assert lost_ms == pytest.approx(LENGTH * 1000, abs=300)
    assert len(listener.losses) == 1
    silent = [shape for shape in run.shapes(1) if not shape.audio]
    assert silent and all(shape.video == "h264" for shape in silent)
    last = listener.epochs[-1].number
    heard = listener.samples(last)
    assert np.abs(heard[-32_000:].astype(int)).max() > 6_000, "the sound is heard again"


def test_an_hls_source_that_leaps_is_neither_recorded_twice_nor_cut(tmp_path, listener, shots, session_make):
    pieces = []
    for start in (10, 10 + LENGTH + 26 * 3600):
        whole = tmp_path / f"{start}.ts"
        whole.write_bytes(shots("plain", start))
        pattern = tmp_path / f"{start}-%02d.ts"
        cut = ["-f", "segment", "-segment_time", 2, "-segment_format", "mpegts", "-muxdelay", 0, "-muxpreload", 0]
        session_make("-copyts", "-i", whole, "-c", "copy", *cut, pattern)
        pieces.append([path.read_bytes() for path in sorted(tmp_path.glob(f"{start}-*.ts"))])
    folder = tmp_path / "served"
    folder.mkdir()
    with (
        Playlist(folder, [*pieces[0], None, *pieces[1]], seconds=2) as server,
        Run(server.url, tmp_path / "data", listener) as run,
    ):
        run.wait(lambda: listener.gaps)
        run.wait(
            lambda: any(s.epoch == 2 and s.end_ms > listener.epochs[1].offset_ms + 5_000 for s in listener.segments)
        )
    assert listener.gaps[0].reason == "source_time_jumped"
    recorded = {n: sum(s.end_ms - s.start_ms for s in listener.segments if s.epoch == n) for n in (1, 2)}
    assert (LENGTH - 0.5) * 1000 <= recorded[1] <= (LENGTH + 2.5) * 1000
    assert sum(recorded.values()) <= (2 * LENGTH + 2.5) * 1000, "at most one segment is there twice"


def test_a_playlist_that_freezes_is_told_while_it_lasts(tmp_path, listener, shots):
    folder = tmp_path / "served"
    folder.mkdir()
    with (
        Playlist(folder, [shots("plain", 10)], seconds=0, target=LENGTH) as server,
        Run(server.url, tmp_path / "data", listener, silent_after_s=3) as run,
    ):
        run.wait(lambda: listener.opened_gaps)
        assert listener.gaps == []
    assert listener.opened_gaps[0].reason == "source_silent"
    assert listener.opened_gaps[0].start_ms == pytest.approx(LENGTH * 1000, abs=500)
    assert sum(s.end_ms - s.start_ms for s in listener.segments) >= (LENGTH - 1) * 1000


def test_times_of_a_file_that_wraps_in_the_middle_go_on(tmp_path, shots):
    """Segments of one epoch, the counter of MPEG-TS starting again between them: samples stay where they are."""
    paths = []
    for number, start in enumerate((WRAP_S - LENGTH, 0)):
        paths.append(tmp_path / f"{number}.ts")
        paths[-1].write_bytes(shots("plain", start))
    origin_ms = round((WRAP_S - LENGTH) * 1000)
    whole = np.concatenate(list(decode_pcm(paths, origin_ms=origin_ms)))
    assert whole.size == pytest.approx(2 * LENGTH * 16_000, abs=1_600)
    assert np.allclose(beats(whole), 1, atol=0.06)
    for start_ms in (LENGTH * 1000 + 500, LENGTH * 1000 + 6_500):
        tail = np.concatenate(list(decode_pcm(paths[1:], start_ms=start_ms, origin_ms=origin_ms)))
        later = [at - start_ms / 1000 for at in clicks(whole) if at > start_ms / 1000]
        assert np.allclose(clicks(tail), later, atol=0.002)
    with av.open(str(paths[1])) as container:
        assert container.start_time < 1_000_000
