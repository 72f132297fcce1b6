"""The result of one check of the machine: `doctor` and `/health` show the same list."""

from dataclasses import dataclass

from core.errors import Sentence


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check: whether it holds, what was found, and what to do when it does not hold."""

    name: str
    ok: bool
    detail: Sentence
    repair: Sentence

    def as_dict(self) -> dict[str, str | bool]:
        """Flat form for JSON."""
        return {
            "name": self.name,
            "ok": self.ok,
            "zh": self.detail.zh,
            "en": self.detail.en,
            "repair_zh": self.repair.zh,
            "repair_en": self.repair.en,
        }
