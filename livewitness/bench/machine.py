"""The machine a number was measured on: without it a figure means little."""

import platform
from pathlib import Path

from core.clock import iso, utc_now
from models.device import available_cores


def machine() -> dict[str, str | int]:
    """Date, processor, cores this process may use, system and Python, for a benchmark's JSON."""
    return {
        "date": iso(utc_now()),
        "processor": _processor(),
        "cores": available_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
