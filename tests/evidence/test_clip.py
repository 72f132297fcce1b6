"""A clip shows what was on air at the moment asked for: measured by frame numbers and by sound."""

import os
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from core.clock import timecode
from core.errors import BadInputError, ConflictError, NotFoundError, StorageError
from core.records import Gap, Segment, Stream
from evidence.clip import Clip, cut_clip
from evidence.coverage import Stretch, clip_parts, stretch_around
from ingest.commands import PTS_ORIGIN_MS
from ingest.process import landlock_version
from ingest.segments import file_sha256
from store import recordings, streams
from store.engine import Database, open_database
from tests.timecode import MOMENT, RATE, chirp, frame_number, plain_epoch, record_epoch, write_media

OFFSET_MS = 7_000  # the epochs under test do not start at 0: stream time and PTS differ


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def db(data: Path):
    database = open_database(data / "livewitness.db")
    yield database
    database.close()


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_media(tmp_path_factory.mktemp("media") / "a.mp4", 20)


@pytest.fixture(scope="module")
def recorded(db: Database, data: Path, media: Path) -> list[Segment]:
    return record_epoch(db, data, media, plain_epoch("s", 0, OFFSET_MS))


def frames_at(path: Path, shift_ms: Fraction = Fraction(0)) -> dict[int, Fraction]:
    """Frame number → time in ms as the file gives it, plus ``shift_ms``."""
    with av.open(str(path)) as container:
        return {frame_number(f): Fraction(f.pts * f.time_base * 1000) + shift_ms for f in container.decode(video=0)}


def truth(data: Path, segments: list[Segment]) -> dict[int, Fraction]:
    """Frame number → stream time in ms, from the recorded files themselves."""
    known: dict[int, Fraction] = {}
    for segment in segments:
        known |= frames_at(data / segment.path, Fraction(OFFSET_MS - PTS_ORIGIN_MS))
    return known


def sound_of(path: Path) -> tuple[float, np.ndarray]:
    """Time in ms of the first sample, and all samples."""
    with av.open(str(path)) as container:
        blocks = [(float(f.pts * f.time_base) * 1000, f.to_ndarray().mean(axis=0)) for f in container.decode(audio=0)]
    return blocks[0][0], np.concatenate([samples for _, samples in blocks])


def heard_at(samples: np.ndarray, seconds: float = 20) -> float:
    """Where in the chirp, in ms, ``samples`` start: the peak of the cross-correlation, refined by a parabola."""
    whole = chirp(seconds)
    size = 1 << (len(whole) + len(samples)).bit_length()
    product = np.fft.rfft(whole, size) * np.conj(np.fft.rfft(samples, size))
    found = np.fft.irfft(product, size)[: len(whole)]
    peak = int(np.argmax(found))
    left, middle, right = found[peak - 1 : peak + 2]
    return (peak + 0.5 * (left - right) / (left - 2 * middle + right)) / RATE * 1000


