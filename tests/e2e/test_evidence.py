"""From a live stream that is killed in the middle to a package that both verifiers accept."""

import json
import subprocess
import time
import zipfile

import pytest

from ingest.hls_server import HlsLoopbackServer
from tests.evidence.authority import Authority

pytestmark = pytest.mark.slow


def test_killed_while_recording_then_exported_and_verified(cli, piece, tmp_path) -> None:
    with Authority(tmp_path / "tsa") as authority, HlsLoopbackServer(piece(0, 120), when_asked=True) as server:
        setting = {"LIVEWITNESS_TSA_URL": authority.url, "LIVEWITNESS_CHECKPOINT_SECONDS": "2"}
        arguments = ("watch", server.url, "--stream", "现场", "--json")
        first = cli.start(*arguments, **setting)
        first.wait_for("segment", 2)
        first.kill()
        second = cli.start(*arguments, **setting)
        second.wait_for("segment", 4)
        second.process.terminate()
        second.wait_for("stream.ended")
        assert second.wait() == 0

        kept = [e["sha256"] for e in first.events + second.events if e["event"] == "segment"]
        (log,) = cli.data.glob("streams/*/log.jsonl")
        leaves = [json.loads(line) for line in log.read_bytes().splitlines()]
        assert [leaf["index"] for leaf in leaves] == list(range(len(leaves)))
        logged = [leaf["sha256"] for leaf in leaves if leaf["kind"] == "segment"]
        assert set(kept) <= set(logged)
        assert len(logged) == len(set(logged))
        assert [leaf["kind"] for leaf in leaves].count("session") == 2
        assert "gap" in {leaf["kind"] for leaf in leaves}

        package, keys = tmp_path / "证据.zip", tmp_path / "keys.pem"
        last = max(e["end"] for e in second.events if e["event"] == "segment")
        span = (f"{last - 9:.3f}", f"{last - 3:.3f}")
        done = cli.run("export", "现场", *span, "-o", package, "--case", "（2026）1号", "--json", **setting)
        assert done.json[0]["stamped"]
        cli.run("keys", "public", "-o", keys)

    good = cli.run("verify", package, "--public-key", keys, "--tsa-ca", authority.ca, "--json").json[0]
    assert good["holds"]
    assert good["latest_token_s"] < 30
    cli.run("verify", package, code=4)
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path / "unpacked")
    began = time.monotonic()
    script = ["env", "-i", "bash", tmp_path / "unpacked" / "verify.sh", keys, authority.ca]
    subprocess.run(script, check=True, timeout=60, capture_output=True)
    assert time.monotonic() - began < 10

    changed = bytearray(package.read_bytes())
    changed[len(changed) // 2] ^= 1
    (tmp_path / "changed.zip").write_bytes(changed)
    bad = cli.run("verify", tmp_path / "changed.zip", "--public-key", keys, code=1)
    assert "✗" in bad.out
    cli.run("verify", tmp_path / "none.zip", "--public-key", keys, code=3)
    cli.run("verify", package, "--public-key", authority.ca, code=3)

    assert cli.run("archive", "verify", "--json").json[0]["holds"]
    assert cli.run("audit", "verify", "--json").json[0]["holds"]
    assert "（2026）1号" in [entry["detail"].get("case") for entry in cli.run("audit", "list").json]
    one = next(cli.data.glob("streams/*/*/00000002.ts"))
    one.write_bytes(one.read_bytes()[:-188])
    damaged = cli.run("archive", "verify", "--json", code=1).json[0]["damages"]
    assert [damage["file"].rpartition("/")[2] for damage in damaged] == ["00000002.ts"]
