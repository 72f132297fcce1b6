"""An alert to store, tell and deliver in tests."""

from datetime import UTC, datetime

from core.records import Alert, AlertStatus, Category, Finding, LegalBasis, Severity, Verdict

BEGUN = datetime(2026, 11, 11, 12, 0, tzinfo=UTC)


def an_alert(
    alert_id: str = "a1", stream: str = "s", status: AlertStatus = AlertStatus.CONFIRMED, **more: object
) -> Alert:
    """An alert of ``stream`` at 7.8 s; further fields of `Alert` as given."""
    finding = Finding(
        rule_id="COS-1",
        category=Category.COSMETIC_SPECIAL,
        severity=Severity.HIGH,
        verdict=Verdict.VIOLATION,
        start=4,
        end=8,
        matched="三天祛斑",
        canonical="三天祛斑",
        method="text",
        score=1.0,
        title="普通化妆品宣称特殊功效",
        legal_basis=(LegalBasis("化妆品监督管理条例", "第十六条"),),
        advice="改用备案功效",
        advice_en="Use the filed efficacy",
        pack="cn-law",
        pack_version="1",
        pack_sha256="cd" * 32,
    )
    return Alert(alert_id, status, stream, 0, 7800, 8600, BEGUN, "这款面霜三天祛斑", finding, 700, **more)
