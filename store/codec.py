"""Records to columns and back: times as ISO text, nested records as JSON."""

import json
from dataclasses import asdict
from typing import Any

from core.clock import iso, parse_iso
from core.records import Category, Correction, Finding, LegalBasis, Severity, Verdict, Word

__all__ = [
    "dump_correction",
    "dump_finding",
    "dump_words",
    "iso",
    "load_correction",
    "load_finding",
    "load_words",
    "parse_iso",
]


def dump_words(words: tuple[Word, ...]) -> str:
    """Words as compact JSON rows ``[text, start_ms, end_ms, probability]``."""
    rows = [[w.text, w.start_ms, w.end_ms, round(w.probability, 3)] for w in words]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def load_words(text: str) -> tuple[Word, ...]:
    """The inverse of `dump_words`."""
    return tuple(Word(row[0], row[1], row[2], row[3]) for row in json.loads(text))


def dump_finding(finding: Finding) -> str:
    """A finding as a JSON object."""
    return json.dumps(asdict(finding), ensure_ascii=False)


def load_finding(text: str) -> Finding:
    """The inverse of `dump_finding`."""
    fields: dict[str, Any] = json.loads(text)
    fields["category"] = Category(fields["category"])
    fields["severity"] = Severity(fields["severity"])
    fields["verdict"] = Verdict(fields["verdict"])
    fields["legal_basis"] = tuple(LegalBasis(**basis) for basis in fields["legal_basis"])
    return Finding(**fields)


def dump_correction(correction: Correction | None) -> str:
    """A correction as a JSON object; empty text for none."""
    return "" if correction is None else json.dumps(asdict(correction), ensure_ascii=False)


def load_correction(text: str) -> Correction | None:
    """The inverse of `dump_correction`."""
    return Correction(**json.loads(text)) if text else None
