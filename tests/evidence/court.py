"""Both verifiers as a court uses them, with anchors from outside the package."""

import subprocess
from pathlib import Path

from evidence.verifier import Verdict, verify_package
from tests.evidence.logged import (
    Recording,
    lay_out,
    pack,
)


class Court:
    """Both verifiers with the same anchors from outside."""

    def __init__(self, recording: Recording, ca: Path | None, folder: Path) -> None:
        self.folder = folder
        self.anchors = recording.anchors(ca)
        self.keys = recording.public_file(folder / "keys.pem")
        self.ca = ca

    def python(self, files: dict[str, bytes]) -> Verdict:
        number = len(list(self.folder.glob("*.zip")))
        return verify_package(pack(files, self.folder / f"{number}.zip"), self.anchors)

    def shell(self, files: dict[str, bytes]) -> subprocess.CompletedProcess[str]:
        number = len(list(self.folder.glob("*.u")))
        return self.shell_on(lay_out(files, self.folder / f"{number}.u"))

    def shell_on(self, folder: Path) -> subprocess.CompletedProcess[str]:
        anchors = [str(self.keys), *([str(self.ca)] if self.ca else [])]
        isolated = ["env", "-i", *_NO_NETWORK, "bash", str(folder / "verify.sh"), *anchors]
        return subprocess.run(isolated, capture_output=True, text=True, check=False, timeout=60)

    def refused(self, files: dict[str, bytes], file: str, reason: str = "") -> None:
        """Both refuse, name the file, and the Python verifier gives this reason."""
        verdict = self.python(files)
        assert not verdict.holds
        assert verdict.failures[0].file == file
        assert reason in verdict.failures[0].en
        assert verdict.failures[0].zh
        done = self.shell(files)
        assert done.returncode == 1
        assert done.stderr.startswith(f"REFUSED {file}: "), done.stderr


_NO_NETWORK = (
    ["unshare", "-n"]
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode == 0
    else []
)


def segment_names(files: dict[str, bytes]) -> list[str]:
    return sorted(name for name in files if name.startswith("segments/"))


def checkpoint_names(files: dict[str, bytes]) -> list[str]:
    return sorted(name for name in files if name.startswith("log/checkpoints/") and name.endswith(".txt"))
