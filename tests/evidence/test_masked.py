"""A masked edition hides what it must, holds by itself, and is bound to the very originals."""

import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import BadInputError, UsageError
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
from evidence.audit import local_actor
from evidence.editions import find_other_editions
from evidence.masks import Box, MaskRequest, Range
from evidence.package import ExportContext, ExportRequest, export_package
from evidence.verifier import verify_package
from store import alerts, timeline, utterances
from tests.evidence.logged import MODEL, STREAM, Recording, make_recording, pack, read_files
from tests.timecode import MOMENT

TEXT = "三天祛斑，打13800138000找我"
NUMBER = "13800138000"
WORDS = ("三天", "祛斑", "打", "13800", "138000", "找我")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory):
    made = make_recording(tmp_path_factory.mktemp("recorder") / "data")
    words = tuple(Word(text, 9_000 + 400 * n, 9_400 + 400 * n, 0.9) for n, text in enumerate(WORDS))
    finding = Finding(
        "cosmetic.spots", Category.COSMETIC_SPECIAL, Severity.HIGH, Verdict.REVIEW, 0, 4, "三天祛斑", "祛斑", "letters",
        0.97, "特殊化妆品功效", (LegalBasis("化妆品监督管理条例", "第十六条"),), "请核对批件", "Check the approval",
        "pack", "1.2", "c" * 64,
    )  # fmt: skip
    with made.db.write() as connection:
        said = Utterance(STREAM, 0, 9_000, 11_400, TEXT, words, MODEL, MOMENT)
        number = utterances.add_utterance(connection, said)
        alert = Alert("a1", AlertStatus.CONFIRMED, STREAM, 0, 9_000, 9_800, MOMENT, TEXT, finding, 300, number or 0)
        alerts.add_alert(connection, alert)
        comment = TimelineEvent(STREAM, 10_000, TimelineKind.COMMENT, "加我微信 abc_12345", MOMENT, author="张三丰")
        timeline.add_event(connection, comment)
    yield made
    made.db.close()


@pytest.fixture(scope="module")
def packages(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("packages")
    return export(recording, folder, boxes=(Box(0, 0, 64, 64),))


def export(recording: Recording, folder: Path, **masks) -> tuple[Path, Path]:
    context = ExportContext(recording.db, recording.data, recording.seal, local_actor())
    request = ExportRequest(STREAM, 8_500, 14_500, "案 1", "测试")
    full, masked = folder / "full.zip", folder / "masked.zip"
    export_package(context, request, full, MaskRequest(masked, **masks))
    return full, masked


def test_numbers_and_names_are_gone_from_every_text(packages: tuple[Path, Path]) -> None:
    full, masked = (read_files(path) for path in packages)
    for name, data in masked.items():
        if name.endswith((".json", ".vtt", ".html", ".txt", ".jsonl")):
            text = data.decode()
            assert NUMBER not in text, name
            assert "张三丰" not in text, name
            assert "abc_12345" not in text, name
            assert '"138000"' not in text, name
    assert NUMBER in full["transcript/transcript.json"].decode()
    (said,) = json.loads(masked["transcript/transcript.json"])
    assert said["text"] == "三天祛斑，打███████████找我"
    assert [word["text"] for word in said["words"]] == ["三天", "祛斑", "打", "█████", "██████", "找我"]
    (finding,) = json.loads(masked["findings/findings.json"])
    assert finding["matched"] == "三天祛斑"


def test_originals_stay_out_and_proofs_are_the_same(packages: tuple[Path, Path]) -> None:
    full, masked = (read_files(path) for path in packages)
    assert not [
        n for n in masked if n.startswith(("segments/", "received/")) or n in {"blinding.txt", "clip/frames.txt"}
    ]
    for name in ("log/leaves.jsonl", "log/inclusion.txt", "log/consistency.txt"):
        assert masked[name] == full[name]
    assert "export/audit.jsonl" not in masked


def samples(data: bytes, folder: Path, start_s: float, end_s: float) -> float:
    """How loud the sound is between two times of a file."""
    path = folder / "clip.mp4"
    path.write_bytes(data)
    with av.open(str(path)) as container:
        frames = [f for f in container.decode(audio=0) if start_s <= (f.time or 0) < end_s]
    return float(np.abs(np.concatenate([f.to_ndarray().ravel() for f in frames])).max())


def test_the_sound_of_the_number_is_muted_and_the_rest_is_heard(packages: tuple[Path, Path], tmp_path: Path) -> None:
    full, masked = (read_files(path) for path in packages)
    clip = json.loads(masked["manifest.json"])["clip"]
    begun = clip["start"]
    assert clip["muted"] == [{"start": 10.0, "end": 10.8}, {"start": 10.4, "end": 11.2}]
    inside, outside = (10.1 - begun, 11.1 - begun), (12.0 - begun, 13.0 - begun)
    assert samples(full["clip/clip.mp4"], tmp_path, *inside) > 0.01
    assert samples(masked["clip/clip.mp4"], tmp_path, *inside) < 0.005
    assert samples(masked["clip/clip.mp4"], tmp_path, *outside) > 0.01


def test_the_rectangle_is_hidden_in_clip_and_pictures(packages: tuple[Path, Path], tmp_path: Path) -> None:
    full, masked = (read_files(path) for path in packages)
    pictures = []
    for files in (full, masked):
        (tmp_path / "still.jpg").write_bytes(files["findings/a1.jpg"])
        with av.open(str(tmp_path / "still.jpg")) as container:
            pictures.append(next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int))
    assert np.abs(pictures[0] - pictures[1])[:64, :64].max() > 40
    assert np.abs(pictures[0] - pictures[1])[:, 80:].mean() < 8


