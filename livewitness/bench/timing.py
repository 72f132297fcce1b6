"""Clocks of the search benchmarks: what one query takes by the clock, and of the processor."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Measured = tuple[list[float], float]
"""Milliseconds of each query, and of the processor on average, however busy it is with others."""


def once(queries: Sequence[Any], search: Callable[..., object]) -> Measured:
    """Ask every query once."""
    times: list[float] = []
    before = cpu_ms()
    for query in queries:
        started = time.perf_counter()
        search(query)
        times.append((time.perf_counter() - started) * 1000)
    return times, (cpu_ms() - before) / len(times)


def cpu_ms() -> float:
    """Processor time of this process and those it started, the embedder's among them."""
    ticks = 0
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            fields = Path(f"/proc/{child}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return time.process_time() * 1000 + ticks * 1000 / os.sysconf("SC_CLK_TCK")
