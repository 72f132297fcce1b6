"""A single byte changed anywhere is refused, by the Python verifier and by the shell script."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evidence import verifier
from evidence.verifier import verify_package
from tests.counts import chance, times
from tests.evidence.court import Court
from tests.evidence.logged import (
    lay_out,
    read_files,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("kind", "count"), [("package", times(300, 1_050)), ("masked", times(100, 300)), ("negative", times(100, 300))]
)
def test_single_bytes_changed_anywhere_in_a_package_are_refused(
    packages: dict[str, Path], court: Court, kind: str, count: int
) -> None:
    whole, files = packages[kind].read_bytes(), read_files(packages[kind])
    rng = chance(kind)
    each = times(1, 4) * (6 if kind == "package" else 2)
    spots = {whole.index(data) + rng.randrange(len(data)) for data in files.values() if data for _ in range(each)}
    names = [name.encode() for name in files]
    headers = {whole.rindex(name) + rng.randrange(-46, len(name)) for name in names for _ in range(max(1, each // 6))}
    headers |= {whole.index(name) + rng.randrange(-30, len(name)) for name in names for _ in range(max(1, each // 6))}
    spots |= headers | set(range(len(whole) - 22, len(whole)))
    while len(spots) < count:
        spots.add(rng.randrange(len(whole)))
    target = court.folder / "flipped.zip"
    assert verify_package(packages[kind], court.anchors).holds
    for spot in sorted(spots):
        changed = bytearray(whole)
        changed[spot] ^= 1 << rng.randrange(8)
        target.write_bytes(changed)
        verdict = verify_package(target, court.anchors)
        assert not verdict.holds, f"byte {spot} may be changed"
        assert verdict.failures[0].file
        assert verdict.failures[0].en


@pytest.mark.parametrize(
    ("kind", "count"), [("package", times(60, 1_000)), ("masked", times(20, 100)), ("negative", times(20, 100))]
)
def test_single_bytes_changed_in_any_file_are_refused_by_the_script(
    packages: dict[str, Path], court: Court, kind: str, count: int
) -> None:
    """The published script looks at the folder, so that the one inside counts as a file like any other."""
    files = {name: data for name, data in read_files(packages[kind]).items() if data}
    names = sorted(files)
    rng = chance(kind)
    rng.shuffle(names)
    flips = [(names[n % len(names)], rng.random(), 1 << rng.randrange(8)) for n in range(count)]
    folders = [lay_out(files, court.folder / f"{kind}{n}") for n in range(2)]
    published = Path(verifier.__file__).with_name("verify.sh")

    def run(folder: Path) -> subprocess.CompletedProcess[str]:
        command = ["bash", str(published), str(court.keys), str(court.ca), "300", str(folder)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def flip(worker: int) -> None:
        for name, place, bit in flips[worker::2]:
            changed = bytearray(files[name])
            changed[int(place * len(changed))] ^= bit
            (folders[worker] / name).write_bytes(changed)
            done = run(folders[worker])
            assert done.returncode == 1, name
            assert done.stderr.startswith("REFUSED"), name
            (folders[worker] / name).write_bytes(files[name])
        done = run(folders[worker])
        assert done.returncode == 0, done.stderr

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(flip, range(2)))
