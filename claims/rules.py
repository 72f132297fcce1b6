"""The records of a rule pack: what is looked for, where it applies, and why it is unlawful."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from core.records import Category, LegalBasis, Severity, Verdict


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Terms of one meaning, folded. ``sound``: also match in toneless pinyin; ``letters``: also with initials."""

    name: str
    terms: tuple[str, ...]
    sound: bool = True
    letters: bool = True


@dataclass(frozen=True, slots=True)
class TermPattern:
    """Any term of the lexicons is the claim. ``context``: what two-syllable terms heard by sound need beside them.

    ``methods`` keeps only hits of those methods (``letters``: a term that is innocent unless disguised).
    """

    lexicons: tuple[str, ...]
    context: re.Pattern[str] | None = None
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegexPattern:
    """A regular expression over folded text. A group ``claim`` narrows the finding.

    With ``ratio`` the groups ``high`` and ``low`` are amounts, and the first must be that many times the second.
    """

    regex: re.Pattern[str]
    source: str
    ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class SlotPattern:
    """One hit of each slot within ``window`` characters from the end of one to the start of the next.

    A slot is a lexicon name or one of ``@duration``, ``@percent``, ``@money``, ``@number``.
    ``ordered`` keeps the order given; ``across`` allows clause marks between the slots.
    ``max_days`` bounds ``@duration``. ``focus`` is the slot shown when the whole is too long.
    """

    slots: tuple[tuple[str, ...], ...]
    window: int = 8
    ordered: bool = True
    across: bool = False
    max_days: float = 0.0
    focus: int = -1


@dataclass(frozen=True, slots=True)
class Scope:
    """Products a rule is for. Where the product is not known, ``unknown`` must and ``unless`` must not match."""

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    unknown: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None

    def applies(self, kind: str, text: str) -> bool:
        """Whether a rule with this scope looks at ``text`` about a product of ``kind``."""
        if not kind:
            wanted = self.unknown is None or self.unknown.search(text) is not None
            return wanted and (self.unless is None or self.unless.search(text) is None)
        return kind not in self.exclude and (not self.include or kind in self.include)


@dataclass(frozen=True, slots=True)
class ExceptionClause:
    """What takes a finding back or softens it: ``effect`` is ``suppress`` or a verdict.

    ``where``: ``match`` (the words themselves), ``clause`` (their clause), ``near`` (clause and neighbours),
    ``beside`` (the same, not across 但, 我们这个 or 别的), ``text`` (the whole utterance), ``shelf`` (the utterance or
    the name of the product on the shelf), ``before`` and ``after`` (their clause up to them and from them on).
    """

    regex: re.Pattern[str]
    where: str
    effect: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence a rule must or must not find, with the product it is about."""

    text: str
    product: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a pack."""

    id: str
    category: Category
    severity: Severity
    verdict: Verdict
    title: str
    patterns: tuple[TermPattern | RegexPattern | SlotPattern, ...]
    legal_basis: tuple[LegalBasis, ...]
    penalty_ref: str
    advice: str
    advice_en: str
    scope: Scope = field(default_factory=Scope)
    exceptions: tuple[ExceptionClause, ...] = ()
    polarity: bool = True
    must_hit: tuple[Example, ...] = ()
    must_miss: tuple[Example, ...] = ()
    effective_from: date | None = None
    effective_until: date | None = None
    file: str = ""
    line: int = 0

    def in_force(self, day: date | None) -> bool:
        """Whether the rule counts on ``day``, its first and last one included; on no day in particular it does."""
        return _within(self.effective_from, self.effective_until, day)


@dataclass(frozen=True, slots=True)
class Pack:
    """A rule pack: versioned data with the sha256 of the bytes it was read from."""

    id: str
    version: str
    title: str
    jurisdiction: str
    kind: str
    effective_from: date
    sha256: str
    lexicons: dict[str, Lexicon]
    rules: tuple[Rule, ...]
    effective_until: date | None = None

    def in_force(self, day: date | None) -> bool:
        """Whether the pack counts on ``day``, its first and last one included; on no day in particular it does."""
        return _within(self.effective_from, self.effective_until, day)

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id, if the pack has it."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def searched(self) -> tuple[Lexicon, ...]:
        """The term groups that a pattern looks for; the others only serve inside expressions."""
        names: set[str] = set()
        for pattern in (pattern for rule in self.rules for pattern in rule.patterns):
            if isinstance(pattern, TermPattern):
                names.update(pattern.lexicons)
            elif isinstance(pattern, SlotPattern):
                names.update(name for slot in pattern.slots for name in slot)
        return tuple(lexicon for name, lexicon in self.lexicons.items() if name in names)

    def meets(self, other: "Pack") -> bool:
        """Whether there is a day on which both packs count."""
        latest = max(self.effective_from, other.effective_from)
        return self.in_force(latest) and other.in_force(latest)


def succeeded(packs: Sequence[Pack], new: Pack) -> list[Pack]:
    """``packs`` with ``new`` in the place of those of its id, which count until the day before it at most."""
    eve = new.effective_from - timedelta(days=1)
    before = [replace(p, effective_until=min(p.effective_until or eve, eve)) if p.id == new.id else p for p in packs]
    return [*(p for p in before if p.effective_until is None or p.effective_from <= p.effective_until), new]


def _within(first: date | None, last: date | None, day: date | None) -> bool:
    return day is None or ((first is None or first <= day) and (last is None or day <= last))
