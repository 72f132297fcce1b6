"""What people see while a stream is watched."""

import io
import json

from rich.console import Console

from livewitness.display import StreamDisplay, alert_lines

ALERT = {
    "event": "alert",
    "status": "confirmed",
    "start": 5.76,
    "text": "先看这瓶，三天祛斑，用了就知道",
    "text_start": 5,
    "text_end": 9,
    "title": "普通化妆品宣称特殊功效",
    "verdict": "violation",
    "severity": "high",
    "latency_ms": 812,
    "rule_id": "COS-001",
    "legal_basis": [{"law": "化妆品监督管理条例", "article": "第十六条"}],
    "advice": "改说备案的功效",
}


def test_an_alert_names_words_delay_rule_law_and_advice() -> None:
    lines = "\n".join(line for line, _ in alert_lines(ALERT))
    for part in ("0:00:05.760", "【三天祛斑】", "812 ms", "COS-001", "化妆品监督管理条例 第十六条", "改说备案的功效"):
        assert part in lines


def test_for_people_events_are_lines() -> None:
    shown = io.StringIO()
    with StreamDisplay(as_json=False, console=Console(file=shown, width=200)) as display:
        display.show(ALERT)
        display.show({"event": "gap", "start": 1.0, "end": 3.5, "reason": "source_silent"})
        display.show({"event": "segment", "end": 8.0})
    assert "【三天祛斑】" in shown.getvalue()
    assert "source_silent" in shown.getvalue()


def test_a_title_cannot_drive_the_terminal() -> None:
    shown = io.StringIO()
    with StreamDisplay(as_json=False, console=Console(file=shown, width=200)) as display:
        display.show(ALERT | {"text": "三天\x1b[2J祛斑", "text_start": 0, "text_end": 2})
    assert "\x1b" not in shown.getvalue()


def test_for_machines_every_event_is_a_json_line(capsys) -> None:
    with StreamDisplay(as_json=True, console=Console(file=io.StringIO())) as display:
        display.show(ALERT)
    assert json.loads(capsys.readouterr().out) == ALERT
