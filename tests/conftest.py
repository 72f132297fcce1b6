"""What every test shares: how often chance is tried; tests of what a stranger does with openssl need openssl."""

import importlib.util
import os
import shutil

from hypothesis import HealthCheck, settings

from tests.counts import FULL, SEED

_NEED_OPENSSL = (
    "evidence/test_audit_seal.py",
    "evidence/test_case_package.py",
    "evidence/test_keys.py",
    "evidence/test_live_log.py",
    "evidence/test_package.py",
    "evidence/test_verifier.py",
    "evidence/test_verifier_flips.py",
    "evidence/test_verifier_insider.py",
    "evidence/test_verifier_tokens.py",
    "e2e/test_evidence.py",
)
# These need a browser: `make test-browser` brings one and names the folder.
_BROWSER = importlib.util.find_spec("playwright") and os.environ.get("BROWSER_TESTS")
collect_ignore = [*([] if shutil.which("openssl") else _NEED_OPENSSL), *([] if _BROWSER else ["browser"])]

# A busy machine makes examples slowly; that says nothing of the code.
settings.register_profile("ordinary", max_examples=40, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("full", max_examples=200, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("full" if FULL else "ordinary")


def pytest_report_header() -> list[str]:
    seed = f"TEST_SEED={SEED} {'FULL_TESTS=1' if FULL else '(FULL_TESTS=1 repeats more)'}"
    if not shutil.which("openssl"):
        return [seed, "openssl is not installed: tests of verify.sh, keys and time-stamps are left out"]
    return [seed, "openssl is installed: verify.sh, keys and time-stamps are tested"]
