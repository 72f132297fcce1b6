"""One rule of a pack out of its YAML: patterns, scope, exceptions, law and its own sentences."""

import re
from dataclasses import dataclass, field
from datetime import date

from claims.expressions import UnsafeExpressionError, compile_expression
from claims.fold import fold_term
from claims.products import KINDS
from claims.rules import Example, ExceptionClause, Lexicon, RegexPattern, Rule, Scope, SlotPattern, TermPattern
from claims.yamlnode import Node
from core.records import Category, LegalBasis, Severity, Verdict

QUANTITIES = ("@duration", "@percent", "@money", "@number")
_ONCE = ("id", "title")
KEYS = ("category", "severity", "verdict", "say", "terms", "regex", "slots", "context", "like", "scope", "exceptions",
         "polarity", "legal_basis", "penalty_ref", "advice", "advice_en", "must_hit", "must_miss",
         "sound", "letters", "methods", "ratio", "effective_from", "effective_until")  # fmt: skip
NEEDED = ("category", "severity", "legal_basis", "penalty_ref", "advice", "advice_en", "must_hit", "must_miss")
Pattern = TermPattern | RegexPattern | SlotPattern


@dataclass(slots=True)
class Shared:
    """What the rules of a pack have in common."""

    lexicons: dict[str, Lexicon] = field(default_factory=dict)
    laws: dict[str, LegalBasis] = field(default_factory=dict)
    exceptions: dict[str, ExceptionClause] = field(default_factory=dict)
    probe: bool = True

    def terms(self) -> dict[str, tuple[str, ...]]:
        """Terms by lexicon name."""
        return {name: lexicon.terms for name, lexicon in self.lexicons.items()}


def expression(node: Node, shared: Shared) -> re.Pattern[str]:
    """A node's expression, compiled; refused with its line when unsafe."""
    try:
        return compile_expression(node.text(), shared.terms(), probe=shared.probe)
    except UnsafeExpressionError as error:
        node.fail(f"正则表达式不能用：{error}", f"this expression cannot be used: {error}.")


def parse_law(node: Node) -> LegalBasis:
    """``{law, article, seen}``."""
    fields = node.fields(("law", "article"), ("seen",))
    return LegalBasis(fields["law"].text(), fields["article"].text(), "seen" in fields and fields["seen"].truth())


def parse_exception(node: Node, shared: Shared) -> ExceptionClause:
    """``{re, where, effect, reason}``."""
    fields = node.fields(("re", "where", "effect"), ("reason",))
    where = fields["where"].choice(("match", "clause", "near", "beside", "text", "shelf", "before", "after"))
    effect = fields["effect"].choice(("suppress", *(verdict.value for verdict in Verdict)))
    reason = fields["reason"].text() if "reason" in fields else ""
    return ExceptionClause(expression(fields["re"], shared), where, effect, reason)


def parse_date(node: Node) -> date:
    """A day as ``2026-02-01``."""
    try:
        return date.fromisoformat(node.text())
    except ValueError:
        node.fail("日期应写成 2026-02-01。", "the date should look like 2026-02-01.")


def parse_period(fields: dict[str, Node]) -> tuple[date | None, date | None]:
    """``effective_from`` and ``effective_until``, in order."""
    first, last = (parse_date(fields[key]) if key in fields else None for key in ("effective_from", "effective_until"))
    if first and last and last < first:
        fields["effective_until"].fail("结束日期早于开始日期。", "it ends before it begins.")
    return first, last


def parse_rule(node: Node, defaults: dict[str, Node], shared: Shared, earlier: dict[str, Rule]) -> Rule:
    """A rule with the file's defaults under it; refused with its line when anything is missing or unknown."""
    own = node.fields(_ONCE, KEYS)
    fields = defaults | own
    for key in NEEDED:
        if key not in fields:
            node.fail(f"缺少键“{key}”。", f"the key '{key}' is missing.")
    for key, value in defaults.items():
        if key not in KEYS:
            value.fail(f"不认识的键“{key}”。", f"unknown key '{key}'.")
    rule_id = own["id"].text()
    if not re.fullmatch(r"[A-Z][A-Z0-9-]{2,39}", rule_id):
        own["id"].fail("规则编号只用大写字母、数字和连字符。", "a rule id has capitals, digits and hyphens only.")
    first, last = parse_period(fields)
    patterns = _patterns(rule_id, node, fields, shared, earlier)
    return Rule(
        id=rule_id,
        category=Category(fields["category"].choice(tuple(c.value for c in Category))),
        severity=Severity(fields["severity"].choice(tuple(s.value for s in Severity))),
        verdict=Verdict(fields["verdict"].choice(tuple(v.value for v in Verdict)))
        if "verdict" in fields
        else Verdict.VIOLATION,
        title=own["title"].text(),
        patterns=patterns,
        legal_basis=_laws(fields["legal_basis"], shared),
        penalty_ref=fields["penalty_ref"].text(),
        advice=fields["advice"].text(),
        advice_en=fields["advice_en"].text(),
        scope=_scope(fields["scope"], shared) if "scope" in fields else Scope(),
        exceptions=_exceptions(fields["exceptions"], shared) if "exceptions" in fields else (),
        polarity="polarity" not in fields or fields["polarity"].truth(),
        must_hit=_examples(fields["must_hit"]),
        must_miss=_examples(fields["must_miss"]),
        effective_from=first,
        effective_until=last,
        file=node.file,
        line=node.line,
    )


