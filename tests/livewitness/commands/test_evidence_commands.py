"""Export, verify and import on the command line: packages, masked editions, negative results, received files."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.errors import BadInputError, ConflictError, UsageError
from core.records import Stream
from livewitness.cli import cli
from store import streams
from tests.evidence.logged import STREAM, Recording, make_recording, read_files, tell

pytestmark = pytest.mark.slow


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory):
    made = make_recording(tmp_path_factory.mktemp("recorder") / "data")
    tell(made, "三天祛斑，打13800138000找我", 9_500)
    with made.db.write() as connection:
        streams.open_stream(connection, Stream("另一场", "test", shop="别家"))
    yield made
    made.db.close()


def test_a_package_and_its_masked_edition_are_written_and_verified_together(
    recording: Recording, tmp_path: Path
) -> None:
    full, masked = tmp_path / "full.zip", tmp_path / "masked.zip"
    options = ["--masked", masked, "--mute", "9-9.3", "--blur", "0,0,40,40@9-10", "--json"]
    done = run("export", STREAM, "8.5", "14.5", "-o", full, *options, "--data", recording.data)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["masked"]["found"] == {"mobile": 1}
    assert b"13800138000" not in b"".join(read_files(masked).values())
    verified = run("verify", full, masked, "--json", "--data", recording.data)
    assert verified.exit_code == 0, verified.output
    first, second = map(json.loads, verified.stdout.splitlines())
    assert (first["kind"], second["kind"], second["original"]) == ("package", "masked", str(full))
    shown = run("verify", masked, "--data", recording.data).output
    assert "遮蔽版" in shown
    assert "Verify it together with the original" in shown


def test_a_negative_result_is_written_or_what_was_found_is_named(recording: Recording, tmp_path: Path) -> None:
    found = run("export", "--negative", "三天祛斑", "-o", tmp_path / "n.zip", "--data", recording.data)
    assert isinstance(found.exception, ConflictError)
    assert "不是“检索未果”" in found.exception.sentence.zh
    assert not (tmp_path / "n.zip").exists()
    done = run(
        "export", "--negative", "量子波动速读", "--stream", STREAM, "-o", tmp_path / "n.zip", "--json", "--data",
        recording.data,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["streams"], said["logs"], said["best"] < 0.7) == (1, 1, True)
    search = json.loads(read_files(tmp_path / "n.zip")["search/search.json"])
    assert search["scope"]["stream"] == STREAM
    assert {model["name"] for model in search["models"]} >= {"concepts"}
    verified = run("verify", tmp_path / "n.zip", "--data", recording.data)
    assert verified.exit_code == 0, verified.output
    assert "不证明没有说过" in verified.output


def test_files_from_elsewhere_are_imported(recording: Recording, tmp_path: Path) -> None:
    (tmp_path / "订单.png").write_bytes(b"\x89PNG")
    done = run("import", "消费者提供", tmp_path / "订单.png", "--giver", "李某", "--json", "--data", recording.data)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["what"] == "order"
    again = run("import", "消费者提供", tmp_path / "订单.png", "--data", recording.data)
    assert "0 files received (1 were there)" in again.output
    missing = run("import", "没有这场", tmp_path / "none.png", "--data", recording.data)
    assert isinstance(missing.exception, BadInputError)
    with recording.db.read() as connection:
        assert streams.get_stream(connection, "没有这场") is None


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("s", "1"),
        ("s", "1", "2", "--negative", "x"),
        ("s", "1", "2", "--mute", "1-2"),
        ("s", "1", "2", "--masked", "m.zip", "--mute", "x"),
        ("s", "1", "2", "--masked", "m.zip", "--blur", "1,2,3"),
        ("s", "one", "2"),
    ],
)
def test_contradictions_are_wrong_usage(recording: Recording, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run("export", *arguments, "-o", tmp_path / "p.zip", "--data", recording.data)
    assert isinstance(done.exception, UsageError)
    assert list(tmp_path.iterdir()) == []
