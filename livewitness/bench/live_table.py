"""The runs of ``livewitness bench live`` for people: one column a run, one row a measure, within 100 columns."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from livewitness.bench.machine import machine

if TYPE_CHECKING:
    from livewitness.bench.live import Run, Spread

Row = tuple[str, Callable[["Run"], str]]


def _both(values: "Spread") -> str:
    return f"{values.p50:.2f}/{values.p95:.2f}" if values.count else "–"


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole}" if whole else "–"


ROWS: tuple[Row, ...] = (
    ("streams", lambda run: str(run.streams)),
    ("suspected p50/p95 s", lambda run: _both(run.suspected)),
    ("confirmed p50/p95 s", lambda run: _both(run.confirmed)),
    ("claims found", lambda run: _share(run.claims_found, run.claims)),
    ("suspected before that", lambda run: _share(run.claims_suspected_first, run.claims_found)),
    ("terms found", lambda run: _share(run.score.terms_near, run.score.terms)),
    ("terms clean", lambda run: run.terms_by_recording.get("clean", "–")),
    ("terms music", lambda run: run.terms_by_recording.get("music", "–")),
    ("terms crowd in a room", lambda run: run.terms_by_recording.get("crowd", "–")),
    ("terms fast, no pauses", lambda run: run.terms_by_recording.get("fast", "–")),
    ("CER", lambda run: f"{run.score.cer:.1%}"),
    ("withdrawn an hour", lambda run: f"{run.an_hour(run.withdrawn):.0f}"),
    ("false alerts an hour", lambda run: f"{run.an_hour(run.false_alerts):.1f}"),
    ("false suspicions an hour", lambda run: f"{run.an_hour(run.false_suspicions):.1f}"),
    ("CPU-s per stream-s", lambda run: f"{run.cpu_s_per_stream_s:.3f}"),
    ("peak memory MiB", lambda run: str(run.peak_mib)),
    ("provisional made / dropped", lambda run: f"{run.provisional_made}/{run.provisional_dropped}"),
    ("last text after the end s", lambda run: f"{run.late_s:.1f}"),
    ("audio never transcribed s", lambda run: f"{run.lost_s:.1f}"),
)


def table(runs: Sequence["Run"]) -> Table:
    """The table, with the machine under it and the systems' full names."""
    where = machine()
    names = " · ".join(dict.fromkeys(run.system for run in runs))
    shown = Table(
        title="live streams at their own pace",
        caption=f"{names}\n{where['date']} · {where['processor']} ({where['cores']} cores)",
        padding=(0, 1, 0, 0),
    )
    shown.add_column("", no_wrap=True)
    for run in runs:
        shown.add_column(run.column, justify="right", no_wrap=True)
    for label, value in ROWS:
        shown.add_row(label, *(value(run) for run in runs))
    return shown
