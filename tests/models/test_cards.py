"""Cards say where a model comes from and what its files must hash to."""

import re

import pytest

from core.errors import NotFoundError
from models.cards import CARDS, card, find_card


def test_names_are_unique_and_every_model_says_its_licence():
    assert len({c.name for c in CARDS}) == len(CARDS)
    assert all(c.licence and c.source and c.note for c in CARDS)


@pytest.mark.parametrize("bundled", [c for c in CARDS if c.bundled], ids=lambda c: c.name)
def test_a_bundled_model_names_the_hash_and_size_of_every_file(bundled):
    assert bundled.files
    assert all(re.fullmatch(r"[0-9a-f]{64}", file.sha256) for file in bundled.files)
    assert sum(file.size for file in bundled.files) == bundled.bytes


def test_only_the_default_model_has_to_be_joined():
    assert [c.name for c in CARDS if c.joined] == ["whisper-base"]


def test_a_card_is_found_by_name_and_by_hub_id():
    assert find_card("Systran/faster-whisper-small") is card("whisper-small")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(NotFoundError, match="whisper-base"):
        card("whisper-gigantic")
