"""The records of a rule pack: what is looked for, where it applies, and why it is unlawful."""

import re
from dataclasses import dataclass, field
from datetime import date

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
    ``text`` (the whole utterance), ``shelf`` (the utterance or the name of the product on the shelf), ``before`` and
    ``after`` (their clause up to them and from them on).
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
    file: str = ""
    line: int = 0


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
