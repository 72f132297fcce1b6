"""A package is complete, says the same twice, and tells people what they need."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import BadInputError, ConflictError, NotFoundError
from core.records import Alert, AlertStatus, Category, Finding, LegalBasis, Severity, Utterance, Verdict, Word
from evidence.audit import read_audit
from evidence.package import EXPORT_TIME_FILES
from evidence.verifier import verify_package
from store import alerts, utterances
from tests.evidence.logged import MODEL, STREAM, Recording, make_recording, read_files
from tests.timecode import MOMENT

TEXT = "这款面霜三天祛斑<script>"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory):
    made = make_recording(tmp_path_factory.mktemp("recorder") / "data")
    words = tuple(Word(char, 9_000 + 200 * n, 9_200 + 200 * n, 0.9) for n, char in enumerate("这款面霜三天祛斑"))
    utterance = Utterance(STREAM, 0, 9_000, 11_000, TEXT, words, MODEL, MOMENT)
    finding = Finding(
        "cosmetic.spots", Category.COSMETIC_SPECIAL, Severity.HIGH, Verdict.REVIEW, 4, 8, "三天祛斑", "祛斑", "letters",
        0.97, "特殊化妆品功效", (LegalBasis("化妆品监督管理条例", "第十六条"),), "请核对批件", "Check the approval",
        "pack", "1.2", "c" * 64,
    )  # fmt: skip
    with made.db.write() as connection:
        number = utterances.add_utterance(connection, utterance)
        alert = Alert("a1", AlertStatus.CONFIRMED, STREAM, 0, 9_800, 10_600, MOMENT, TEXT, finding, 300, number or 0)
        alerts.add_alert(connection, alert)
        alerts.add_alert(connection, replace(alert, id="far", start_ms=18_000, end_ms=18_500))
    yield made
    made.db.close()


def test_everything_is_inside(recording: Recording, tmp_path: Path) -> None:
    package = recording.export(tmp_path / "p.zip")
    files = read_files(package.path)
    assert package.alerts == 1
    assert (package.sha256, package.size) == (
        subprocess.run(["sha256sum", package.path], capture_output=True, text=True, check=True).stdout[:64],
        package.path.stat().st_size,
    )
    (finding,) = json.loads(files["findings/findings.json"])
    assert (finding["rule_id"], finding["pack_version"], finding["model"]["sha256"]) == (
        "cosmetic.spots",
        "1.2",
        MODEL.sha256,
    )
    assert files[finding["picture"]][:3] == b"\xff\xd8\xff"
    (said,) = json.loads(files["transcript/transcript.json"])
    assert said["words"][0] == {"text": "这", "start": 9.0, "end": 9.2, "probability": 0.9}
    assert files["transcript/transcript.vtt"].decode().startswith("WEBVTT\n\n0")
    manifest = json.loads(files["manifest.json"])
    assert manifest["requested"] == {"start": 8.5, "end": 14.5}
    originals = sorted(n for n in files if n.startswith("segments/"))
    assert manifest["clip"]["stdin"] == originals
    custody = json.loads(files["export/custody.json"])
    assert (custody["case"], custody["reason"]) == ("案 1", "测试")
    for name in originals:
        assert files[name] == (recording.folder / name.removeprefix("segments/")).read_bytes()


def test_the_command_given_makes_the_very_clip(recording: Recording, tmp_path: Path) -> None:
    from ingest.commands import ffmpeg_path

    files = read_files(recording.export(tmp_path / "p.zip").path)
    clip = json.loads(files["manifest.json"])["clip"]
    command = [ffmpeg_path() if word == "ffmpeg" else word for word in clip["command"]]
    feed = b"".join(files[name] for name in clip["stdin"])
    subprocess.run(command, input=feed, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "clip.mp4").read_bytes() == files["clip/clip.mp4"]


def test_the_reports_tell_people_in_both_languages_and_run_nothing(recording: Recording, tmp_path: Path) -> None:
    files = read_files(recording.export(tmp_path / "p.zip").path)
    zh, en = files["report.zh.html"].decode(), files["report.en.html"].decode()
    for page in (zh, en):
        assert "<mark>三天祛斑</mark>&lt;script&gt;" in page
        assert "化妆品监督管理条例 第十六条" in page
        assert 'src="findings/a1.jpg"' in page
        assert "<script>" not in page
        assert "http" not in page
    assert "本证据包不能证明什么" in zh
    assert "时间只凭录制机自己的时钟" in zh
    assert "What this package does not prove" in en
    assert "Check the approval" in en


def test_the_same_export_twice_is_the_same_but_for_the_declared_files(recording: Recording, tmp_path: Path) -> None:
    one, other = (read_files(recording.export(tmp_path / f"{n}.zip").path) for n in "ab")
    differing = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
    assert differing <= set(EXPORT_TIME_FILES)
    assert json.loads(one["manifest.json"])["export_time_files"] == list(EXPORT_TIME_FILES)


def test_exports_are_on_record(recording: Recording, tmp_path: Path) -> None:
    package = recording.export(tmp_path / "p.zip")
    entry = json.loads(read_audit(recording.data)[-1])
    assert (entry["kind"], entry["detail"]["sha256"], entry["detail"]["case"]) == ("export", package.sha256, "案 1")
    later = read_files(recording.export(tmp_path / "q.zip").path)
    assert package.sha256.encode() in later["export/audit.jsonl"]


def test_it_holds_without_an_authority_and_does_not_claim_its_time(recording: Recording, tmp_path: Path) -> None:
    package = recording.export(tmp_path / "p.zip")
    assert not package.stamped
    verdict = verify_package(package.path, recording.anchors())
    assert verdict.holds
    assert not verdict.unchecked


def test_what_cannot_be_exported_leaves_nothing_behind(recording: Recording, tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        recording.export(tmp_path / "p.tar")
    with pytest.raises(NotFoundError):
        recording.export(tmp_path / "p.zip", 50_000, 60_000)
    segment = recording.folder / "0000" / "00000005.ts"
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-1])
    try:
        with pytest.raises(ConflictError) as caught:
            recording.export(tmp_path / "p.zip")
        assert "00000005.ts" in caught.value.sentence.en
    finally:
        segment.write_bytes(whole)
    assert list(tmp_path.iterdir()) == []
