"""Reading ffmpeg's messages."""

import pytest

from ingest.diagnosis import InputReport, cause, last_message, playlist_lost, source_error, truncated

OPENED = """Input #0, hls, from 'http://127.0.0.1/live.m3u8':
  Duration: N/A, start: 1.456778, bitrate: N/A
  Stream #0:0[0x0]: Video: h264 (High) ([27][0][0][0] / 0x001B), yuv420p, 320x180
  Stream #0:1[0x0](und): Audio: aac (LC) ([15][0][0][0] / 0x000F), 44100 Hz, mono
  Stream #0:2: Audio: mp3, 44100 Hz
Stream mapping:
  Stream #0:0 -> #0:0 (copy)
Output #0, segment, to '%08d.ts':
  Stream #0:0: Video: vp9, yuv420p
""".splitlines()


def read(lines):
    report = InputReport()
    for line in lines:
        report.feed(line)
    return report


def test_the_first_streams_of_the_input_are_found_and_nothing_after_it():
    report = read(OPENED)
    assert report.complete and report.container == "hls" and not report.finite
    assert (report.streams.video, report.streams.audio) == ("h264", "aac")


def test_cover_pictures_are_not_video():
    report = read(["  Stream #0:0: Audio: mp3, 44100 Hz", "  Stream #0:1: Video: png, rgb24 (attached pic)"])
    assert (report.streams.video, report.streams.audio) == ("", "mp3") and not report.complete


def test_a_length_makes_the_input_finite():
    assert read(["Input #0, mov,mp4, from 'x':", "  Duration: 00:00:12.00, start: 0.0"]).finite


@pytest.mark.parametrize(("current", "jumped"), [(580_994, True), (827_920, False), (-5, True)])
def test_only_a_large_step_back_in_time_is_a_jump(current, jumped):
    line = f"[aost#0:1/copy @ 0x1] Non-monotonic DTS; previous: 827921, current: {current}; changing to 827922."
    assert read([*OPENED, line]).jumped is jumped


@pytest.mark.parametrize(
    ("line", "jumped"),
    [
        ("[vist#0:0/h264 @ 0x1] timestamp discontinuity (stream id=256): -5000000, new offset= 10034108", True),
        ("[vist#0:0/h264 @ 0x1] timestamp discontinuity (stream id=256): 93599965892, new offset= -93599965892", True),
        ("[vist#0:0/h264 @ 0x1] timestamp discontinuity (stream id=256): -120000, new offset= 120000", False),
        ("[aist#0:1/aac @ 0x1] DTS 93608000, next:8034219 st:1 invalid dropping", True),
        ("[in#0/mpegts @ 0x1] DTS 1170000 < 1616400 out of order", False),
    ],
)
def test_times_that_ffmpeg_moves_or_drops_are_a_jump(line, jumped):
    assert read([*OPENED, line]).jumped is jumped


def test_other_audio_new_streams_and_refused_packets_are_noticed_once_the_input_is_open():
    report = read(
        [
            *OPENED,
            "[in#0/flv @ 0x1] New subtitle stream with index 2 at pos:318525 and DTS:8s",
            "[in#0/flv @ 0x1] New audio stream with index 3 at pos:318970 and DTS:8s",
            "[aist#0:1/aac @ 0x1] [dec:aac @ 0x2] Error submitting packet to decoder: Invalid data found",
        ]
    )
    assert (report.new_streams, report.undecodable, report.audio_changed) == ({"audio"}, 1, False)
    assert read(
        [*OPENED, "[af#1:0 @ 0x1] Avoiding reinit; dropping frame pts: 384091 bound for aresample"]
    ).audio_changed
    assert not read(["[af#1:0 @ 0x1] Avoiding reinit; dropping frame pts: 384091", *OPENED]).audio_changed


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[tcp @ 0x1] Connection to tcp://127.0.0.1:9 failed: Connection refused", "refused"),
        ("[tcp @ 0x1] Failed to resolve hostname x.invalid: Name or service not known", "unresolved"),
        ("[in#0 @ 0x1] Error opening input: Server returned 404 Not Found", "not_found"),
        ("[srt @ 0x1] Connection to srt://127.0.0.1:9 failed: Connection timed out", "timeout"),
        ("[out#0/segment @ 0x1] Error writing trailer: No space left on device", "disk_full"),
        ("something else", "unknown"),
    ],
)
def test_messages_have_causes(line, why):
    assert cause(["frame= 1", line]) == why


def test_a_lost_playlist_and_a_cut_file_are_seen_though_the_exit_code_is_0():
    assert playlist_lost(["[in#0/hls @ 0x1] Failed to reload playlist 0"]) and not playlist_lost(OPENED)
    assert truncated(["[mov,mp4 @ 0x1] stream 0, offset 0x1: partial file"]) and not truncated(OPENED)


def test_the_last_message_is_not_a_statistic():
    assert last_message(["reason", "frame=  300 fps=0.0", "", "[out#0/segment @ 0x1] video:1KiB"]) == "reason"


def test_source_errors_speak_both_languages():
    error = source_error("rtmp://host/x", "refused")
    assert error.code == "source_refused" and "端口" in error.sentence.zh and "port" in error.sentence.en
