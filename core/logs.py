"""Logging: one line a record on stderr, never on stdout, with control characters made visible."""

import logging
import sys

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _PrintableFormatter(logging.Formatter):
    """A title or transcript with escape codes must not drive the operator's terminal."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in line)


def configure_logging(level: str = "WARNING") -> None:
    """Send all records of ``level`` and above to stderr, replacing earlier configuration."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PrintableFormatter(_FORMAT))
    logging.basicConfig(level=level, handlers=[handler], force=True)
