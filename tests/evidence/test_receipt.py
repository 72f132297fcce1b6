"""Files from elsewhere are logged as received at that time, never as recorded, and travel with packages."""

import json
from pathlib import Path

import pytest

from core.errors import BadInputError, ConflictError
from core.records import Stream
from evidence.audit import local_actor, read_audit
from evidence.receipt import Receipt, kind_of, receive, sidecars_of
from evidence.segment_log import read_log
from evidence.staging import ExportContext
from evidence.verifier import verify_package
from ingest.layout import stream_path
from ingest.lock import StreamLock
from store import streams
from tests.evidence.logged import STREAM, Recording, make_recording, pack, read_files, resealed


@pytest.fixture
def recording(tmp_path: Path):
    made = make_recording(tmp_path / "data")
    yield made
    made.db.close()


def context(recording: Recording) -> ExportContext:
    return ExportContext(recording.db, recording.data, recording.seal, local_actor())


def known(recording: Recording, name: str = STREAM) -> Stream:
    with recording.db.write() as connection:
        return streams.open_stream(connection, Stream(name, "received"))


def files_of(folder: Path) -> list[Path]:
    folder.mkdir()
    contents = {"订单截图.png": b"\x89PNG order", "弹幕.json": b"[]", "字幕.srt": b"1\n", "说明.txt": b"note"}
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in contents]


def test_names_tell_what_a_file_is(tmp_path: Path) -> None:
    kinds = {path.name: kind_of(path) for path in files_of(tmp_path / "in")}
    assert kinds == {"订单截图.png": "order", "弹幕.json": "chat", "字幕.srt": "transcript", "说明.txt": "other"}
    assert kind_of(Path("a.info.json")) == "metadata"
    assert kind_of(Path("shot.PNG")) == "screenshot"


def test_sidecars_share_the_stem_of_their_recording(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.srt", "a.chat.json", "a-订单.png", "ab.srt", "b.srt", "a.bin"):
        (tmp_path / name).write_bytes(b"x")
    assert [p.name for p in sidecars_of(tmp_path / "a.mp4")] == ["a-订单.png", "a.chat.json", "a.srt"]


def test_a_link_to_elsewhere_is_no_sidecar(tmp_path: Path) -> None:
    home = tmp_path / "archive"
    home.mkdir()
    (home / "a.mp4").write_bytes(b"x")
    (tmp_path / "key.png").write_bytes(b"secret")
    (home / "a-order.png").symlink_to(tmp_path / "key.png")
    assert sidecars_of(home / "a.mp4") == []


def test_they_are_in_the_log_as_received_and_in_the_package(recording: Recording, tmp_path: Path) -> None:
    added = receive(context(recording), known(recording), [Receipt(p) for p in files_of(tmp_path / "in")], "消费者李某")
    assert [leaf["what"] for leaf in added] == ["order", "chat", "transcript", "other"]
    for leaf in added:
        assert (leaf["how"], leaf["giver"], leaf["time"]) == ("received", "消费者李某", leaf["logged"])
    entry = json.loads(read_audit(recording.data)[-1])
    assert (entry["kind"], entry["detail"]["giver"]) == ("receive", "消费者李某")
    package = recording.export(tmp_path / "p.zip")
    verdict = verify_package(package.path, recording.anchors())
    assert verdict.failures == ()
    assert verdict.facts["files_received"] == 4
    files = read_files(package.path)
    order = next(leaf for leaf in added if leaf["what"] == "order")
    assert files[order["file"]] == b"\x89PNG order"
    zh = files["report.zh.html"].decode()
    assert "自他处接收的文件" in zh
    assert "消费者李某" in zh
    assert "不证明它何时、由何人、如何制作" in zh


def test_the_same_file_is_received_once(recording: Recording, tmp_path: Path) -> None:
    receipts = [Receipt(p) for p in files_of(tmp_path / "in")]
    receive(context(recording), known(recording), receipts)
    assert receive(context(recording), known(recording), receipts) == []


def test_a_hash_alone_can_be_received(recording: Recording, tmp_path: Path) -> None:
    (tmp_path / "original.mp4").write_bytes(b"original")
    (leaf,) = receive(
        context(recording), known(recording), [Receipt(tmp_path / "original.mp4", "recording", keep=False)]
    )
    assert (leaf["file"], leaf["what"], leaf["bytes"]) == ("", "recording", 8)
    package = recording.export(tmp_path / "p.zip")
    assert verify_package(package.path, recording.anchors()).holds
    assert "original.mp4" in read_files(package.path)["report.en.html"].decode()


def test_a_stream_without_a_recording_gets_a_log_of_its_own(recording: Recording, tmp_path: Path) -> None:
    receive(context(recording), known(recording, "只有截图"), [Receipt(p) for p in files_of(tmp_path / "in")])
    leaves = read_log(stream_path(recording.data, "只有截图") / "log.jsonl").leaves
    assert (leaves[0]["kind"], leaves[0]["how"]) == ("session", "received")
    assert {leaf["kind"] for leaf in leaves} == {"session", "end", "received"}


def test_what_cannot_be_received_changes_nothing(recording: Recording, tmp_path: Path) -> None:
    before = read_log(recording.folder / "log.jsonl").lines
    with pytest.raises(BadInputError):
        receive(context(recording), known(recording), [Receipt(tmp_path / "none.png")])
    (path, *_) = files_of(tmp_path / "in")
    with StreamLock(stream_path(recording.data, STREAM)), pytest.raises(ConflictError):
        receive(context(recording), known(recording), [Receipt(path)])
    assert read_log(recording.folder / "log.jsonl").lines == before


def test_a_received_file_cannot_be_exchanged_or_slipped_in(recording: Recording, tmp_path: Path) -> None:
    receive(context(recording), known(recording), [Receipt(p) for p in files_of(tmp_path / "in")])
    files = read_files(recording.export(tmp_path / "p.zip").path)
    name = next(name for name in files if name.startswith("received/"))
    for number, (forged, file) in enumerate(
        [
            (files | {name: b"another"}, name),
            (files | {"received/" + "0" * 32 + ".png": b"x"}, "received/" + "0" * 32 + ".png"),
            ({n: d for n, d in files.items() if n != name}, name),
            (
                files | {"log/received.jsonl": files["log/received.jsonl"].replace(b'"order"', b'"chats"')},
                "log/received.jsonl",
            ),
        ]
    ):
        target = pack(resealed(forged, recording.key), tmp_path / f"{number}.zip")
        verdict = verify_package(target, recording.anchors())
        assert not verdict.holds
        assert verdict.failures[0].file == file
