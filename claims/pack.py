"""Reading a rule pack: one YAML file, or a folder with ``pack.yaml`` and further files of rules.

Strict: an unknown key, a duplicate id, an unknown group, a runaway expression, an oversize pack or
invalid UTF-8 is refused with file and line; so is a rule whose own sentences come out wrong
(`claims.checker.load_pack` runs them).
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from claims.fold import fold_term
from claims.ruleparse import Shared, parse_date, parse_exception, parse_law, parse_period, parse_rule
from claims.rules import Lexicon, Pack, Rule
from claims.yamlnode import Node, read_yaml
from core.errors import NotFoundError

MAX_TERMS = 50_000
MAX_RULES = 5_000
MAX_FILES = 100
MAX_TERM_LENGTH = 40
_HEADER = ("id", "version", "title", "jurisdiction", "kind", "effective_from")
_OPTIONAL = ("effective_until",)
_SECTIONS = ("lexicons", "laws", "exceptions", "defaults", "rules")


@dataclass(slots=True)
class _Parts:
    """What has been read so far of a pack of several files."""

    shared: Shared = field(default_factory=Shared)
    rules: list[tuple[Node, dict[str, Node]]] = field(default_factory=list)
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    header: dict[str, Node] = field(default_factory=dict)
    lent: dict[str, Lexicon] = field(default_factory=dict)


def pack_files(path: Path) -> list[Path]:
    """The files of a pack: the file itself, or ``pack.yaml`` of a folder and its other YAML files, sorted."""
    if path.is_dir():
        found = sorted(p for p in path.glob("*.yaml") if p.name != "pack.yaml")
        return [path / "pack.yaml", *found][:MAX_FILES]
    if not path.exists():
        raise NotFoundError("rules_missing", f"找不到规则包：{path}", f"There is no rule pack at {path}")
    return [path]


def read_pack(path: Path, *, probe: bool = True, base: Pack | None = None) -> Pack:
    """The pack at ``path``, its sentences not yet run; BadInputError with file and line when unfit.

    ``probe=False`` spares the runaway test of each expression, for packs that the tests have probed. Rules may
    name the term groups of ``base`` (mostly the law pack) as their own; a group of the same name here comes first.
    """
    lent = {name: group for name, group in base.lexicons.items() if not name.startswith("=")} if base else {}
    parts = _Parts(Shared(probe=probe), lent=lent)
    for number, file in enumerate(pack_files(path)):
        name = file.name if file.parent != path else f"{path.name}/{file.name}"
        root, data = read_yaml(file, name)
        parts.digest.update(data)
        _read_file(root, first=number == 0, parts=parts, base=base.id if base else "")
    return _assemble(parts)


def _read_file(root: Node, first: bool, parts: _Parts, base: str) -> None:
    sections = root.fields(("pack",) if first else (), _SECTIONS)
    if first:
        parts.header = sections["pack"].fields(_HEADER, _OPTIONAL)
        if parts.header["id"].text() == base:  # another version of the lender stands on its own groups
            parts.lent = {}
        parts.shared.lexicons |= parts.lent
    if "lexicons" in sections:
        _read_lexicons(sections["lexicons"], parts)
    if "laws" in sections:
        for key, node in sections["laws"].fields().items():
            parts.shared.laws[key] = parse_law(node)
    if "exceptions" in sections:
        for key, node in sections["exceptions"].fields().items():
            parts.shared.exceptions[key] = parse_exception(node, parts.shared)
    defaults = sections["defaults"].fields() if "defaults" in sections else {}
    if "rules" in sections:
        parts.rules += [(node, defaults) for node in sections["rules"].items()]
        if len(parts.rules) > MAX_RULES:
            sections["rules"].fail(f"规则超过 {MAX_RULES} 条。", f"more than {MAX_RULES} rules.")


def _read_lexicons(section: Node, parts: _Parts) -> None:
    known = parts.shared.lexicons
    for name, node in section.fields().items():
        if name in known and known[name] is not parts.lent.get(name):
            node.fail(f"词组“{name}”重复。", f"the term group '{name}' appears twice.")
        known[name] = parse_lexicon(name, node, parts.shared)
    if sum(len(lexicon.terms) for lexicon in known.values()) > MAX_TERMS:
        section.fail(f"词条超过 {MAX_TERMS} 个。", f"more than {MAX_TERMS} terms.")


def parse_lexicon(name: str, node: Node, shared: Shared) -> Lexicon:
    """A term group: a list of words, or a mapping with ``terms``, ``use``, ``sound`` and ``letters``."""
    fields = {"terms": node} if node.is_list() else node.fields((), ("terms", "use", "sound", "letters"))
    words: dict[str, None] = {}
    for used in fields["use"].words() if "use" in fields else ():
        if used not in shared.lexicons:
            fields["use"].fail(f"没有词组“{used}”。", f"there is no term group '{used}'.")
        words |= dict.fromkeys(shared.lexicons[used].terms)
    if "terms" in fields and len(fields["terms"].words()) > MAX_TERMS:
        fields["terms"].fail(f"词条超过 {MAX_TERMS} 个。", f"more than {MAX_TERMS} terms.")
    for word in fields["terms"].words() if "terms" in fields else ():
        folded = fold_term(word)
        if not folded or len(folded) > MAX_TERM_LENGTH:
            fields["terms"].fail(f"词条“{word[:20]}”为空或太长。", f"the term '{word[:20]}' is empty or too long.")
        words[folded] = None
    sound = fields["sound"].truth() if "sound" in fields else True
    letters = fields["letters"].truth() if "letters" in fields else True
    return Lexicon(name, tuple(words), sound, letters)


def _copies(entry: tuple[Node, dict[str, Node]]) -> bool:
    """Whether a rule takes over another's patterns (``like``) and must be read after it."""
    return "like" in entry[0].fields()


def _assemble(parts: _Parts) -> Pack:
    header = parts.header
    _, until = parse_period(header)
    pack_id, version = header["id"].text(), header["version"].text()
    rules: dict[str, Rule] = {}
    for node, defaults in sorted(parts.rules, key=_copies):
        rule = parse_rule(node, defaults, parts.shared, rules)
        if rule.id in rules:
            node.fail(f"规则编号 {rule.id} 重复。", f"the rule id {rule.id} appears twice.")
        rules[rule.id] = rule
    return Pack(
        id=pack_id,
        version=version,
        title=header["title"].text(),
        jurisdiction=header["jurisdiction"].text(),
        kind=header["kind"].choice(("law", "platform", "merchant")),
        effective_from=parse_date(header["effective_from"]),
        effective_until=until,
        sha256=parts.digest.hexdigest(),
        lexicons=parts.shared.lexicons,
        rules=tuple(rules.values()),
    )
