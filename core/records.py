"""The records every stage passes on: frozen, plain, without behaviour of their own.

Time is (stream, epoch, milliseconds). ``*_ms`` without another word is *stream time*: it starts
at 0 with the first epoch and runs through gaps, so that one number names one moment of a stream.
``pts_*_ms`` is the presentation timestamp inside the segment files of an epoch;
``stream_ms = epoch.offset_ms + pts_ms - epoch.pts_origin_ms``. ``wall_*`` is the recorder's UTC clock.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Category(StrEnum):
    """The eleven classes of unlawful claims."""

    ABSOLUTE_TERM = "absolute_term"
    EFFICACY_EXAGGERATED = "efficacy_exaggerated"
    MEDICAL_CLAIM = "medical_claim"
    HEALTH_FOOD_DISEASE = "health_food_disease"
    COSMETIC_SPECIAL = "cosmetic_special"
    GUARANTEE_PROMISE = "guarantee_promise"
    PRICE_FRAUD = "price_fraud"
    FALSE_SCARCITY = "false_scarcity"
    FAKE_ENDORSEMENT_OR_ORIGIN = "fake_endorsement_or_origin"
    FINANCE_OR_RETURN_PROMISE = "finance_or_return_promise"
    OFF_PLATFORM_TRANSACTION = "off_platform_transaction"


class Severity(StrEnum):
    """How soon a moderator should look. ``info`` never becomes an alert."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Verdict(StrEnum):
    """What a finding is: a lead for a person, never a ruling."""

    VIOLATION = "violation"
    REVIEW = "review"
    NEEDS_EVIDENCE = "needs_evidence"
    INFO = "info"


class AlertStatus(StrEnum):
    """Life of an alert: suspected by sound, then confirmed by final text or withdrawn."""

    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model made a result: its name and the sha256 of its weights."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Stream:
    """One selling session under a name of the operator's choice."""

    name: str
    source: str
    shop: str = ""
    host: str = ""
    room: str = ""
    title: str = ""
    product: str = ""
    created_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Epoch:
    """A stretch of one stream without discontinuity: one run of one ffmpeg process."""

    stream: str
    number: int
    offset_ms: int
    wall_start: datetime
    source: str
    video_codec: str = ""
    audio_codec: str = ""
    content_sha256: str = ""
    pts_origin_ms: int = 0
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """A closed, fsynced, hashed piece of the recording; ``path`` is relative to the data directory."""

    stream: str
    epoch: int
    sequence: int
    path: str
    sha256: str
    size: int
    pts_start_ms: int
    pts_end_ms: int
    start_ms: int
    end_ms: int
    wall_start: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of stream time that was not recorded, and why."""

    stream: str
    epoch: int
    start_ms: int
    end_ms: int
    reason: str
    wall_start: datetime
    wall_end: datetime


@dataclass(frozen=True, slots=True)
class Word:
    """A word (for Chinese mostly one or two characters) as heard, with its time and probability."""

    text: str
    start_ms: int
    end_ms: int
    probability: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of speech as final text. ``words`` spell ``text`` in order, punctuation left out.

    ``id`` is given by the store; (stream, epoch, start_ms) is unique.
    """

    stream: str
    epoch: int
    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...]
    model: ModelIdentity
    wall_start: datetime
    flags: tuple[str, ...] = ()
    id: int = 0


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """Law and article a rule stands on; ``seen`` tells whether the article's text was read."""

    law: str
    article: str
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """Words of a text that a rule points at. ``start``/``end`` are code points of the text given."""

    rule_id: str
    category: Category
    severity: Severity
    verdict: Verdict
    start: int
    end: int
    matched: str
    canonical: str
    method: str
    score: float
    title: str
    legal_basis: tuple[LegalBasis, ...]
    advice: str
    advice_en: str
    pack: str
    pack_version: str
    pack_sha256: str


@dataclass(frozen=True, slots=True)
class Correction:
    """The host takes a claim back: the words, and when (stream time) they were said."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Alert:
    """A finding placed in a stream's time. ``latency_ms`` runs from the arrival of the words' last sample.

    ``count``: how often the claim was said within a few seconds. ``reason``: why it was withdrawn, or why it is in
    doubt; ``against`` are the words that speak against it: heard in its place by the final pass, or said right after.
    """

    id: str
    status: AlertStatus
    stream: str
    epoch: int
    start_ms: int
    end_ms: int
    wall_time: datetime
    text: str
    finding: Finding
    latency_ms: int
    utterance_id: int = 0
    product: str = ""
    count: int = 1
    correction: Correction | None = None
    reason: str = ""
    against: str = ""


class ReviewAction(StrEnum):
    """What a person does with an alert."""

    ACKNOWLEDGE = "acknowledge"
    DISMISS = "dismiss"
    ESCALATE = "escalate"
    ASSIGN = "assign"
    REOPEN = "reopen"


class ReviewState(StrEnum):
    """What people have decided about an alert. Assigning leaves it as it is: work goes on with another person."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    DISMISSED = "dismissed"
    ESCALATED = "escalated"


@dataclass(frozen=True, slots=True)
class Review:
    """One step of a person with an alert, and how the alert stands after it.

    ``number`` counts the steps of an alert from 1; ``assignee`` is who has it now, empty for nobody.
    """

    alert_id: str
    number: int
    action: ReviewAction
    state: ReviewState
    assignee: str
    reviewer: str
    note: str
    at: datetime


class TimelineKind(StrEnum):
    """What is noted on a stream's timeline by a system or a person, rather than heard."""

    PRODUCT = "product"
    PRICE = "price"
    COMMENT = "comment"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Something posted to a stream at a moment of stream time.

    ``text``: name of the product (empty: nothing on the shelf any more), the comment or the note; ``price_fen`` in
    hundredths of a yuan. ``id`` is given by the store.
    """

    stream: str
    at_ms: int
    kind: TimelineKind
    text: str
    wall_time: datetime
    product_class: str = ""
    price_fen: int | None = None
    author: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Product:
    """What is on the shelf: its name, and its class where one was given."""

    name: str
    product_class: str = ""

    @property
    def judged_as(self) -> str:
        """What rules go by: the class where one is known, and the name, which may tell of a registration."""
        return f"{self.product_class} {self.name}".strip()
