"""Speech against rule packs: text in, findings out.

``Checker.check`` folds the text, finds terms by letter and sound, lets every rule look, judges
voice and exceptions, and keeps one finding for each claim. A finding is a lead for a person.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from claims.expressions import DURATION
from claims.fold import MARKS, fold
from claims.matcher import TIGHT, Candidate, candidates, gather
from claims.pack import read_pack
from claims.polarity import surroundings, voice
from claims.products import product_kind
from claims.rules import Example, ExceptionClause, Pack, Rule
from claims.terms import TermIndex
from claims.words import PlainWords, dictionary
from core.errors import BadInputError
from core.records import Finding, Severity, Verdict

BUNDLED = Path(__file__).parent / "packs"
PIECE = 400
_SURE = 0.8
_RANK = {Verdict.VIOLATION: 3, Verdict.NEEDS_EVIDENCE: 2, Verdict.REVIEW: 2, Verdict.INFO: 1}
_SEVERITY = {Severity.HIGH: 3, Severity.MEDIUM: 2, Severity.LOW: 1, Severity.INFO: 0}
__all__ = ["BUNDLED", "DURATION", "Checker", "load_checker", "load_pack"]


@dataclass(frozen=True, slots=True)
class _Judged:
    """A candidate with its verdict."""

    candidate: Candidate
    verdict: Verdict
    pack: Pack

    def order(self) -> tuple[int, bool, int, int, float]:
        """The better the greater: verdict, sure of the words, severity, length, score."""
        candidate = self.candidate
        length = candidate.span[1] - candidate.span[0]
        sure = candidate.score >= _SURE
        return _RANK[self.verdict], sure, _SEVERITY[candidate.rule.severity], length, candidate.score


class Checker:
    """Rule packs ready to run; holds no state of a stream and may be used from any thread."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        self.packs = tuple(packs)
        terms = {t for p in packs for lexicon in p.lexicons.values() for t in lexicon.terms}
        words = PlainWords(dictionary(), terms)
        self._indexes = [(pack, TermIndex(pack.lexicons.values(), words)) for pack in packs]

    def check(self, text: str, product: str = "", probabilities: Sequence[float] | None = None) -> tuple[Finding, ...]:
        """Findings in ``text``, sorted, in code points of ``text``.

        ``product`` is a kind of `claims.products.KINDS` or words; ``probabilities`` (one a code point)
        lower the score of words that were heard badly. Never raises on any text.
        """
        folded = fold(text)
        found = []
        for judged in _reduced(self._judge(folded.text, product_kind(product))):
            start, end = folded.original_span(*judged.candidate.span)
            found.append(_finding(judged, text, start, end, probabilities))
        return tuple(sorted(found, key=lambda finding: (finding.start, finding.end)))

    def _judge(self, text: str, kind: str) -> Iterator[_Judged]:
        for offset, piece in _pieces(text):
            for pack, index in self._indexes:
                heard = gather(piece, index.find(piece))
                for rule in pack.rules:
                    if not rule.scope.applies(kind, piece):
                        continue
                    for candidate in candidates(rule, heard):
                        verdict = _verdict(candidate, piece)
                        if verdict is not None:
                            yield _Judged(_moved(candidate, offset), verdict, pack)

    def fires(self, rule: Rule, example: Example) -> bool:
        """Whether ``rule`` itself finds anything above ``info`` in ``example``."""
        folded = fold(example.text)
        judged = self._judge(folded.text, product_kind(example.product))
        return any(j.candidate.rule.id == rule.id and j.verdict is not Verdict.INFO for j in judged)


def load_pack(path: Path) -> Pack:
    """Read a pack and run every rule's own sentences; BadInputError with file and line when it is unfit."""
    pack = read_pack(path)
    failures = list(pack_failures(pack))
    if failures:
        rule, zh, en = failures[0]
        raise BadInputError(
            "rules_sentences",
            f"规则包 {rule.file} 第 {rule.line} 行：{zh}（共 {len(failures)} 处）",
            f"Rule pack {rule.file}, line {rule.line}: {en} ({len(failures)} in all)",
        )
    return pack


def pack_failures(pack: Pack) -> Iterator[tuple[Rule, str, str]]:
    """Rules whose own sentences come out wrong: the rule, and what is wrong in zh and en."""
    checker = Checker([pack])
    for rule in pack.rules:
        for example in rule.must_hit:
            if not checker.fires(rule, example):
                yield rule, f"规则 {rule.id} 没有命中“{example.text}”", f"rule {rule.id} misses '{example.text}'"
        for example in rule.must_miss:
            if checker.fires(rule, example):
                yield rule, f"规则 {rule.id} 误报“{example.text}”", f"rule {rule.id} wrongly finds '{example.text}'"


