"""An error carries its code, its sentence twice, and says how a command and a service answer."""

import pytest

from core import errors
from core.errors import BadInputError, LiveWitnessError, Sentence


def test_json_form_has_sentence_and_hint() -> None:
    error = BadInputError("x_y", "坏", "bad", hint=Sentence("修", "mend"))
    assert error.as_dict() == {"code": "x_y", "zh": "坏", "en": "bad", "hint_zh": "修", "hint_en": "mend"}
    assert str(error) == "x_y: bad"
    assert str(error.sentence) == "坏 / bad"


@pytest.mark.parametrize(
    ("kind", "exit_code", "status"),
    [
        (errors.UsageError, 2, 400),
        (errors.BadInputError, 3, 422),
        (errors.NotFoundError, 3, 404),
        (errors.ConflictError, 1, 409),
        (errors.SourceError, 1, 502),
        (errors.StorageError, 1, 507),
        (errors.StoreBusyError, 1, 503),
        (errors.ModelError, 1, 503),
    ],
)
def test_each_kind_has_its_exit_code_and_status(kind: type[LiveWitnessError], exit_code: int, status: int) -> None:
    error = kind("c", "中", "en")
    assert (error.exit_code, error.http_status) == (exit_code, status)
