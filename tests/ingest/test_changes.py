"""What ends a live epoch, judged from messages, segments and the clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.changes import MUTE_AFTER_S, ShapeWatch, Sight, SourceWatch
from ingest.diagnosis import InputReport
from ingest.segments import Shape

SD = Shape("h264", 1280, 720, "aac")
UNREADABLE = Shape("h264", 0, 0, "aac")


def changed(*shapes: Shape) -> bool:
    watch = ShapeWatch()
    for shape in shapes:
        watch.see(shape)
    return watch.changed


@pytest.mark.parametrize(
    ("shapes", "other"),
    [
        ((SD, SD), False),
        ((SD, Shape("h264", 1920, 1080, "aac")), True),
        ((SD, Shape("hevc", 1280, 720, "aac")), True),
        ((SD, Shape("h264", 1280, 720, "mp3float")), True),
        ((SD, UNREADABLE, SD, UNREADABLE, SD), False),
        ((SD, UNREADABLE, UNREADABLE), True),
        ((UNREADABLE, UNREADABLE, UNREADABLE), False),
        ((UNREADABLE, SD, SD), False),
        ((SD, Shape("h264", 1280, 720), SD), False),
        ((Shape("h264", 1280, 720), SD, SD), False),
        ((SD, Shape(audio="aac"), SD), False),
    ],
)
def test_other_codecs_and_sizes_are_a_change_and_a_damaged_or_soundless_segment_is_none(shapes, other):
    assert changed(*shapes) is other


def watching(*, audio: bool = True) -> SourceWatch:
    watch = SourceWatch(audio=audio, silent_after_s=20)
    watch.look(InputReport(), Sight(100, 1, 0.0))
    return watch


def test_pictures_without_sound_are_mute_and_nothing_at_all_is_silent():
    watch, report = watching(), InputReport()
    for second in range(1, 30):
        assert watch.look(report, Sight(100, 1 + second, float(second))) == ""
        assert watch.mute is (second >= MUTE_AFTER_S)
    assert watch.look(report, Sight(200, 31, 30.0)) == "" and not watch.mute
    assert watch.look(report, Sight(200, 31, 50.5)) == "silent" and not watch.mute


def test_a_source_recorded_without_sound_is_never_mute():
    watch, report = watching(audio=False), InputReport()
    assert watch.look(report, Sight(0, 5, 60.0)) == "" and not watch.mute


def test_sound_under_a_new_name_counts_when_the_old_one_has_stopped():
    report = InputReport()
    report.new_streams = frozenset({"audio"})
    watch = watching()
    assert watch.look(report, Sight(200, 2, 0.5)) == "", "a second track beside one that goes on"
    assert watch.look(report, Sight(200, 3, 2.0)) == "changed"
    assert watching(audio=False).look(report, Sight(0, 2, 0.1)) == "changed"


def test_packets_that_the_decoder_refuses_are_a_change_when_sound_that_was_there_is_gone_for_long():
    report, watch = InputReport(), watching()
    report.undecodable = 25
    assert watch.look(report, Sight(200, 2, 0.5)) == ""
    report.undecodable = 90
    assert watch.look(report, Sight(200, 3, 5.4)) == ""
    assert watch.look(report, Sight(200, 4, 5.6)) == "changed"


def test_a_source_whose_sound_never_could_be_decoded_is_left_alone():
    report, watch = InputReport(), SourceWatch(audio=True, silent_after_s=20)
    for second in range(12):
        report.undecodable = 40 * second
        assert watch.look(report, Sight(0, second, float(second))) == ""
    assert watch.mute


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.floats(0.05, 3)), max_size=60))
def test_no_source_that_gives_samples_within_the_time_allowed_is_ever_interrupted(steps):
    watch, samples, written, now, still = watching(), 100, 1, 0.0, 0.0
    for more_samples, more_written, passed in steps:
        samples, written, now = samples + more_samples, written + more_samples + more_written, now + passed
        still = 0.0 if more_samples else still + passed
        ending = watch.look(InputReport(), Sight(samples, written, now))
        if still < 20:
            assert ending == ""
        assert not (watch.mute and still < MUTE_AFTER_S)