def bundled_packs() -> list[Path]:
    """The packs that come with the program."""
    return sorted(path for path in BUNDLED.iterdir() if path.is_dir() or path.suffix == ".yaml")


def load_checker(extra_packs: Sequence[Path] = ()) -> Checker:
    """A checker with the bundled packs and ``extra_packs``.

    The sentences of extra packs are run; those of the bundled packs are run by the project's tests.
    """
    packs = [read_pack(path, probe=False) for path in bundled_packs()] + [load_pack(path) for path in extra_packs]
    ids = [pack.id for pack in packs]
    for pack_id in ids:
        if ids.count(pack_id) > 1:
            raise BadInputError(
                "rules_twice", f"规则包 {pack_id} 载入了两次。", f"The rule pack {pack_id} is loaded twice."
            )
    return Checker(packs)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Long text in pieces that end at a mark where there is one."""
    at = 0
    while at < len(text):
        stop = min(at + PIECE, len(text))
        if stop < len(text):
            marks = [text.rfind(mark, at + PIECE // 2, stop) for mark in MARKS]
            stop = max(marks) + 1 if max(marks) > 0 else stop
        yield at, text[at:stop]
        at = stop


def _moved(candidate: Candidate, offset: int) -> Candidate:
    if not offset:
        return candidate
    span = (candidate.span[0] + offset, candidate.span[1] + offset)
    return Candidate(
        candidate.rule, candidate.start + offset, candidate.end + offset, span,
        candidate.method, candidate.canonical, candidate.score,
    )  # fmt: skip


def _verdict(candidate: Candidate, text: str) -> Verdict | None:
    """The verdict after voice and exceptions; nothing when the words are not a claim."""
    rule = candidate.rule
    if rule.polarity and not voice(text, candidate.start, candidate.end).meant:
        return None
    verdict = rule.verdict
    for exception in rule.exceptions:
        if _excepted(exception, candidate, text):
            if exception.effect == "suppress":
                return None
            verdict = Verdict(exception.effect)
    return verdict


def _excepted(exception: ExceptionClause, candidate: Candidate, text: str) -> bool:
    if exception.where == "text":
        return exception.regex.search(text) is not None
    if exception.where == "match":
        return any(
            m.start() < candidate.end and candidate.start < m.end()
            for m in exception.regex.finditer(text, max(0, candidate.start - TIGHT), candidate.end + TIGHT)
        )
    around = surroundings(text, candidate.start, candidate.end)
    own = text[candidate.start : candidate.end]
    places = {
        "before": around.before,
        "after": around.after,
        "clause": around.before + own + around.after,
        "near": "，".join((around.previous, around.before + own + around.after, *around.following[:2])),
    }
    return exception.regex.search(places[exception.where]) is not None


def _reduced(judged: Iterable[_Judged]) -> list[_Judged]:
    """The best finding of each claim: of overlapping ones only one stays."""
    ranked = sorted(judged, key=_Judged.order, reverse=True)
    covered = bytearray(max((item.candidate.span[1] for item in ranked), default=0))
    kept: list[_Judged] = []
    for item in ranked:
        start, end = item.candidate.span
        if not any(covered[start:end]):
            covered[start:end] = b"\x01" * (end - start)
            kept.append(item)
    return kept


def _finding(judged: _Judged, text: str, start: int, end: int, probabilities: Sequence[float] | None) -> Finding:
    rule, pack = judged.candidate.rule, judged.pack
    score = judged.candidate.score
    heard = list((probabilities or ())[start:end])
    if heard:
        score *= 0.5 + 0.5 * sum(heard) / len(heard)
    return Finding(
        rule_id=rule.id,
        category=rule.category,
        severity=Severity.INFO if judged.verdict is Verdict.INFO else rule.severity,
        verdict=judged.verdict,
        start=start,
        end=end,
        matched=text[start:end],
        canonical=judged.candidate.canonical,
        method=judged.candidate.method,
        score=round(score, 3),
        title=rule.title,
        legal_basis=rule.legal_basis,
        advice=rule.advice,
        advice_en=rule.advice_en,
        pack=pack.id,
        pack_version=pack.version,
        pack_sha256=pack.sha256,
    )
