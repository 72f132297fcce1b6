"""Time-stamp tokens and keys: what they must be to count."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.clock import utc_now
from evidence.keys import write_public
from evidence.seal import SEAL
from evidence.stamping import request_token
from tests.evidence.authority import Authority
from tests.evidence.court import Court, checkpoint_names
from tests.evidence.logged import (
    Recording,
    resealed,
)

pytestmark = pytest.mark.slow


def test_a_token_over_other_data_is_refused(court: Court, recording: Recording, files: dict[str, bytes]) -> None:
    one, other = (name.replace(".txt", ".tsr") for name in checkpoint_names(files)[:2])
    swapped = resealed(files | {one: files[other], other: files[one]}, recording.key)
    court.refused(swapped, one, "the token does not hold")


def test_a_token_of_an_expired_certificate_is_refused(
    recording: Recording, files: dict[str, bytes], tmp_path: Path
) -> None:
    name = checkpoint_names(files)[-1]
    with Authority(tmp_path / "old", valid=("20200101000000Z", "20210101000000Z")) as old:
        forged = with_token(files, name, request_token(old.url, files[name]))
        court = Court(recording, old.ca, tmp_path)
    court.refused(resealed(forged, recording.key), name.replace(".txt", ".tsr"), "the token does not hold")
    assert "expired" in court.shell(resealed(forged, recording.key)).stderr


def test_a_token_of_another_authority_is_refused(
    court: Court, recording: Recording, files: dict[str, bytes], tmp_path: Path
) -> None:
    name = checkpoint_names(files)[-1]
    with Authority(tmp_path / "other") as other:
        forged = with_token(files, name, request_token(other.url, files[name]))
    court.refused(resealed(forged, recording.key), name.replace(".txt", ".tsr"), "the token does not hold")


def with_token(files: dict[str, bytes], name: str, token: bytes) -> dict[str, bytes]:
    """The package with this as its only token."""
    return {n: d for n, d in files.items() if not n.endswith(".tsr")} | {name.replace(".txt", ".tsr"): token}


def test_a_certificate_for_another_purpose_is_refused(
    recording: Recording, files: dict[str, bytes], tmp_path: Path
) -> None:
    """Same name, number and key, but made for signing code: put into the token in place of the right one."""
    name = checkpoint_names(files)[-1]
    with Authority(tmp_path / "authority") as authority:
        token = request_token(authority.url, files[name])
        right, wrong = authority.certificate(), authority.certificate("critical,codeSigning")
        assert right in token
        assert len(right) == len(wrong)
        forged = with_token(files, name, token.replace(right, wrong))
        court = Court(recording, authority.ca, tmp_path)
        court.refused(resealed(forged, recording.key), name.replace(".txt", ".tsr"), "the token does not hold")


def test_rotated_and_revoked_keys(court: Court, recording: Recording, files: dict[str, bytes], tmp_path: Path) -> None:
    key = court.anchors.keys[0]
    hour = utc_now().replace(year=2001)
    cases = {
        "after its key was rotated": replace(key, not_after=hour),
        "before its key was valid": replace(key, not_before=utc_now().replace(year=2090)),
        "its key was revoked": replace(key, revoked=hour),
    }
    for reason, changed in cases.items():
        court.anchors = replace(court.anchors, keys=(changed,))
        court.keys.write_text(write_public([changed]))
        court.refused(files, SEAL, reason)
    later = replace(key, revoked=utc_now().replace(year=2090))
    court.anchors = replace(court.anchors, keys=(later,))
    court.keys.write_text(write_public([later]))
    assert court.python(files).holds, "what was stamped before the revocation still counts"
    assert court.shell(files).returncode == 0
