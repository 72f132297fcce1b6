"""Rule packs over HTTP: strict on upload, tried by their own sentences, in force only when a person says so."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.context import Limits
from claims.pack import read_pack
from evidence.audit import read_audit
from tests.api.light import light_service

PACK = """pack: {id: 店/规, version: "%s", title: 店铺, jurisdiction: CN, kind: merchant, effective_from: 2026-02-01}
rules:
- id: SHOP-001
  title: 店内禁语
  category: absolute_term
  severity: low
  say: [%s]
  legal_basis: [{law: 店规, article: 一}]
  penalty_ref: 店规
  advice: 不说
  advice_en: Do not say it.
  must_hit: [这就是%s]
  must_miss: [普通电风扇]
"""


def pack(version: str = "1", term: str = "宇宙无敌旋风", sentence: str = "") -> bytes:
    return (PACK % (version, term, sentence or term)).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packs")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    with light_service(folder, limits=Limits(pack_bytes=20_000)) as (client, _):
        yield client


@pytest.fixture(scope="module")
def draft(client: TestClient) -> dict:
    answer = client.post("/api/v1/packs", content=pack(), headers={"Content-Type": "application/yaml"})
    assert answer.status_code == 201, answer.text
    return answer.json()


def actions(folder: Path) -> list[str]:
    return [json.loads(line)["kind"] for line in read_audit(folder)]


def test_an_upload_is_a_draft_with_the_report_of_its_sentences(client: TestClient, draft: dict, folder: Path) -> None:
    assert draft["report"] == {"sentences": 2, "failed": []}
    assert (draft["pack"], draft["version"], draft["rules"], draft["in_force"]) == ("店/规", "1", 1, False)
    assert draft["uploaded_by"] == "local"
    listed = client.get("/api/v1/packs").json()
    assert listed["drafts"] == [draft]
    assert [item["pack"] for item in listed["in_force"]] == ["cn-law"]
    file = client.get(f"/api/v1/packs/{draft['id']}/file")
    assert file.content == pack()
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert "pack.uploaded" in actions(folder)


def test_the_same_bytes_are_the_same_draft(client: TestClient, draft: dict) -> None:
    again = client.post("/api/v1/packs", content=pack())
    assert (again.status_code, again.json()) == (200, draft)


@pytest.mark.parametrize(
    ("body", "status", "line"),
    [
        (pack().replace(b"severity: low", b"severity: lowest"), 422, "6"),
        (pack().replace(b"  say:", b"  says:"), 422, "7"),
        (pack().replace(b"title: \xe5\xba\x97\xe5\x86\x85", b"title: &a \xe5\xba\x97\xe5\x86\x85"), 422, "4"),
        (b"pack: [", 422, "2"),
        (b"\xff\xfe", 422, "1"),
        (b"  ", 422, ""),
        (b"# " + b"x" * 20_000, 413, ""),
    ],
)
def test_an_unfit_pack_is_refused_with_its_line(client: TestClient, body: bytes, status: int, line: str) -> None:
    answer = client.post("/api/v1/packs", content=body)
    assert answer.status_code == status
    told = answer.json()
    assert told["code"]
    if line:
        assert f"第 {line} 行" in told["zh"]
        assert f"line {line}:" in told["en"]


def test_a_pack_whose_sentences_come_out_wrong_stays_a_draft(client: TestClient) -> None:
    answer = client.post("/api/v1/packs", content=pack("9", "宇宙无敌旋风", "平平常常"))
    made = answer.json()
    assert answer.status_code == 201
    assert made["report"]["failed"] == [
        {"rule_id": "SHOP-001", "line": 3, "kind": "must_hit", "text": "这就是平平常常"}
    ]
    refused = client.post(f"/api/v1/packs/{made['id']}/activate")
    assert (refused.status_code, refused.json()["code"]) == (409, "pack_sentences")
    assert client.delete(f"/api/v1/packs/{made['id']}").status_code == 204
    assert client.get(f"/api/v1/packs/{made['id']}").status_code == 404


def test_one_version_is_in_force_until_another_is(client: TestClient, draft: dict, folder: Path) -> None:
    before = client.get("/api/v1/packs").json()["rules_sha256"]
    first = client.post(f"/api/v1/packs/{draft['id']}/activate").json()
    assert [(p["pack"], p["origin"]) for p in first["in_force"]] == [("cn-law", "bundled"), ("店/规", "activated")]
    assert first["rules_sha256"] != before
    assert client.get(f"/api/v1/packs/{draft['id']}").json()["in_force"]
    assert client.delete(f"/api/v1/packs/{draft['id']}").json()["code"] == "pack_in_force"

    other = client.post("/api/v1/packs", content=pack("2", "银河超级电扇")).json()
    second = client.post(f"/api/v1/packs/{other['id']}/activate").json()
    assert [(p["pack"], p["version"]) for p in second["in_force"]][1:] == [("店/规", "2")]
    assert not client.get(f"/api/v1/packs/{draft['id']}").json()["in_force"]
    files = sorted((folder / "packs" / "active").iterdir())
    assert len(files) == 1
    assert read_pack(files[0]).version == "2", "what lies there is what every process judges by"

    last = client.post(f"/api/v1/packs/{other['id']}/deactivate").json()
    assert last["rules_sha256"] == before
    assert client.post(f"/api/v1/packs/{other['id']}/deactivate").json()["code"] == "pack_idle"
    activations = [json.loads(line) for line in read_audit(folder) if b'"pack.activated"' in line]
    assert [a["detail"]["version"] for a in activations] == ["1", "2"]
    assert activations[1]["detail"]["instead_of"] == draft["sha256"]
    assert activations[1]["detail"]["rules_sha256"] == second["rules_sha256"]
    assert "pack.deactivated" in actions(folder)


def test_a_pack_cannot_stand_in_for_the_law(client: TestClient) -> None:
    made = client.post("/api/v1/packs", content=pack().replace("店/规".encode(), b"cn-law")).json()
    refused = client.post(f"/api/v1/packs/{made['id']}/activate")
    assert (refused.status_code, refused.json()["code"]) == (409, "rules_twice")
    assert [p["pack"] for p in client.get("/api/v1/packs").json()["in_force"]] == ["cn-law"]


@pytest.mark.parametrize("wrong", ["..%2f..%2fkeys", "0" * 15, "G" * 16])
def test_no_other_file_is_to_be_had(client: TestClient, wrong: str) -> None:
    assert client.get(f"/api/v1/packs/{wrong}/file").status_code in (404, 422)
