"""What is told of a rule pack: its head, and how its own sentences come out."""

from typing import Any

from claims.checker import Checker
from claims.rules import Pack
from core.clock import beijing_day, utc_now
from core.shapes import Json


def pack_head(pack: Pack) -> Json:
    """Name, version and hash of a pack."""
    return {
        "pack": pack.id,
        "version": pack.version,
        "title": pack.title,
        "jurisdiction": pack.jurisdiction,
        "kind": pack.kind,
        "effective_from": pack.effective_from.isoformat(),
        "effective_until": pack.effective_until.isoformat() if pack.effective_until else None,
        "in_force": pack.in_force(beijing_day(utc_now())),
        "sha256": pack.sha256,
        "rules": len(pack.rules),
    }


def sentence_report(pack: Pack) -> Json:
    """How the pack's own sentences come out: ``sentences`` counts them, ``failed`` has those that came out wrong."""
    checker = Checker([pack])
    count = 0
    failed: list[dict[str, Any]] = []
    for rule in pack.rules:
        wanted = [(True, example) for example in rule.must_hit] + [(False, example) for example in rule.must_miss]
        for hit, example in wanted:
            count += 1
            if checker.fires(rule, example) != hit:
                kind = "must_hit" if hit else "must_miss"
                failed.append({"rule_id": rule.id, "line": rule.line, "kind": kind, "text": example.text})
    return {"sentences": count, "failed": failed}