def _patterns(
    rule_id: str, node: Node, fields: dict[str, Node], shared: Shared, earlier: dict[str, Rule]
) -> tuple[Pattern, ...]:
    found: list[Pattern] = []
    context = _context(fields, shared)
    if "like" in fields:
        for other in fields["like"].words():
            if other not in earlier:
                fields["like"].fail(f"前面没有规则 {other}。", f"there is no earlier rule {other}.")
            found += earlier[other].patterns
    names = fields["terms"].words() if "terms" in fields else ()
    for name in names:
        if name not in shared.lexicons:
            fields["terms"].fail(f"没有词组“{name}”。", f"there is no term group '{name}'.")
    if "say" in fields:
        name = f"={rule_id}"
        terms = tuple(dict.fromkeys(filter(None, map(fold_term, fields["say"].words()))))
        sound = "sound" not in fields or fields["sound"].truth()
        letters = "letters" not in fields or fields["letters"].truth()
        shared.lexicons[name] = Lexicon(name, terms, sound, letters)
        names = (*names, name)
    if names:
        methods = fields["methods"].words() if "methods" in fields else ()
        found.append(TermPattern(names, context, methods))
    for item in fields["regex"].items() if "regex" in fields else ():
        ratio = fields["ratio"].number() if "ratio" in fields else 0.0
        found.append(RegexPattern(expression(item, shared), item.text(), ratio))
    found += [_slots(item, shared) for item in (fields["slots"].items() if "slots" in fields else ())]
    if not found:
        node.fail("规则没有任何要找的词。", "the rule has nothing to look for.")
    return tuple(found)


def _context(fields: dict[str, Node], shared: Shared) -> re.Pattern[str] | None:
    if "context" not in fields:
        return None
    return expression(fields["context"], shared)


def _slots(node: Node, shared: Shared) -> SlotPattern:
    fields = node.fields(("all",), ("window", "any_order", "across", "max_days", "focus"))
    slots = tuple(slot.words() for slot in fields["all"].items())
    for slot in slots:
        for name in slot:
            if name not in shared.lexicons and name not in QUANTITIES:
                node.fail(f"没有词组“{name}”。", f"there is no term group '{name}'.")
    if not 2 <= len(slots) <= 4:
        node.fail("槽位应有二到四个。", "two to four slots are needed.")
    return SlotPattern(
        slots,
        window=int(fields["window"].number()) if "window" in fields else 8,
        ordered="any_order" not in fields or not fields["any_order"].truth(),
        across="across" in fields and fields["across"].truth(),
        max_days=fields["max_days"].number() if "max_days" in fields else 0.0,
        focus=int(fields["focus"].number()) if "focus" in fields else -1,
    )


def _scope(node: Node, shared: Shared) -> Scope:
    fields = node.fields((), ("include", "exclude", "unknown", "unless"))
    kinds = {}
    for key in ("include", "exclude"):
        items = fields[key].items() if key in fields else []
        kinds[key] = frozenset(word.choice(KINDS) for word in items)
    unknown = expression(fields["unknown"], shared) if "unknown" in fields else None
    unless = expression(fields["unless"], shared) if "unless" in fields else None
    return Scope(kinds["include"], kinds["exclude"], unknown, unless)


def _exceptions(node: Node, shared: Shared) -> tuple[ExceptionClause, ...]:
    found = []
    for item in node.items():
        if item.is_list():
            if (name := item.text()) not in shared.exceptions:
                item.fail(f"没有例外“{name}”。", f"there is no exception '{name}'.")
            found.append(shared.exceptions[name])
        else:
            found.append(parse_exception(item, shared))
    return tuple(found)


def _laws(node: Node, shared: Shared) -> tuple[LegalBasis, ...]:
    found = []
    for item in node.items():
        if item.is_list():
            if (name := item.text()) not in shared.laws:
                item.fail(f"法规表里没有“{name}”。", f"the table of laws has no '{name}'.")
            found.append(shared.laws[name])
        else:
            found.append(parse_law(item))
    if not found:
        node.fail("至少要有一条法律依据。", "at least one legal basis is needed.")
    return tuple(found)


def _examples(node: Node) -> tuple[Example, ...]:
    found = []
    for item in node.items():
        if item.is_list():
            found.append(Example(item.text()))
        else:
            fields = item.fields(("text",), ("product",))
            found.append(Example(fields["text"].text(), fields["product"].text() if "product" in fields else ""))
    if not found:
        node.fail("至少要有一个例句。", "at least one sentence is needed.")
    return tuple(found)
