"""``bench asr`` on the bundled broadcast and on a manifest, and what it says about wrong manifests."""

import json

import pytest

from core.errors import BadInputError, NotFoundError, StorageError
from livewitness.bench.asr import bundled, load_audio, read_manifest, run_asr_bench
from livewitness.broadcast import load_truth, media_path
from models.speech import SAMPLE_RATE


@pytest.fixture
def manifest(tmp_path):
    """The second and third sentence of the broadcast as lines of a manifest beside a link to its media."""
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "b.mp4").symlink_to(media_path())
    lines = [
        {"path": "media/b.mp4", "text": s.text, "start": s.start - 0.3, "end": s.end + 0.2, "terms": s.terms}
        for s in load_truth()[1:3]
    ]
    path = tmp_path / "m.jsonl"
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n\n", encoding="utf-8")
    return path


def test_lines_of_one_file_are_one_recording(manifest):
    (recording,) = read_manifest(manifest)
    truth = load_truth()
    assert recording.text == truth[1].text + truth[2].text
    assert len(load_audio(recording)) == pytest.approx((truth[2].end - truth[1].start + 0.5) * SAMPLE_RATE, abs=2)


def test_the_bundled_broadcast_is_the_default():
    (recording,) = bundled()
    assert recording.path == media_path()
    assert "三天祛斑" in recording.terms


@pytest.mark.slow
def test_both_systems_are_measured_and_written(manifest, tmp_path, capsys):
    report = run_asr_bench(manifest, tmp_path / "asr.json", beam_size=1)
    ours, peer = report.systems
    assert ours.score.characters == peer.score.characters > 20
    assert ours.score.cer < 0.3
    assert 0 < ours.cpu_s < peer.cpu_s
    written = json.loads((tmp_path / "asr.json").read_text(encoding="utf-8"))
    assert written["systems"][0]["cer"] == round(ours.score.cer, 4)
    assert written["model_sha256"] == report.model_sha256
    shown = capsys.readouterr().out
    assert "livewitness" in shown
    assert report.machine["date"][:10] in shown


@pytest.mark.parametrize("line", ["not json", '{"text": "t"}', '{"path": "m.jsonl", "text": "t", "start": "x"}', "[]"])
def test_a_wrong_line_is_named(tmp_path, line):
    path = tmp_path / "m.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(BadInputError, match="line 1"):
        read_manifest(path)


def test_missing_and_empty_manifests(tmp_path):
    with pytest.raises(NotFoundError):
        read_manifest(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(BadInputError, match="empty"):
        read_manifest(tmp_path / "empty.jsonl")


def test_media_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text('{"path": "gone.flac", "text": "t"}', encoding="utf-8")
    with pytest.raises(NotFoundError, match=r"gone\.flac"):
        read_manifest(path)


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_measured(manifest, tmp_path):
    with pytest.raises(StorageError, match="cannot be written"):
        run_asr_bench(manifest, tmp_path / "no" / "asr.json")
