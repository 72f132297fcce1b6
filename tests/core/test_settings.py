"""Settings come from the environment, within bounds; each says what it is for."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from core.settings import Settings


def test_the_environment_sets_the_data_directory(monkeypatch) -> None:
    monkeypatch.setenv("LIVEWITNESS_DATA", "/srv/live")
    assert Settings().database == Path("/srv/live/livewitness.db")


@pytest.mark.parametrize(
    ("name", "value"), [("SEGMENT_SECONDS", "60"), ("BEAM_SIZE", "0"), ("LANG", "fr"), ("PORT", "0")]
)
def test_values_out_of_bounds_are_refused(monkeypatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"LIVEWITNESS_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
