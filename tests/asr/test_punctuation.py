"""A pause is a comma, the end a full stop, and Whisper's own marks stay."""

import pytest

from asr.punctuation import punctuated
from asr.words import spell
from models.speech import TimedPiece


def tokens(text: str):
    return spell([TimedPiece(char, i * 0.2, i * 0.2 + 0.2, 1.0) for i, char in enumerate(text)], 0)


@pytest.mark.parametrize(
    ("text", "pauses", "expected"),
    [
        ("先看价格再看颜色", [0, 0, 0, 400, 0, 0, 0, 0], "先看价格，再看颜色。"),
        ("先看价格再看颜色", [0, 0, 0, 200, 0, 0, 0, 0], "先看价格再看颜色。"),
        ("先看价格 再看颜色", [0, 0, 0, 120, 0, 0, 0, 0], "先看价格，再看颜色。"),
        ("先看价格 再看颜色", [0] * 8, "先看价格再看颜色。"),
        ("多少钱?", [0, 0, 900], "多少钱？"),
        ("好,来", [500, 0], "好，来。"),
        ("好，", [0], "好。"),
    ],
)
def test_marks(text, pauses, expected):
    assert punctuated(tokens(text), pauses) == expected


def test_latin_words_keep_the_space_between_them():
    pieces = [TimedPiece("买", 0, 0.2, 1), TimedPiece(" Air", 0.2, 0.5, 1), TimedPiece(" Pods", 0.5, 1, 1)]
    assert punctuated(spell(pieces, 0), [0, 0, 0]) == "买Air Pods。"


def test_nothing_stays_nothing():
    assert punctuated([], []) == ""
