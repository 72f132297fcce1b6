"""The JSON that users and benchmarks rely on keeps its names."""

from datetime import UTC, datetime

from core.records import (
    Alert,
    AlertStatus,
    Category,
    Finding,
    LegalBasis,
    ModelIdentity,
    Severity,
    Utterance,
    Verdict,
    Word,
)
from core.shapes import alert_json, finding_json, utterance_json

MOMENT = datetime(2026, 11, 11, 12, 31, 0, 500_000, tzinfo=UTC)
FINDING = Finding(
    rule_id="COS-001",
    category=Category.COSMETIC_SPECIAL,
    severity=Severity.HIGH,
    verdict=Verdict.VIOLATION,
    start=3,
    end=7,
    matched="三天去班",
    canonical="三天祛斑",
    method="sound",
    score=0.8765,
    title="普通化妆品宣称特殊功效",
    legal_basis=(LegalBasis("化妆品监督管理条例", "第十六条", seen=True),),
    advice="改用备案功效",
    advice_en="Use the filed efficacy",
    pack="cn-law",
    pack_version="1",
    pack_sha256="cd" * 32,
)


def test_a_finding_has_the_fields_of_check() -> None:
    wanted = [
        "rule_id",
        "category",
        "severity",
        "verdict",
        "start",
        "end",
        "matched",
        "canonical",
        "method",
        "score",
        "legal_basis",
        "advice",
    ]
    fields = finding_json(FINDING)
    assert set(wanted) <= set(fields)
    assert fields["legal_basis"] == [{"law": "化妆品监督管理条例", "article": "第十六条"}]
    assert fields["score"] == 0.876


def test_an_alert_has_the_fields_of_watch_and_times_in_seconds() -> None:
    alert = Alert("a1", AlertStatus.CONFIRMED, "s", 1, 5760, 6570, MOMENT, "看，三天去班", FINDING, 812)
    fields = alert_json(alert)
    wanted = [
        "status",
        "alert_id",
        "stream",
        "start",
        "end",
        "wall_time",
        "text",
        "matched",
        "rule_id",
        "category",
        "severity",
        "verdict",
    ]
    assert {*wanted, "legal_basis", "latency_ms"} <= set(fields)
    assert (fields["start"], fields["end"], fields["latency_ms"]) == (5.76, 6.57, 812)
    assert (fields["text_start"], fields["text_end"]) == (3, 7)
    assert fields["wall_time"] == "2026-11-11T12:31:00.500Z"


def test_an_utterance_shows_its_words_and_model() -> None:
    words = (Word("三天", 5760, 6100, 0.9),)
    fields = utterance_json(Utterance("s", 1, 5760, 6570, "三天", words, ModelIdentity("m", "ab"), MOMENT))
    assert fields["words"] == [{"text": "三天", "start": 5.76, "end": 6.1, "probability": 0.9}]
    assert fields["model"] == {"name": "m", "sha256": "ab"}
