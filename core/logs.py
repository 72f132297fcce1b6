"""Logging on stderr, never on stdout: a line a record, or a JSON object a line; nothing in it drives a terminal.

What people wrote or named comes into logs: a record is one line whatever its text holds, so that no title can forge
another record. Names of people, addresses, queries and what was said are not logged; the audit chain has who did what.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Literal

from core.errors import LiveWitnessError

Form = Literal["text", "json"]
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_BELOW = "  | "


def visible(text: str) -> str:
    """``text`` on one line: line breaks, escape codes, marks of direction and the like as their numbers."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


class TextFormatter(logging.Formatter):
    """One line a record; a traceback follows on lines that begin with a bar."""

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        record.message = visible(record.getMessage())
        record.asctime = self.formatTime(record, self.datefmt)
        return "\n".join([self.formatMessage(record), *(_BELOW + line for line in _failure(record))])


class JsonFormatter(logging.Formatter):
    """One JSON object a record: ``at``, ``level``, ``logger``, ``message``, and ``failure`` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, str | list[str]] = {
            "at": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": visible(record.getMessage()),
        }
        if failure := _failure(record):
            fields["failure"] = failure
        return json.dumps(fields, ensure_ascii=False)


def _failure(record: logging.LogRecord) -> list[str]:
    """The traceback of a record, a line each: where it failed and how, the causes first."""
    if not record.exc_info or record.exc_info[1] is None:
        return []
    chain: list[BaseException] = []
    error: BaseException | None = record.exc_info[1]
    while error is not None and error not in chain:
        chain.insert(0, error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [visible(line) for error in chain for line in _told(error)]


def _told(error: BaseException) -> list[str]:
    """One exception; its message only where it is known to hold no more than a place and a reason.

    A database's error, say, quotes what was to be stored.
    """
    frames = "".join(traceback.format_tb(error.__traceback__)).rstrip("\n").split("\n")
    name = type(error).__qualname__
    said = f"{name}: {error}" if isinstance(error, LiveWitnessError | OSError) else name
    return ["Traceback (most recent call last):", *frames, said]


def configure_logging(level: str = "WARNING", form: Form = "text") -> None:
    """Send all records of ``level`` and above to stderr, replacing earlier configuration."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
