"""One base class for every error a person sees: a code, a sentence in Chinese and English, a hint.

The command line prints them and exits with ``exit_code``; the API answers with ``http_status``
and the same fields. Anything else that escapes is a defect of ours.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Sentence:
    """The same sentence in Chinese and in English."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}" if self.en else self.zh


class LiveWitnessError(Exception):
    """Base of all errors meant for people. ``code`` is stable, sentences may change."""

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, code: str, zh: str, en: str, *, hint: Sentence | None = None) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.sentence = Sentence(zh, en)
        self.hint = hint

    def as_dict(self) -> dict[str, str]:
        """Flat form for JSON: ``code``, ``zh``, ``en`` and, where there is one, ``hint_zh``/``hint_en``."""
        fields = {"code": self.code, "zh": self.sentence.zh, "en": self.sentence.en}
        if self.hint is not None:
            fields |= {"hint_zh": self.hint.zh, "hint_en": self.hint.en}
        return fields


class UsageError(LiveWitnessError):
    """The command or request was put together wrongly."""

    exit_code = 2
    http_status = 400


class BadInputError(LiveWitnessError):
    """The input (media, rule pack, transcript, query) cannot be used."""

    exit_code = 3
    http_status = 422


class NotFoundError(BadInputError):
    """What was named does not exist (a stream, a file, a time outside the recording)."""

    http_status = 404


class ConflictError(LiveWitnessError):
    """Somebody else holds what is asked for, such as a second watcher on one stream."""

    http_status = 409


class SourceError(LiveWitnessError):
    """A source cannot be reached or stopped answering."""

    http_status = 502


class StorageError(LiveWitnessError):
    """The data directory cannot be written: full, read-only or missing."""

    http_status = 507


class StoreBusyError(StorageError):
    """Somebody else holds the database, for longer than is waited. Nothing is wrong with the disk; try again."""

    http_status = 503


class ModelError(LiveWitnessError):
    """A model is missing, damaged, or cannot run on this machine."""

    http_status = 503
