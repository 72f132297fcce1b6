"""A negative result names what was searched and how near it came, and both verifiers count its logs again."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import BadInputError, ConflictError
from core.records import ModelIdentity, Stream, Utterance
from evidence.audit import local_actor, read_audit
from evidence.negative import THRESHOLD, NearHit, Searched, export_negative
from evidence.staging import ExportContext
from evidence.transcript import transcript_json
from evidence.verifier import verify_package
from store import streams, utterances
from store.scope import Extent, Scope
from tests.evidence.logged import (
    MODEL,
    STREAM,
    Recording,
    lay_out,
    make_recording,
    pack,
    read_files,
    resealed,
)  # fmt: skip
from tests.timecode import MOMENT

HIT = NearHit(STREAM, 9_000, 11_000, 0.41, "这款面霜很润", "面霜", ("meaning",))
EXTENT = Extent(2, 20_000, 0, 1, 500, 2, 0)
SEARCHED = Searched("三天祛斑", Scope(), EXTENT, (HIT,), (ModelIdentity("embedder", "e" * 64),), ("letters", "meaning"))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory):
    made = make_recording(tmp_path_factory.mktemp("recorder") / "data")
    with made.db.write() as connection:
        utterances.add_utterance(connection, Utterance(STREAM, 0, 9_000, 11_000, HIT.text, (), MODEL, MOMENT))
        streams.open_stream(connection, Stream("只有文字", "transcript:a.srt"))
    yield made
    made.db.close()


def context(recording: Recording) -> ExportContext:
    return ExportContext(recording.db, recording.data, recording.seal, local_actor())


@pytest.fixture(scope="module")
def files(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    target = tmp_path_factory.mktemp("negative") / "negative.zip"
    package = export_negative(context(recording), SEARCHED, target, "案 1", "核查")
    assert (package.streams, package.logs, package.best) == (2, 1, 0.41)
    return read_files(target)


class Court:
    """Both verifiers."""

    def __init__(self, recording: Recording, folder: Path) -> None:
        self.folder, self.anchors = folder, recording.anchors()
        self.keys = recording.public_file(folder / "keys.pem")
        self.count = 0

    def python(self, files: dict[str, bytes]):
        self.count += 1
        return verify_package(pack(files, self.folder / f"{self.count}.zip"), self.anchors)

    def shell(self, files: dict[str, bytes]) -> subprocess.CompletedProcess[str]:
        self.count += 1
        folder = lay_out(files, self.folder / f"{self.count}.u")
        command = ["env", "-i", "bash", str(folder / "verify.sh"), str(self.keys)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def refused(self, files: dict[str, bytes], file: str, reason: str) -> None:
        verdict = self.python(files)
        assert not verdict.holds
        assert (verdict.failures[0].file, reason in verdict.failures[0].en) == (file, True), verdict.failures
        assert self.shell(files).returncode == 1


@pytest.fixture
def court(recording: Recording, tmp_path: Path) -> Court:
    return Court(recording, tmp_path)


def search(files: dict[str, bytes]) -> dict:
    return json.loads(files["search/search.json"])


def with_search(files: dict[str, bytes], **changed) -> dict[str, bytes]:
    return files | {"search/search.json": json.dumps(search(files) | changed).encode()}


def test_it_names_query_means_threshold_streams_gaps_and_what_came_near(
    recording: Recording, files: dict[str, bytes]
) -> None:
    said = search(files)
    assert (said["query"], said["threshold"], said["means"]) == ("三天祛斑", THRESHOLD, ["letters", "meaning"])
    assert said["hits"][0]["score"] == 0.41
    assert said["searched"]["gaps"] == 1
    text_only, recorded = sorted(said["streams"], key=lambda stream: stream["stream"])
    assert (text_only["stream"], text_only["log"]) == ("只有文字", None)
    assert recorded["log"] == "logs/0001"
    assert recorded["logged"]["segments"] == files["logs/0001/leaves.jsonl"].count(b'"kind":"segment"') >= 7
    with recording.db.read() as connection:
        spoken = utterances.list_utterances(connection, STREAM)
    from evidence.seal import sha256_hex

    assert recorded["text_sha256"] == sha256_hex(transcript_json(spoken))
    assert recorded["models"] == [{"name": MODEL.name, "sha256": MODEL.sha256}]


def test_the_report_does_not_claim_that_it_was_not_said(files: dict[str, bytes]) -> None:
    zh, en = files["report.zh.html"].decode(), files["report.en.html"].decode()
    assert "最高得分 0.41，低于阈值 0.7" in zh
    assert "不证明这句话没有说过" in zh
    assert "That the words were not said" in en
    assert HIT.text in zh
    assert all(files[f"report.{language}.pdf"].startswith(b"%PDF") for language in ("zh", "en"))


def test_both_verifiers_accept_it_and_say_what_they_did_not_check(court: Court, files: dict[str, bytes]) -> None:
    verdict = court.python(files)
    assert verdict.failures == ()
    assert (verdict.kind, verdict.facts["streams"], verdict.facts["query"]) == ("negative", 2, "三天祛斑")
    done = court.shell(files)
    assert done.returncode == 0, done.stderr
    assert "NEGATIVE RESULT" in done.stdout
    assert "NOT CHECKED HERE: the search itself" in done.stdout


def test_what_was_found_is_no_negative_result(recording: Recording, tmp_path: Path) -> None:
    found = replace(SEARCHED, hits=(replace(HIT, score=THRESHOLD),))
    with pytest.raises(ConflictError) as caught:
        export_negative(context(recording), found, tmp_path / "n.zip")
    assert HIT.text in caught.value.sentence.zh
    with pytest.raises(BadInputError):
        export_negative(context(recording), replace(SEARCHED, scope=Scope(shop="没有这家")), tmp_path / "n.zip")
    assert list(tmp_path.iterdir()) == []
    raised = export_negative(context(recording), replace(found, threshold=0.9), tmp_path / "n.zip")
    assert raised.best == THRESHOLD
    entry = json.loads(read_audit(recording.data)[-1])
    assert (entry["detail"]["edition"], entry["detail"]["sha256"]) == ("negative", raised.sha256)


def test_the_same_twice_is_the_same_but_for_the_declared_files(
    recording: Recording, files: dict[str, bytes], tmp_path: Path
) -> None:
    export_negative(context(recording), SEARCHED, tmp_path / "n.zip", "案 1", "核查")
    again = read_files(tmp_path / "n.zip")
    declared = set(json.loads(files["manifest.json"])["export_time_files"])
    assert {n for n in files.keys() | again.keys() if files.get(n) != again.get(n)} <= declared


def test_an_insider_cannot_leave_out_a_gap_a_stream_or_a_hit(
    court: Court, recording: Recording, files: dict[str, bytes]
) -> None:
    name, key = "logs/0001/leaves.jsonl", recording.key
    lines = files[name].split(b"\n")
    shorter = files | {name: b"\n".join([*lines[:4], *lines[5:]])}
    court.refused(resealed(shorter, key, "negative"), name, "not the log that was signed")
    changed = files | {name: files[name].replace(b'"end_ms":', b'"end_ms":1', 1)}
    court.refused(resealed(changed, key, "negative"), name, "not the log that was signed")
    streams_ = search(files)["streams"]
    more = [s | {"logged": s["logged"] | {"recorded_ms": 10**9}} if s["log"] else s for s in streams_]
    for forged, reason in (
        (with_search(files, streams=more), "does not say what the log"),
        (with_search(files, streams=[s for s in streams_ if not s["log"]]), "lists other logs"),
        (with_search(files, hits=[{"score": 0.9}]), "reaches the threshold"),
        (with_search(files, threshold=None), "names no threshold"),
        (with_search(files, streams=None), "does not list streams"),
    ):
        verdict = court.python(resealed(forged, key, "negative"))
        assert (verdict.failures[0].file, reason in verdict.failures[0].en) == ("search/search.json", True)
    court.refused(resealed(files | {"clip/clip.mp4": b"x"}, key, "negative"), "clip/clip.mp4", "does not belong")


def test_one_kind_cannot_pass_for_another(court: Court, recording: Recording, files: dict[str, bytes]) -> None:
    for kind in ("package", "masked"):
        forged = resealed(files, recording.key, kind)
        assert not court.python(forged).holds
        assert court.shell(forged).returncode == 1