def sound_origin_ms(data: Path, segments: list[Segment], tmp_path: Path) -> float:
    """Stream time of the chirp's beginning, measured on the recorded segments."""
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join((data / s.path).read_bytes() for s in segments))
    first_ms, samples = sound_of(joined)
    later = samples[RATE : RATE * 6]
    return first_ms + 1000 - heard_at(later) + OFFSET_MS - PTS_ORIGIN_MS


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(("start_ms", "end_ms"), [(12_345, 17_891), (11_004, 12_005), (OFFSET_MS + 100, 20_000)])
def test_an_exact_clip_is_0_ms_off(
    db: Database, data: Path, recorded: list[Segment], tmp_path: Path, suffix: str, start_ms: int, end_ms: int
) -> None:
    clip = cut_clip(db, data, "s", start_ms, end_ms, tmp_path / f"c{suffix}", "exact")

    expected = {n: t for n, t in truth(data, recorded).items() if start_ms <= t < end_ms}
    shown = frames_at(clip.path, Fraction(start_ms))
    assert shown.keys() == expected.keys()
    # Matroska keeps whole milliseconds; MP4 keeps the ticks of 1/90000 s that MPEG-TS has.
    tolerance = 1.0 if suffix == ".mkv" else 0.012
    assert max(abs(float(shown[n] - expected[n])) for n in expected) <= tolerance

    first_ms, samples = sound_of(clip.path)
    spoken_at = sound_origin_ms(data, recorded, tmp_path) + heard_at(samples)
    assert abs(start_ms + first_ms - spoken_at) <= 0.1 + (1.0 if suffix == ".mkv" else 0)

    assert (clip.start_ms, clip.lead_ms, clip.requested_end_ms) == (start_ms, 0, end_ms)
    assert abs(clip.end_ms - end_ms) <= 40


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("start_ms", [12_345, 9_100])
def test_a_copied_clip_starts_at_or_before_and_says_by_how_much(
    db: Database, data: Path, recorded: list[Segment], tmp_path: Path, suffix: str, start_ms: int
) -> None:
    clip = cut_clip(db, data, "s", start_ms, start_ms + 5000, tmp_path / f"c{suffix}", "copy")

    known = truth(data, recorded)
    shown = frames_at(clip.path)
    with av.open(str(clip.path)) as container:
        begins = Fraction((container.start_time or 0), 1000) if suffix == ".ts" else Fraction(0)
    assert max(abs(float(shown[n] - begins + clip.start_ms - known[n])) for n in shown) <= 1.5
    wanted = {n for n, t in known.items() if start_ms <= t < start_ms + 5000}
    assert wanted <= shown.keys()
    assert clip.start_ms <= start_ms
    assert clip.lead_ms == start_ms - clip.start_ms <= 2100
    assert clip.end_ms >= start_ms + 5000 - 40
    assert len(clip.segments) < len(recorded)

    _, samples = sound_of(clip.path)
    assert abs(clip.start_ms - sound_origin_ms(data, recorded, tmp_path) - heard_at(samples)) <= 1.5


def test_a_copied_clip_holds_the_recorded_frames_unchanged(
    db: Database, data: Path, recorded: list[Segment], tmp_path: Path
) -> None:
    clip = cut_clip(db, data, "s", 12_000, 16_000, tmp_path / "c.mp4")

    def pictures(path: Path) -> dict[int, bytes]:
        with av.open(str(path)) as container:
            return {frame_number(f): f.to_ndarray().tobytes() for f in container.decode(video=0)}

    originals: dict[int, bytes] = {}
    for segment in recorded:
        originals |= pictures(data / segment.path)
    copied = pictures(clip.path)
    assert len(copied) > 100
    assert all(originals[number] == picture for number, picture in copied.items())


def test_what_is_told_of_the_file_is_true(db: Database, data: Path, recorded: list[Segment], tmp_path: Path) -> None:
    clip = cut_clip(db, data, "s", 10_000, 13_000, tmp_path / "c.mp4")

    assert isinstance(clip, Clip)
    assert clip.sha256 == file_sha256(clip.path)
    assert clip.size == clip.path.stat().st_size
    assert [p.name for p in tmp_path.iterdir()] == ["c.mp4"]
    head = clip.path.read_bytes()[:4096]
    assert b"moov" in head, "the index comes first, so that playing starts before the file is loaded"
    again = cut_clip(db, data, "s", 10_000, 13_000, tmp_path / "d.mp4")
    assert again.sha256 == clip.sha256


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("sound.mp4", ("", "aac")), ("lossless.mkv", ("", "flac")), ("silent.mp4", ("libx264", ""))],
)
@pytest.mark.parametrize("mode", ["copy", "exact"])
def test_recordings_of_one_kind_are_cut_too(
    db: Database, data: Path, tmp_path: Path, name: str, kinds: tuple[str, str], mode: str
) -> None:
    stream = f"{name}-{mode}"
    media = write_media(tmp_path / name, 9, video=kinds[0], audio=kinds[1])
    record_epoch(db, data, media, plain_epoch(stream), ".mkv" if "flac" in kinds else ".ts")
    clip = cut_clip(db, data, stream, 3210, 6543, tmp_path / ("c.mp4" if kinds[0] else "c.m4a"), mode)  # type: ignore[arg-type]

    if kinds[1]:
        _, samples = sound_of(clip.path)
        error = clip.start_ms - heard_at(samples, 9)
        # The origin of the recording is the file's first timestamp, up to one AAC frame before its first sample.
        assert -2 <= error <= 25
    else:
        assert len(frames_at(clip.path)) >= 99
    assert clip.start_ms <= 3210
    assert clip.lead_ms <= (2100 if kinds[0] else 120)


