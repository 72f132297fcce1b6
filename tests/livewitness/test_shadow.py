"""Another distribution that ships a package of our name is noticed and named."""

import os
import subprocess
import sys
from pathlib import Path

from livewitness.shadow import ROOT, find_shadowed


def test_our_own_packages_are_found() -> None:
    assert find_shadowed() is None


def test_a_package_that_hides_ours_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").touch()
    paths = os.pathsep.join((str(tmp_path), str(ROOT)))
    code = f"import sys; sys.path[:0] = {paths.split(os.pathsep)!r}; from livewitness.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "models" in done.stderr
    assert str(tmp_path / "models") in done.stderr
    assert "Traceback" not in done.stderr
