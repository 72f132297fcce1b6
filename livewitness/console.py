"""What people see: errors and notes on stderr, results on stdout, JSON one object a line."""

import json
import sys

from rich.console import Console

from core.errors import LiveWitnessError, Sentence
from core.settings import Settings
from core.shapes import Json

stderr = Console(stderr=True, highlight=False)
stdout = Console(highlight=False)


def phrase(sentence: Sentence) -> str:
    """The sentence in the language of the settings (``LIVEWITNESS_LANG``: zh, en or both)."""
    lang = Settings().lang
    if lang == "both":
        return str(sentence)
    return sentence.zh if lang == "zh" else sentence.en


def printable(text: str) -> str:
    """Control characters made visible, so that no title or transcript drives a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def say(zh: str, en: str) -> None:
    """A note for people, on stderr."""
    stderr.print(printable(phrase(Sentence(zh, en))), markup=False, soft_wrap=True)


def say_error(error: LiveWitnessError) -> None:
    """An error as one line with its code, and its hint on the next."""
    stderr.print(printable(f"错误 {error.code}：{phrase(error.sentence)}"), style="red", markup=False, soft_wrap=True)
    if error.hint is not None:
        stderr.print(printable(phrase(error.hint)), markup=False, soft_wrap=True)


def emit(fields: Json) -> None:
    """One JSON object on stdout, flushed, so that a reader sees it at once; lone surrogates as escapes."""
    line = json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