def test_matroska_segments_join_without_a_seam(db: Database, data: Path, tmp_path: Path, media: Path) -> None:
    made = record_epoch(db, data, media, plain_epoch("mkv", 0, OFFSET_MS), ".mkv")
    clip = cut_clip(db, data, "mkv", 12_345, 17_891, tmp_path / "c.mp4", "exact")

    expected = {n: t for n, t in truth(data, made).items() if 12_345 <= t < 17_891}
    shown = frames_at(clip.path, Fraction(12_345))
    assert shown.keys() == expected.keys()
    assert max(abs(float(shown[n] - expected[n])) for n in expected) <= 0.012


@pytest.mark.parametrize("start_ms", [4000, 5000, 6500])
def test_a_copy_out_of_matroska_begins_with_the_keyframe_that_its_start_tells(
    db: Database, data: Path, tmp_path: Path, media: Path, start_ms: int
) -> None:
    """Matroska keeps no decoding times, and pictures are decoded before they are shown."""
    stream = f"copied-{start_ms}"
    made = record_epoch(db, data, media, plain_epoch(stream, 0, OFFSET_MS), ".mkv")
    clip = cut_clip(db, data, stream, OFFSET_MS + start_ms, OFFSET_MS + 9000, tmp_path / "c.mkv")

    shown = frames_at(clip.path, Fraction(clip.start_ms))
    begins = min(shown.values())
    expected = {n: t for n, t in truth(data, made).items() if begins - 1 <= t < OFFSET_MS + 9000}
    assert begins <= OFFSET_MS + start_ms
    assert expected.keys() <= shown.keys()
    assert max(abs(float(shown[n] - expected[n])) for n in expected) <= 1.0
    assert 0 <= clip.lead_ms <= 2300, "the keyframe before, and a little sound before that"
    assert clip.end_ms - (OFFSET_MS + 9000) <= 200


def test_the_unbroken_part_around_a_word(db: Database, data: Path, recorded: list[Segment]) -> None:
    end = recorded[-1].end_ms
    assert stretch_around(db, "s", end - 3000, end + 1000) == Stretch(0, end - 3000, end)
    assert stretch_around(db, "s", OFFSET_MS - 1000, OFFSET_MS + 2000) == Stretch(0, OFFSET_MS, OFFSET_MS + 2000)
    with pytest.raises(NotFoundError):
        stretch_around(db, "s", end - 1000, end + 3000)


