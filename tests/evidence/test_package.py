"""A package is complete, says the same twice, and tells people what they need."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import BadInputError, ConflictError, NotFoundError
from core.records import (
    Alert,
    AlertStatus,
    Category,
    Finding,
    LegalBasis,
    Severity,
    TimelineEvent,
    TimelineKind,
    Utterance,
    Verdict,
    Word,
)  # fmt: skip
from evidence.audit import read_audit
from evidence.package import EXPORT_TIME_FILES
from evidence.verifier import verify_package
from store import alerts, timeline, utterances
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


def test_a_clip_that_cannot_be_copied_is_encoded_anew_and_reported_as_such(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stretch that begins before the first key frame has no frame to start a copy from."""
    from evidence import package as exporting

    cut = exporting.cut_clip

    def without_keyframe(*arguments, **options):
        if "exact" not in arguments:
            raise BadInputError("clip_no_keyframe", "没有关键帧", "no key frame")
        return cut(*arguments, **options)

    monkeypatch.setattr(exporting, "cut_clip", without_keyframe)
    package = recording.export(tmp_path / "p.zip")
    assert package.clip.mode == "exact"
    verdict = verify_package(package.path, recording.anchors())
    assert verdict.holds
    assert verdict.facts["clip"] == "encoded anew"
    assert "重新编码" in read_files(package.path)["report.zh.html"].decode()


def test_pdf_reports_lie_beside_the_pages_and_timeline_events_are_told(recording: Recording, tmp_path: Path) -> None:
    with recording.db.write() as connection:
        for at_ms, kind, text, price in (
            (1_000, TimelineKind.PRODUCT, "旧商品", None),
            (2_000, TimelineKind.PRODUCT, "面霜", None),
            (9_000, TimelineKind.PRICE, "面霜", 9_900),
            (10_000, TimelineKind.COMMENT, "真的吗", None),
            (19_000, TimelineKind.NOTE, "以后的事", None),
        ):
            timeline.add_event(connection, TimelineEvent(STREAM, at_ms, kind, text, MOMENT, price_fen=price))
    files = read_files(recording.export(tmp_path / "p.zip").path)
    told = [event["text"] for event in json.loads(files["findings/timeline.json"])]
    assert told == ["面霜", "面霜", "真的吗"], "what was on the shelf before, and what was posted meanwhile"
    page = files["report.zh.html"].decode()
    assert "面霜 99.00 元" in page
    assert "以后的事" not in page
    assert files["report.zh.pdf"].startswith(b"%PDF")
    assert files["report.en.pdf"].startswith(b"%PDF")
    custody = json.loads(files["export/custody.json"])
    lines = read_audit(recording.data)
    assert custody["audit"]["entries"] == len(lines) - 1, "the export itself is noted after it"
