"""Bad input gets one clear sentence in Chinese and English, an exit code, and leaves nothing half-written."""

import socket
import subprocess
import time

import pytest

from ingest.commands import ffmpeg_path

pytestmark = pytest.mark.slow


def sentence(done) -> str:
    """The one line of the error."""
    lines = [line for line in done.err.splitlines() if line.startswith("错误 ")]
    assert len(lines) == 1, done.err
    assert " / " in lines[0]
    return lines[0]


def nothing_recorded(cli) -> bool:
    return not list(cli.data.glob("streams/**/*.ts")) and not list(cli.data.glob("streams/**/*.mkv"))


def make(*arguments) -> None:
    subprocess.run([ffmpeg_path(), "-v", "error", "-y", *map(str, arguments)], check=True, timeout=60)


def test_a_missing_file(cli) -> None:
    done = cli.run("watch", "没有.mp4", "--stream", "s", code=3)
    assert "没有.mp4" in sentence(done)
    assert nothing_recorded(cli)


def test_a_text_file_named_mp4_and_an_empty_file(cli, tmp_path) -> None:
    (tmp_path / "text.mp4").write_text("不是视频" * 500)
    (tmp_path / "empty.mp4").touch()
    assert "text.mp4" in sentence(cli.run("watch", tmp_path / "text.mp4", "--stream", "s", code=3))
    assert "empty.mp4" in sentence(cli.run("watch", tmp_path / "empty.mp4", "--stream", "s", code=3))
    assert nothing_recorded(cli)


def test_a_truncated_mp4_without_index(cli, piece, tmp_path) -> None:
    whole = piece(0, 8).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    assert "不完整" in sentence(cli.run("watch", tmp_path / "cut.mp4", "--stream", "s", code=3))
    assert nothing_recorded(cli)


def test_a_truncated_mp4_with_index_keeps_what_can_be_read(cli, piece, tmp_path) -> None:
    make("-i", piece(0, 12), "-c", "copy", "-movflags", "faststart", tmp_path / "whole.mp4")
    whole = (tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    done = cli.run("watch", tmp_path / "cut.mp4", "--stream", "s", "--json", code=3)
    assert "不完整" in sentence(done)
    ended = done.json[-1]
    assert ended["truncated"]
    assert 5 < ended["recorded"] < 11


def test_video_without_audio(cli, piece, tmp_path) -> None:
    make("-i", piece(0, 8), "-an", "-c", "copy", tmp_path / "silent.mp4")
    assert "没有音频" in sentence(cli.run("watch", tmp_path / "silent.mp4", "--stream", "s", code=3))
    assert nothing_recorded(cli)


def test_seven_one_audio_at_96_khz_is_heard(cli, piece, tmp_path) -> None:
    surround = tmp_path / "surround.mkv"
    make("-i", piece(4, 8), "-vn", "-af", "aformat=channel_layouts=7.1", "-ar", "96000", "-c:a", "flac", surround)
    done = cli.run("watch", surround, "--stream", "s", "--json")
    assert any("三天" in event["text"] for event in done.json if event["event"] == "utterance")


def test_an_unreachable_host_and_a_wrong_port(cli, free_port) -> None:
    started = time.monotonic()
    wrong_port = cli.run("watch", f"http://127.0.0.1:{free_port}/live.m3u8", "--stream", "s", code=1)
    unreachable = cli.run("watch", "rtmp://no-such-host.invalid/live/s", "--stream", "s", code=1)
    assert "127.0.0.1" in sentence(wrong_port)
    assert "no-such-host.invalid" in sentence(unreachable)
    assert time.monotonic() - started < 60
    assert nothing_recorded(cli)


def test_a_server_that_accepts_and_says_nothing(cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert "127.0.0.1" in sentence(cli.run("watch", f"http://127.0.0.1:{port}/x.m3u8", "--stream", "s", code=1))
    assert nothing_recorded(cli)


def test_a_disk_that_is_too_full_to_start(cli, piece) -> None:
    done = cli.run("watch", piece(0, 8), "--stream", "s", code=1, LIVEWITNESS_MIN_FREE_BYTES=str(2**60))
    assert "空间" in sentence(done)
    assert nothing_recorded(cli)


def test_a_data_directory_that_cannot_be_written(cli, piece) -> None:
    cli.data.write_text("这是一个文件，不是目录")
    assert str(cli.data) in sentence(cli.run("watch", piece(0, 8), "--stream", "s", code=1))
    assert cli.data.read_text() == "这是一个文件，不是目录"


def test_a_second_watcher_on_the_same_stream(cli, piece) -> None:
    first = cli.start("watch", piece(0, 240), "--stream", "s", "--realtime", "--json")
    first.wait_for("segment")
    assert "s" in sentence(cli.run("watch", piece(0, 8), "--stream", "s", code=1))
    assert first.process.poll() is None
    first.process.terminate()
    assert first.wait() == 0
    assert first.wait_for("stream.ended")[0]["reason"] == "stopped"


def test_a_rule_pack_with_an_unknown_key(cli, tmp_path) -> None:
    pack = tmp_path / "mine.yaml"
    pack.write_text("pack: {id: mine, version: '1'}\nrules: []\nregeln: []\n", encoding="utf-8")
    done = cli.run("check", "三天祛斑", "--pack", pack, code=3)
    assert "mine.yaml" in sentence(done)
    assert "regeln" in sentence(done)


def test_searching_for_nothing_and_in_nothing(cli, tmp_path) -> None:
    assert cli.run("search", "三天祛斑", code=3).out == ""
    lines = tmp_path / "t.jsonl"
    lines.write_text('{"start": 0, "end": 2, "text": "三天祛斑"}\n', encoding="utf-8")
    cli.run("import-transcript", lines, "--stream", "s")
    assert "检索词" in sentence(cli.run("search", "", code=3))
    sentence(cli.run("search", "，。", code=3))
    sentence(cli.run("search", "三天", "--stream", "没有这场", code=3))
    cli.run("search", code=2)


def test_a_clip_of_what_was_not_recorded(cli, piece, tmp_path) -> None:
    cli.run("watch", piece(0, 8), "--stream", "s")
    target = tmp_path / "clip.mp4"
    for arguments in (("s", 100, 120), ("s", 5, 5), ("别场", 0, 1)):
        sentence(cli.run("clip", *arguments, "-o", target, code=3))
    sentence(cli.run("clip", "s", "abc", "5", "-o", target, code=2))
    assert not target.exists()


def test_wrong_usage_is_exit_code_two(cli) -> None:
    cli.run("watch", code=2)
    cli.run("gibt-es-nicht", code=2)
    cli.run("check", code=2)
