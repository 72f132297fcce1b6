"""What every test shares: tests of what a stranger does with openssl need openssl."""

import importlib.util
import os
import shutil

_NEED_OPENSSL = (
    "evidence/test_audit_seal.py",
    "evidence/test_keys.py",
    "evidence/test_live_log.py",
    "evidence/test_package.py",
    "evidence/test_verifier.py",
    "e2e/test_evidence.py",
)
# These need a browser: `make test-browser` brings one and names the folder.
_BROWSER = importlib.util.find_spec("playwright") and os.environ.get("BROWSER_TESTS")
collect_ignore = [*([] if shutil.which("openssl") else _NEED_OPENSSL), *([] if _BROWSER else ["browser"])]


def pytest_report_header() -> str:
    if not shutil.which("openssl"):
        return "openssl is not installed: tests of verify.sh, keys and time-stamps are left out"
    return "openssl is installed: verify.sh, keys and time-stamps are tested"
