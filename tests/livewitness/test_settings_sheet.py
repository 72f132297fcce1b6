"""The sample file and the page say what `core.settings` says, and a sample's secret is never taken for one."""

from pathlib import Path

import pytest

from core.errors import UsageError
from core.settings import PREFIX, Settings
from livewitness.settings_sheet import SECRETS, page, sample
from livewitness.wiring import settings_for

ROOT = Path(__file__).parents[2]


def test_the_shipped_sample_and_page_are_current() -> None:
    assert (ROOT / "deploy/livewitness.env.sample").read_text("utf-8") == sample(), "livewitness settings sample"
    assert (ROOT / "docs/settings.md").read_text("utf-8") == page(), "livewitness settings page"


def test_the_sample_uncommented_is_the_default_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [line[1:] for line in sample().splitlines() if line.startswith(f"#{PREFIX}")]
    for line in given[: len(Settings.model_fields)]:
        name, _, value = line.partition("=")
        if value:
            monkeypatch.setenv(name, value)
    assert Settings() == Settings.model_construct()


def test_every_setting_is_explained_in_both_languages() -> None:
    for name, field in Settings.model_fields.items():
        zh, _, en = (field.description or "").partition(" / ")
        assert any("\u4e00" <= c <= "\u9fff" for c in zh), name
        assert en.isascii() and en.endswith((".", "law.")), name


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret.name)
def test_a_secret_of_the_sample_is_refused_at_start(monkeypatch: pytest.MonkeyPatch, secret) -> None:
    line = next(line for line in sample().splitlines() if line.startswith(f"#{PREFIX}{secret.name}="))
    monkeypatch.setenv(*line[1:].split("=", 1))
    with pytest.raises(UsageError, match=f"{PREFIX}{secret.name}"):
        settings_for(None)