def test_it_holds_and_says_what_it_is(recording: Recording, packages: tuple[Path, Path]) -> None:
    verdict = verify_package(packages[1], recording.anchors())
    assert verdict.failures == ()
    assert (verdict.kind, verdict.facts["clip"], verdict.facts["segments"]) == ("masked", "masked", 4)


def test_both_editions_together_show_that_the_one_is_of_the_other(
    recording: Recording, packages: tuple[Path, Path], tmp_path: Path
) -> None:
    full, masked = packages
    assert find_other_editions([full, masked]) == ([(masked, full)], [])
    again = export(recording, tmp_path, boxes=(Box(0, 0, 64, 64),))[0]
    assert find_other_editions([masked, again])[0] == [(masked, again)], "the same export again is the same original"
    files = read_files(full)
    other = pack(files | {"transcript/transcript.json": b"[]\n"}, tmp_path / "other.zip")
    pairs, (problem,) = find_other_editions([masked, other])
    assert pairs == [(masked, other)]
    assert problem[1].file == "transcript/transcript.json"


def test_hashes_of_originals_give_nothing_to_guess_by(packages: tuple[Path, Path]) -> None:
    """Whoever tries all numbers needs a hash to compare with: there is none without the secret line."""
    from evidence.seal import sha256_hex

    full, masked = (read_files(path) for path in packages)
    everything = b"\n".join(masked.values())
    for name in ("transcript/transcript.json", "report.zh.html", "findings/timeline.json", "clip/clip.mp4"):
        assert sha256_hex(full[name]).encode() not in everything
    assert full["blinding.txt"].strip() not in everything


def test_the_same_masked_export_twice_is_the_same(
    recording: Recording, packages: tuple[Path, Path], tmp_path: Path
) -> None:
    one = read_files(packages[1])
    other = read_files(export(recording, tmp_path, boxes=(Box(0, 0, 64, 64),))[1])
    declared = set(json.loads(one["manifest.json"])["export_time_files"])
    assert {n for n in one.keys() | other.keys() if one.get(n) != other.get(n)} <= declared


def test_masks_that_cannot_be_made_leave_nothing(recording: Recording, tmp_path: Path) -> None:
    for masks in ({"mute": (Range(20_000, 21_000),)}, {"mute": (Range(9_000, 9_000),)}, {"boxes": (Box(0, 0, 0, 5),)}):
        with pytest.raises(BadInputError):
            export(recording, tmp_path, **masks)
    context = ExportContext(recording.db, recording.data, recording.seal, local_actor())
    with pytest.raises(UsageError):
        export_package(
            context, ExportRequest(STREAM, 8_500, 9_500), tmp_path / "a.zip", MaskRequest(tmp_path / "a.zip")
        )
    assert list(tmp_path.iterdir()) == []


def test_an_utterance_without_word_times_is_muted_whole() -> None:
    from evidence.masks import mask_told
    from evidence.told import Told

    said = Utterance(STREAM, 0, 5_000, 8_000, TEXT, (), MODEL, MOMENT)
    _, done = mask_told(Told((said,), (), (), {}))
    assert done.mute == [Range(4_800, 8_200)]
    odd = replace(said, words=(Word("别的", 5_000, 6_000, 0.5),))
    told, done = mask_told(Told((odd,), (), (), {}))
    assert told.utterances[0].words == ()
    assert done.mute == [Range(4_800, 8_200)]
