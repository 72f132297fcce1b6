"""What is told is what was committed, in the order of commits, once."""

import json
import threading

import pytest

from core.records import AlertStatus
from store import alerts, outbox
from tests.alerting import an_alert


def test_an_alert_and_its_event_are_one_transaction(told) -> None:
    with pytest.raises(RuntimeError), told.write() as c:
        alerts.add_alert(c, an_alert())
        outbox.append(c, "alert", an_alert())
        raise RuntimeError
    with told.read() as c:
        assert outbox.after(c, 0, 10) == []
        assert outbox.newest(c) == 0


def test_the_payload_is_the_alert_with_its_status(told) -> None:
    with told.write() as c:
        first = outbox.append(c, "alert", an_alert(status=AlertStatus.SUSPECTED))
        second = outbox.append(c, "alert", an_alert(status=AlertStatus.WITHDRAWN, reason="final text says otherwise"))
    assert second == first + 1
    with told.read() as c:
        one, two = outbox.after(c, 0, 10)
        assert outbox.get(c, first) == one
        assert outbox.get(c, 99) is None
    payload = json.loads(two.payload)
    assert payload["event"] == two.event == "alert"
    assert (payload["status"], payload["reason"]) == ("withdrawn", "final text says otherwise")
    assert (payload["alert_id"], payload["start"], payload["event_id"]) == ("a1", 7.8, two.event_id)
    assert one.event_id != two.event_id


def test_reading_goes_on_from_any_cursor_and_by_stream(told) -> None:
    with told.write() as c:
        cursors = [outbox.append(c, "alert", an_alert(f"a{n}", "st"[n % 2])) for n in range(6)]
        outbox.append_event(c, {"event": "source_silent", "stream": "t", "seconds": 21})
    with told.read() as c:
        assert [e.cursor for e in outbox.after(c, cursors[1], 2)] == cursors[2:4]
        assert [e.alert_id for e in outbox.after(c, 0, 10, "s")] == ["a0", "a2", "a4"]
        assert outbox.streams_after(c, cursors[4]) == {"t"}
        assert outbox.after(c, cursors[5], 10)[0].event == "source_silent"


def test_a_reader_that_follows_two_writers_misses_nothing(told) -> None:
    def write(stream: str) -> None:
        for number in range(60):
            with told.write() as c:
                outbox.append(c, "alert", an_alert(f"{stream}{number}", stream))

    writers = [threading.Thread(target=write, args=(name,)) for name in "st"]
    for writer in writers:
        writer.start()
    seen: list[str] = []
    cursor = 0
    while len(seen) < 120:
        with told.read() as c:
            for event in outbox.after(c, cursor, 7):
                seen.append(event.alert_id)
                cursor = event.cursor
        if not any(writer.is_alive() for writer in writers) and cursor >= _newest(told):
            break
    for writer in writers:
        writer.join()
    assert len(seen) == len(set(seen)) == 120
    assert [a for a in seen if a[0] == "s"] == [f"s{n}" for n in range(60)]


def _newest(db) -> int:
    with db.read() as c:
        return outbox.newest(c)