@pytest.mark.parametrize("suffix", [".ts", ".mkv"])
def test_as_root_the_cut_can_be_made_by_nobody_out_of_folders_that_only_root_may_enter(
    tmp_path: Path, media: Path, suffix: str
) -> None:
    """Without root there is nobody to become, which is said."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with closing(open_database(closed / "livewitness.db")) as db:
        record_epoch(db, closed, media, plain_epoch("s"), suffix)
        cut = partial(cut_clip, db, closed, "s", 4000, 8000, closed / f"c{suffix}", ffmpeg_user="nobody")
        if os.geteuid():
            with pytest.raises(BadInputError, match="cannot_switch_user"):
                cut()
            return
        clip = cut()
    assert clip.path.stat().st_uid == 0
    assert abs(clip.end_ms - 8000) <= 200
    assert [p.name for p in closed.iterdir() if p.name.startswith(".")] == []


class TestRefused:
    """One clear sentence in two languages, and no file left behind."""

    @pytest.fixture
    def output(self, tmp_path: Path):
        folder = tmp_path / "out"
        folder.mkdir()
        yield folder / "c.mp4"
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize(("start_ms", "end_ms"), [(9000, 9000), (9000, 8000), (-5, 8000)])
    def test_an_empty_or_negative_range(
        self, db: Database, data: Path, recorded: list[Segment], output: Path, start_ms: int, end_ms: int
    ) -> None:
        with pytest.raises(BadInputError) as caught:
            cut_clip(db, data, "s", start_ms, end_ms, output)
        assert caught.value.code == "clip_range"

    def test_a_time_outside_the_recording_names_what_is_there(
        self, db: Database, data: Path, recorded: list[Segment], output: Path
    ) -> None:
        with pytest.raises(NotFoundError) as caught:
            cut_clip(db, data, "s", 90_000, 95_000, output)
        assert caught.value.code == "clip_outside"
        assert caught.value.hint
        assert "0:00:07" in caught.value.hint.en

    def test_an_unknown_stream(self, db: Database, data: Path, output: Path) -> None:
        with pytest.raises(NotFoundError) as caught:
            cut_clip(db, data, "无此流", 0, 1000, output)
        assert caught.value.code == "stream_unknown"

    def test_a_container_that_is_not_made(
        self, db: Database, data: Path, recorded: list[Segment], tmp_path: Path
    ) -> None:
        with pytest.raises(BadInputError) as caught:
            cut_clip(db, data, "s", 9000, 10_000, tmp_path / "c.avi")
        assert caught.value.code == "clip_suffix"

    def test_a_folder_that_is_not_there(
        self, db: Database, data: Path, recorded: list[Segment], tmp_path: Path
    ) -> None:
        with pytest.raises(StorageError) as caught:
            cut_clip(db, data, "s", 9000, 10_000, tmp_path / "none" / "c.mp4")
        assert caught.value.code == "clip_unwritable"

    def test_an_ffmpeg_that_is_not_there(self, db: Database, data: Path, recorded: list[Segment], output: Path) -> None:
        with pytest.raises(StorageError) as caught:
            cut_clip(db, data, "s", 9000, 10_000, output, ffmpeg="/none/ffmpeg")
        assert caught.value.code == "ffmpeg_start"

    @pytest.mark.parametrize(
        ("script", "code"),
        [
            ("echo 'Error writing trailer: No space left on device' >&2; exit 228", "clip_disk_full"),
            ("echo 'Could not find tag for codec' >&2; exit 1", "clip_failed"),
            ("kill -9 $$", "clip_failed"),
        ],
    )
    def test_a_cut_that_fails_leaves_nothing(
        self, db: Database, data: Path, recorded: list[Segment], output: Path, tmp_path: Path, script: str, code: str
    ) -> None:
        binary = tmp_path / "ffmpeg"
        take_target = "for word; do case $word in -*) ;; *) target=${word#file:} ;; esac; done"
        binary.write_text(f'#!/bin/sh\n{take_target}\necho half > "$target"\n{script}\n')
        binary.chmod(0o755)
        with pytest.raises((StorageError, BadInputError)) as caught:
            cut_clip(db, data, "s", 9000, 10_000, output, ffmpeg=str(binary))
        assert caught.value.code == code

    def test_the_cutting_ffmpeg_gets_no_secret_and_writes_nowhere_else(
        self,
        db: Database,
        data: Path,
        recorded: list[Segment],
        output: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("LIVEWITNESS_SIGNING_KEY", "a-secret")
        binary, outside = tmp_path / "ffmpeg", tmp_path / "outside"
        binary.write_text(f'#!/bin/sh\necho x > "{outside}"\necho "key: $LIVEWITNESS_SIGNING_KEY" >&2\nexit 1\n')
        binary.chmod(0o755)
        with pytest.raises(BadInputError, match="key:") as caught:
            cut_clip(db, data, "s", 9000, 10_000, output, ffmpeg=str(binary))
        assert "a-secret" not in str(caught.value)
        assert not (outside.exists() and landlock_version())

    def test_a_gap_is_named_with_the_parts_beside_it(self, db: Database, data: Path, media: Path, output: Path) -> None:
        first = record_epoch(db, data, media, plain_epoch("gap"))
        end = first[-1].end_ms
        with db.write() as connection:
            recordings.add_gap(connection, Gap("gap", 0, end, end + 9000, "source_lost", MOMENT, MOMENT))
        record_epoch(db, data, media, plain_epoch("gap", 1, end + 9000))
        with pytest.raises(BadInputError) as caught:
            cut_clip(db, data, "gap", end - 4000, end + 12_000, output)
        assert caught.value.code == "clip_gap"
        assert "source_lost" in caught.value.sentence.zh
        assert timecode(end) in caught.value.sentence.en
        assert timecode(end + 9000) in caught.value.sentence.en
        parts = clip_parts(db, "gap", end - 4000, end + 12_000)
        assert [(p.epoch, p.start_ms, p.end_ms) for p in parts] == [(0, end - 4000, end), (1, end + 9000, end + 12_000)]
        assert caught.value.hint
        assert all(str(part) in caught.value.hint.en for part in parts)

    def test_a_restart_without_a_gap_is_a_border_too(self, db: Database, data: Path, media: Path, output: Path) -> None:
        end = record_epoch(db, data, media, plain_epoch("again"))[-1].end_ms
        record_epoch(db, data, media, plain_epoch("again", 1, end))
        with pytest.raises(BadInputError) as caught:
            cut_clip(db, data, "again", end - 3000, end + 3000, output)
        assert "restarted" in caught.value.sentence.en
        for part in clip_parts(db, "again", end - 3000, end + 3000):
            made = output.with_name(f"{part.epoch}.mp4")
            assert cut_clip(db, data, "again", part.start_ms, part.end_ms, made).size > 0
            made.unlink()

    @pytest.mark.parametrize("harm", ["flip", "remove"])
    def test_a_damaged_segment_is_named(self, db: Database, data: Path, media: Path, output: Path, harm: str) -> None:
        made = record_epoch(db, data, media, plain_epoch(harm))
        victim = data / made[3].path
        content = bytearray(victim.read_bytes())
        victim.unlink()
        if harm == "flip":
            content[len(content) // 2] ^= 1
            victim.write_bytes(content)
        with pytest.raises(ConflictError) as caught:
            cut_clip(db, data, harm, made[3].start_ms + 100, made[3].end_ms - 100, output)
        assert caught.value.code == "segment_damaged"
        assert made[3].path in caught.value.sentence.zh
        beside = cut_clip(db, data, harm, made[1].start_ms + 50, made[2].end_ms - 50, output)
        assert made[3].sequence not in beside.segments
        output.unlink()

    def test_a_segment_path_cannot_lead_outside(
        self, db: Database, data: Path, recorded: list[Segment], output: Path, tmp_path: Path
    ) -> None:
        secret = tmp_path / "secret.ts"
        secret.write_bytes((data / recorded[0].path).read_bytes())
        foreign = replace(recorded[0], stream="evil", path=os.path.relpath(secret, data))
        with db.write() as connection:
            streams.open_stream(connection, Stream("evil", "x"))
            recordings.put_epoch(connection, replace(plain_epoch("evil"), offset_ms=OFFSET_MS))
            recordings.add_segment(connection, foreign)
        with pytest.raises(ConflictError):
            cut_clip(db, data, "evil", foreign.start_ms, foreign.end_ms, output)
