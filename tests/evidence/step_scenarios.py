"""What is killed step by step: a recording's log with its checkpoints, and a retention run."""

import json
from collections.abc import Callable
from pathlib import Path

from core.clock import utc_now
from core.records import Gap, ModelIdentity, Segment, Stream
from evidence.archive import ArchiveCheck
from evidence.audit import Actor, append_audit, read_audit
from evidence.audit_seal import check_audit, seal_audit
from evidence.checkpoints import FOLDER, checkpoint_paths, load_checkpoint
from evidence.deletion import run_plan
from evidence.holds import HoldOrder, place_hold
from evidence.keys import Keyring
from evidence.leaves import Rules, Session
from evidence.live_log import LiveLog, SealOptions
from evidence.merkle import root
from evidence.segment_log import log_path, read_log
from store import deletions, recordings, streams, utterances
from store.engine import open_database
from tests.evidence.retained import ACTOR, NOW, Archive, add_stream, open_archive

SESSION = Session(Stream("s", "x"), "x", "recorded", "test", ModelIdentity("m", "0"), (Rules("p", "1", "0" * 64),))
_SEGMENTS = 3


class LogScenario:
    """Three segments, a gap, checkpoints, an audit entry: listed, logged, signed."""

    def prepare(self, data: Path) -> None:
        open_archive(data).db.close()

    def act(self, data: Path, tell: Callable[[str], None]) -> None:
        db = open_database(data / "livewitness.db")
        with db.write() as connection:
            streams.open_stream(connection, Stream("s", "x"))
            last = recordings.last_segment(connection, "s")
        number = last.sequence if last else 0
        with LiveLog(db, data, SESSION, SealOptions(3600)) as log:
            log.started()
            for n in range(number + 1, number + 1 + _SEGMENTS):
                start = n * 2_000
                path = f"streams/s/0001/{n:08d}.ts"
                segment = Segment("s", 1, n, path, f"{n:064x}", 1, start, start, start, start + 1, utc_now())
                with db.write() as connection:
                    recordings.add_segment(connection, segment)
                log.segment(segment)
                tell(str(n))
                log.seal()
            log.gap(Gap("s", 1, start + 1, start + 900, "source_silent", utc_now(), utc_now()))
            log.ended("ended")
        append_audit(data, Actor("a", "b", "c"), "search", {"query": "三天祛斑"})
        seal_audit(data)
        db.close()

    def check_killed(self, data: Path, told: list[str]) -> None:
        view = read_log(log_path(data, "s"))
        logged = [leaf["sequence"] for leaf in view.leaves if leaf["kind"] == "segment"]
        assert {int(n) for n in told} <= set(logged), "a segment that was told is lost"
        self._signed(data)
        (data / "before").write_bytes(b"".join(line + b"\n" for line in view.lines))

    def check(self, data: Path, told: list[str]) -> None:
        view = read_log(log_path(data, "s"))
        before = (data / "before").read_bytes().splitlines()
        assert list(view.lines[: len(before)]) == before, "a line that was there has changed"
        logged = [leaf["sequence"] for leaf in view.leaves if leaf["kind"] == "segment"]
        db = open_database(data / "livewitness.db")
        with db.read() as connection:
            listed = [segment.sequence for segment in recordings.list_segments(connection, "s")]
        db.close()
        assert logged == listed == sorted(set(logged)), "doubled, lost or out of order"
        self._signed(data)
        assert checkpoint_paths(log_path(data, "s").parent / FOLDER)

    def _signed(self, data: Path) -> None:
        view = read_log(log_path(data, "s"))
        keys = {key.id: key for key in Keyring(data / "keys").known()}
        for path in checkpoint_paths(log_path(data, "s").parent / FOLDER):
            stored = load_checkpoint(path)
            assert stored is not None
            assert stored.checkpoint.root == root(view.hashes[: stored.checkpoint.size]).hex()
            assert keys[stored.checkpoint.key].verifies(stored.text, stored.signature)
        assert check_audit(data)[1] == []


class RetentionScenario:
    """Two streams are due, one of them partly held; one is young."""

    def prepare(self, data: Path) -> None:
        archive = open_archive(data)
        add_stream(archive, "a", ["魑魅魍魉", "饕餮"])
        add_stream(archive, "b", ["獬豸", "貔貅", "夔龙", "麒麟"])
        add_stream(archive, "c", ["还没有到期"], ended=NOW)
        place_hold(archive.db, data, HoldOrder("案", "b", "诉讼", 0, 1_000), ACTOR)
        (data / "plan").write_text(archive.plan().hash)
        (data / "foreign").write_text(json.dumps(sorted(archive.files())))
        archive.db.close()

    def act(self, data: Path, tell: Callable[[str], None]) -> None:
        archive = open_archive(data)
        for entry, _ in run_plan(archive.context, (data / "plan").read_text(), NOW):
            tell(entry.stream)
        archive.db.close()

    def check_killed(self, data: Path, told: list[str]) -> None:
        archive = open_archive(data)
        named = self._damages(data)
        assert all("was deleted" in reason for reason in named), named
        with archive.db.read() as connection:
            decided = {d.stream for d in deletions.list_deletions(connection)}
            for stream, count in (("a", 2), ("b", 4), ("c", 1)):
                left = len(utterances.list_utterances(connection, stream))
                assert left == (2 if stream == "b" and "b" in decided else 0 if stream in decided else count)
        assert len(archive.segments("c")) == 1
        archive.db.close()

    def check(self, data: Path, told: list[str]) -> None:
        archive = open_archive(data)
        assert self._damages(data) == []
        assert [s.sequence for s in archive.segments("b")] == [1, 2], "the held segment and its neighbour"
        assert (len(archive.segments("a")), len(archive.segments("c"))) == (0, 1)
        assert archive.plan().streams == ()
        self._recorded_once(archive, data)
        gone = set(json.loads((data / "foreign").read_text())) - archive.files().keys()
        assert sum(name.endswith(".ts") for name in gone) == 4
        assert sum(name.startswith("clips/") for name in gone) == 2, "the clip of b is made of what is held"
        archive.db.close()
        for path in (p for p in data.rglob("*") if p.is_file()):
            for word in ("魑", "餮", "夔", "麒"):
                assert word.encode() not in path.read_bytes(), (path, word)

    def _recorded_once(self, archive: Archive, data: Path) -> None:
        with archive.db.read() as connection:
            done = deletions.list_deletions(connection)
        assert sorted(d.stream for d in done) == ["a", "b"]
        assert all(d.finished_at for d in done)
        for deletion in done:
            leaves = read_log(log_path(data, deletion.stream)).leaves
            assert [leaf["deletion"] for leaf in leaves if leaf["kind"] == "delete"] == [deletion.id]
        entries = [json.loads(line) for line in read_audit(data)]
        audited = [e["detail"]["deletion"] for e in entries if e["kind"] == "retention.delete"]
        assert sorted(audited) == sorted(d.id for d in done)
        assert check_audit(data)[1] == []

    def _damages(self, data: Path) -> list[str]:
        check = ArchiveCheck(data, restart=True)
        list(check.run())
        return [damage.en for damage in check.state.damages]


SCENARIOS = {"log": LogScenario, "retention": RetentionScenario}
