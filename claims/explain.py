"""Rule packs for reading: a list of rules, and one rule with everything it stands on."""

from collections.abc import Sequence

from claims.rules import Lexicon, Pack, RegexPattern, Rule, SlotPattern, TermPattern
from core.errors import NotFoundError
from core.records import LegalBasis

_SHOWN_TERMS = 12


def rule_rows(packs: Sequence[Pack]) -> list[dict[str, str]]:
    """One row a rule: id, category, severity, verdict, title, pack, version, and the first legal basis."""
    return [
        {
            "id": rule.id,
            "category": rule.category.value,
            "severity": rule.severity.value,
            "verdict": rule.verdict.value,
            "title": rule.title,
            "pack": pack.id,
            "version": pack.version,
            "legal_basis": _law(rule.legal_basis[0]),
        }
        for pack in packs
        for rule in pack.rules
    ]


def explain_rule(packs: Sequence[Pack], rule_id: str) -> dict[str, object]:
    """All of one rule as plain data; NotFoundError when no pack has it."""
    for pack in packs:
        rule = pack.rule(rule_id)
        if rule is not None:
            return _explained(pack, rule)
    raise NotFoundError("rules_rule", f"没有规则 {rule_id}。", f"There is no rule {rule_id}.")


def _explained(pack: Pack, rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "title": rule.title,
        "category": rule.category.value,
        "severity": rule.severity.value,
        "verdict": rule.verdict.value,
        "legal_basis": [{"law": b.law, "article": b.article, "seen": b.seen} for b in rule.legal_basis],
        "penalty_ref": rule.penalty_ref,
        "advice": rule.advice,
        "advice_en": rule.advice_en,
        "products": {"include": sorted(rule.scope.include), "exclude": sorted(rule.scope.exclude)},
        "looks_for": [_pattern(pattern, pack.lexicons) for pattern in rule.patterns],
        "exceptions": [{"where": e.where, "effect": e.effect, "reason": e.reason} for e in rule.exceptions],
        "must_hit": [example.text for example in rule.must_hit],
        "must_miss": [example.text for example in rule.must_miss],
        "pack": pack.id,
        "version": pack.version,
        "sha256": pack.sha256,
        "file": rule.file,
        "line": rule.line,
    }


def _law(basis: LegalBasis) -> str:
    return f"{basis.law} {basis.article}"


def _pattern(pattern: TermPattern | RegexPattern | SlotPattern, lexicons: dict[str, Lexicon]) -> str:
    if isinstance(pattern, RegexPattern):
        return f"expression: {pattern.source}"
    if isinstance(pattern, SlotPattern):
        return "slots: " + " + ".join("/".join(slot) for slot in pattern.slots)
    terms = [term for name in pattern.lexicons for term in lexicons[name].terms]
    more = f" … ({len(terms)})" if len(terms) > _SHOWN_TERMS else ""
    return "terms: " + " ".join(terms[:_SHOWN_TERMS]) + more
