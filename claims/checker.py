"""Speech against rule packs: text in, findings out.

``Checker.check`` folds the text, finds terms by letter and sound, lets every rule look, judges
voice and exceptions, and keeps one finding for each claim. A finding is a lead for a person.
"""

import logging
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import TypeGuard

from claims.excused import holds
from claims.expressions import DURATION
from claims.flags import Outcome, flags, repaired
from claims.fold import MARKS, Folded, fold
from claims.judged import asked
from claims.matcher import Candidate, Heard, candidates, gather
from claims.meaning import Judgement, MeaningModel, Reading, load_meaning, windows
from claims.meant import least_probability, meaning_finding
from claims.pack import pack_files, read_pack
from claims.polarity import voice
from claims.products import product_kind
from claims.repair import Repairer, spoken_counts
from claims.rules import Example, Pack, Rule
from claims.terms import Hit, TermIndex
from claims.tokenhead import Opinion
from claims.words import PlainWords, dictionary
from core.errors import BadInputError, ModelError
from core.records import Finding, Severity, Verdict
from models.embedder import Embedder, TokenEmbedder
from models.judge import Judge

_log = logging.getLogger(__name__)
BUNDLED = Path(__file__).parent / "packs"
PIECE = 400
MEANT_CHARS = 2_000
UNLIKELY = 0.1
"""Below this probability by n-grams alone nothing is encoded."""
AMID = 0.86
"""Least probability of a claim by meaning alone in an utterance of several stretches: more chances to err.
Chosen on utterances put together from sentences of authors left out."""
REPAIRED = 0.75
"""So sure is what is found in the repaired text only."""
_SURE = 0.8
_RANK = {Verdict.VIOLATION: 3, Verdict.NEEDS_EVIDENCE: 2, Verdict.REVIEW: 2, Verdict.INFO: 1}
_SEVERITY = {Severity.HIGH: 3, Severity.MEDIUM: 2, Severity.LOW: 1, Severity.INFO: 0}
__all__ = ["BUNDLED", "DURATION", "Checker", "load_checker", "load_pack"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with its verdict; none where the words are not meant or an exception holds."""

    candidate: Candidate
    verdict: Verdict | None
    pack: Pack
    excepted: bool = False
    """An exception took the words back: they are a claim, and a lawful one."""

    def order(self) -> tuple[int, bool, int, int, float]:
        """The better the greater: verdict, sure of the words, severity, length, score."""
        candidate = self.candidate
        length = candidate.span[1] - candidate.span[0]
        sure = candidate.score >= _SURE
        rank = _RANK[self.verdict] if self.verdict else 0
        return rank, sure, _SEVERITY[candidate.rule.severity], length, candidate.score


@dataclass(frozen=True, slots=True)
class Piece:
    """Folded text from ``offset`` on: how the meaning model sees it, the judged candidates, the terms in it."""

    offset: int
    reading: Reading
    judged: list[Judged]
    hits: list[Hit]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of folded text, all of a piece or a window of it: what the meaning model makes of it."""

    start: int
    end: int
    text: str
    judgement: Judgement
    opinion: Opinion | None


class Checker:
    """Rule packs ready to run; holds no state of a stream and may be used from any thread."""

    def __init__(
        self,
        packs: Sequence[Pack],
        meaning: MeaningModel | None = None,
        embedder: Embedder | None = None,
        judge: Judge | None = None,
    ) -> None:
        self.packs = tuple(packs)
        self.judge = judge
        self._law = frozenset(pack.id for pack in packs if pack.kind == "law")
        self.meaning = meaning
        self.embedder = embedder
        self._reads = embedder if meaning and _fits(embedder, meaning) else None
        terms = {t for p in packs for lexicon in p.lexicons.values() for t in lexicon.terms}
        words = PlainWords(dictionary(), terms)
        self._repairer = Repairer(dictionary(), spoken_counts(), terms)
        self._indexes = [(pack, TermIndex(pack.searched(), words)) for pack in packs]

    def check(
        self,
        text: str,
        product: str = "",
        probabilities: Sequence[float] | None = None,
        day: date | None = None,
    ) -> tuple[Finding, ...]:
        """Findings in ``text``, sorted, in code points of ``text``.

        ``product`` is a kind of `claims.products.KINDS`, words (祛斑霜 国妆特字G2024), or both; ``probabilities``
        (one a code point) lower the score of words that were heard badly. Only packs and rules in force on ``day``
        (Beijing time, `core.clock.beijing_day`) judge; all of them where none is given. Never raises on any text.
        """
        folded, kind, shelf = fold(text), product_kind(product), fold(product).text
        pieces = [self.read(piece, kind, offset, shelf, day) for offset, piece in _pieces(folded.text)]
        found = []
        for judged in _reduced(item for piece in pieces for item in piece.judged if item.verdict):
            start, end = folded.original_span(*judged.candidate.span)
            found.append(_finding(judged, text, start, end, probabilities))
        if self.meaning and self._has_law(day) and pieces and len(folded.text) <= MEANT_CHARS:
            found = self._with_meaning(self.meaning, folded, pieces, found, probabilities=probabilities)
        return tuple(sorted(found, key=lambda finding: (finding.start, finding.end)))

    def _has_law(self, day: date | None) -> bool:
        """Whether a law pack is in force: what nothing forbids, nobody means unlawfully."""
        if any(pack.in_force(day) for pack in self.packs if pack.kind == "law"):
            return True
        if day is not None and self._law:
            _tell_no_law(day)
        return day is None or not self._law

    def read(self, text: str, kind: str, offset: int = 0, shelf: str = "", day: date | None = None) -> Piece:
        """A piece of folded text with all that the rules make of it, for the meaning model too.

        ``shelf`` is the folded name of the product; a registration named in it counts as if it had been said.
        """
        hits: list[Hit] = []
        judged: list[Judged] = []
        said = self._repairer.repaired(text)
        for pack, index in ((pack, index) for pack, index in self._indexes if pack.in_force(day)):
            found = index.find(text)
            hits += found
            judged += _found(pack, gather(text, found), kind, shelf, day)
            if said != text:
                likely = [hit for hit in index.find(said, sound=False) if index.beats_plain(text, hit)]
                meant = gather(said, [_heard_as(hit, text, said) for hit in likely])
                new = (item for item in _found(pack, meant, kind, shelf, day) if _new(item, text, said))
                judged += [_by_sound(_heard_out(item, text, shelf)) for item in new]
        reading = self._reading(text, kind, judged, hits)
        moved = [replace(item, candidate=_moved(item.candidate, offset)) for item in judged]
        return Piece(offset, reading, moved, hits)

    def _reading(self, text: str, kind: str, judged: Sequence[Judged], hits: Sequence[Hit], at: int = 0) -> Reading:
        """Folded ``text`` as the meaning model sees it; it begins ``at`` where places of candidates are counted."""
        outcomes = [outcome for item in judged if (outcome := _outcome(item, at, len(text)))]
        return Reading(text, self._repairer.repaired(repaired(text, hits)), kind, flags(text, outcomes))

    def _stretches(self, model: MeaningModel, piece: Piece) -> list[Stretch]:
        """The windows of a piece: a claim must not drown in the talk around it, nor be silenced by another's denial."""
        text, kind, places = piece.reading.text, piece.reading.kind, windows(piece.reading.text)
        readings = [piece.reading]
        if len(places) > 1:
            readings = [
                self._reading(text[a:b], kind, piece.judged, _inside(piece, a, b), piece.offset + a) for a, b in places
            ]
        return [
            Stretch(start + piece.offset, end + piece.offset, reading.text, judgement, opinion)
            for (start, end), reading, (judgement, opinion) in zip(
                places, readings, self._judgements(model, readings), strict=True
            )
        ]

    def _judgements(self, model: MeaningModel, readings: Sequence[Reading]) -> list[tuple[Judgement, Opinion | None]]:
        """Judgements with the opinions they stand on; where n-grams leave no doubt, nothing is encoded."""
        judged: list[tuple[Judgement, Opinion | None]] = [(model.judge(reading), None) for reading in readings]
        open_ = [i for i, (judgement, _) in enumerate(judged) if judgement.probability >= UNLIKELY]
        if self._reads is not None and open_:
            try:
                opinions = model.opinions(self._reads, [readings[i] for i in open_])
            except ModelError as error:  # what is being said must be judged, if by letters and sounds alone
                _log.warning("sentence encoder gone, meaning is judged without it: %s", error)
                opinions = [None] * len(open_)
            for index, opinion in zip(open_, opinions, strict=True):
                if opinion is not None:
                    judged[index] = model.judge(readings[index], opinion), opinion
        if self.judge is None:
            return judged
        return [(asked(self.judge, r.text, j), opinion) for r, (j, opinion) in zip(readings, judged, strict=True)]

    def _with_meaning(
        self,
        model: MeaningModel,
        folded: Folded,
        pieces: Sequence[Piece],
        found: list[Finding],
        *,
        probabilities: Sequence[float] | None,
    ) -> list[Finding]:
        """The findings of the rules with those of the meaning model beside them, but for what an exception excused."""
        understood = sum(probabilities) / len(probabilities) if probabilities else None
        added: list[Finding] = []
        for piece in pieces:
            stretches = self._stretches(model, piece)
            if self._reads is not None:
                # Without an encoder the model knows too little to speak against a rule.
                found = [self._doubted(model, finding, folded, stretches) for finding in found]
            lawful = [folded.original_span(*item.candidate.span) for item in piece.judged if item.excepted]
            for stretch in stretches:
                threshold = max(model.threshold(stretch.opinion), AMID if len(stretches) > 1 else 0.0)
                least = least_probability(stretch.text, threshold, understood)
                meant = stretch.judgement.probability >= least
                for start, end in stretch.judgement.clauses if meant else ():
                    first, last = folded.original_span(start + stretch.start, end + stretch.start)
                    told = [*lawful, *((finding.start, finding.end) for finding in (*found, *added))]
                    if not any(a < last and first < b for a, b in told):
                        added.append(meaning_finding(stretch.judgement, folded.original, first, last, model))
        return found + added

    def _doubted(self, model: MeaningModel, finding: Finding, folded: Folded, stretches: Sequence[Stretch]) -> Finding:
        """``finding`` of the law pack, softened where the words around it do not surely read as a claim.

        What meaning alone would report stays for review; what it would not is information.
        """
        place = bisect_left(folded.starts, finding.start)
        near = next((stretch for stretch in stretches if stretch.start <= place < stretch.end), None)
        if finding.pack not in self._law or finding.verdict is Verdict.INFO or near is None:
            return finding
        if near.judgement.probability >= model.least_meant(near.opinion):
            return finding
        if near.judgement.probability >= model.threshold(near.opinion):
            return replace(finding, verdict=Verdict.REVIEW, severity=Severity.LOW)
        return replace(finding, verdict=Verdict.INFO, severity=Severity.INFO)

    @property
    def terms(self) -> int:
        """How many terms are looked for."""
        return sum(len(group.terms) for pack in self.packs for group in pack.searched())

    def hits(self, text: str) -> list[Hit]:
        """All terms of all packs in folded ``text``, by letter and by sound."""
        return [hit for _, index in self._indexes for hit in index.find(text)]

    def fires(self, rule: Rule, example: Example) -> bool:
        """Whether ``rule`` itself finds anything above ``info`` in ``example``."""
        folded, kind = fold(example.text), product_kind(example.product)
        judged = [item for _, piece in _pieces(folded.text) for item in self.read(piece, kind).judged]
        return any(j.candidate.rule.id == rule.id and j.verdict not in {None, Verdict.INFO} for j in judged)


def load_pack(path: Path, base: Pack | None = None) -> Pack:
    """Read a pack and run every rule's own sentences; BadInputError with file and line when it is unfit.

    Its rules may use the term groups of ``base``.
    """
    pack = read_pack(path, base=base)
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


def _stamp(path: Path) -> tuple[tuple[int, int], ...]:
    """Times and sizes of the files of a pack."""
    return tuple((state.st_mtime_ns, state.st_size) for state in (file.stat() for file in pack_files(path)))


@lru_cache(maxsize=4)
def _bundled(path: Path, stamp: tuple[tuple[int, int], ...]) -> Pack:  # stamp: read again once it differs
    """A bundled pack, read once as long as its files stay as they are: other packs come and go beside it."""
    return read_pack(path, probe=False)


def load_checker(
    extra_packs: Sequence[Path] = (),
    *,
    embedder: Embedder | None = None,
    meaning: bool = True,
    judge: Judge | None = None,
) -> Checker:
    """A checker with the bundled packs and ``extra_packs``.

    ``meaning=False`` leaves the meaning model out; without an ``embedder`` it runs on n-grams alone. A stronger
    ``judge`` is asked about open cases.
    The sentences of extra packs are run; those of the bundled packs are run by the project's tests.
    """
    packs = [_bundled(path, _stamp(path)) for path in bundled_packs()]
    packs += [load_pack(path, packs[0]) for path in extra_packs]
    for pack, other in combinations(packs, 2):
        if pack.id == other.id and pack.meets(other):
            raise BadInputError(
                "rules_twice", f"规则包 {pack.id} 载入了两次。", f"The rule pack {pack.id} is loaded twice."
            )
    return Checker(packs, load_meaning() if meaning else None, embedder, judge)


@lru_cache(maxsize=64)
def _tell_no_law(day: date) -> None:
    """Once a day: a recording of before the pack, or a clock that is wrong, is not judged by it."""
    _log.warning("no law pack is in force on %s", day)


def _fits(embedder: Embedder | None, model: MeaningModel) -> TypeGuard[TokenEmbedder]:
    """Whether the model was trained on what this embedder says."""
    return isinstance(embedder, TokenEmbedder) and embedder.identity.sha256 == model.encoder


def _found(pack: Pack, heard: Heard, kind: str, shelf: str, day: date | None) -> list[Judged]:
    """What the rules of a pack that are in force on ``day`` make of a text with its terms."""
    applying = (rule for rule in pack.rules if rule.in_force(day) and rule.scope.applies(kind, heard.text))
    return [_judged(c, pack, heard.text, shelf) for rule in applying for c in candidates(rule, heard)]


def _heard_as(hit: Hit, text: str, said: str) -> Hit:
    """A hit in the repaired text as one heard by sound where a real word is written there: short ones need context."""
    written = text[hit.start : hit.end]
    return hit._replace(method="sound") if written != said[hit.start : hit.end] and written in dictionary() else hit


def _new(item: Judged, text: str, said: str) -> bool:
    """Whether what was found in the repaired text stands on a repair, and needs it."""
    start, end = item.candidate.start, item.candidate.end
    return text[start:end] != said[start:end]


def _heard_out(item: Judged, text: str, shelf: str) -> Judged:
    """A finding of the repaired text, given up where what is written denies or excepts it: repair blurs excuses."""
    written = _judged(item.candidate, item.pack, text, shelf)
    return written if written.verdict is None else item


def _by_sound(item: Judged) -> Judged:
    """A finding of the repaired text: heard by sound, and less sure."""
    score = item.candidate.score * REPAIRED
    return replace(item, candidate=replace(item.candidate, method="sound", score=score))


def _outcome(item: Judged, at: int, size: int) -> Outcome | None:
    """The outcome of a candidate in the ``size`` characters from ``at`` on; nothing where it lies elsewhere."""
    candidate = item.candidate
    start, end = max(0, candidate.start - at), min(size, candidate.end - at)
    return Outcome(item.verdict, candidate.method, candidate.score, start, end) if start < end else None


def _inside(piece: Piece, start: int, end: int) -> list[Hit]:
    """The terms within a window of the piece, placed in it."""
    return [
        hit._replace(start=hit.start - start, end=hit.end - start)
        for hit in piece.hits
        if start <= hit.start and hit.end <= end
    ]


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


def _judged(candidate: Candidate, pack: Pack, text: str, shelf: str) -> Judged:
    """The candidate with its verdict after voice and exceptions; with none when the words are not a claim."""
    rule = candidate.rule
    if rule.polarity and not voice(text, candidate.start, candidate.end).meant:
        return Judged(candidate, None, pack)
    verdict = rule.verdict
    for exception in rule.exceptions:
        if holds(exception, candidate, text, shelf):
            if exception.effect == "suppress":
                return Judged(candidate, None, pack, excepted=True)
            verdict = Verdict(exception.effect)
    return Judged(candidate, verdict, pack)


def _reduced(judged: Iterable[Judged]) -> list[Judged]:
    """The best finding of each claim: of overlapping ones only one stays."""
    ranked = sorted(judged, key=Judged.order, reverse=True)
    covered = bytearray(max((item.candidate.span[1] for item in ranked), default=0))
    kept: list[Judged] = []
    for item in ranked:
        start, end = item.candidate.span
        if not any(covered[start:end]):
            covered[start:end] = b"\x01" * (end - start)
            kept.append(item)
    return kept


def _finding(judged: Judged, text: str, start: int, end: int, probabilities: Sequence[float] | None) -> Finding:
    verdict = judged.verdict or Verdict.INFO
    rule, pack = judged.candidate.rule, judged.pack
    score = judged.candidate.score
    heard = list((probabilities or ())[start:end])
    if heard:
        score *= 0.5 + 0.5 * sum(heard) / len(heard)
    return Finding(
        rule_id=rule.id,
        category=rule.category,
        severity=Severity.INFO if verdict is Verdict.INFO else rule.severity,
        verdict=verdict,
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
