"""Threads share arenas."""

import ctypes
import re
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import ctypes, sys, threading
from core.allocator import share_arenas
if sys.argv[2] == "shared":
    assert share_arenas()
gate = threading.Barrier(12)
malloc, free = ctypes.CDLL(None).malloc, ctypes.CDLL(None).free
malloc.restype, free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
def take():
    gate.wait()
    held = [malloc(50_000) for _ in range(50)]
    gate.wait()
    [free(one) for one in held]
threads = [threading.Thread(target=take) for _ in range(12)]
[t.start() for t in threads]
[t.join() for t in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, stream)
libc.fclose(stream)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="this C library has no arenas")
def test_twelve_threads_share_two_arenas(tmp_path: Path) -> None:
    assert _arenas(tmp_path / "shared.xml", "shared") <= 2
    assert _arenas(tmp_path / "own.xml", "own") > 2


_HOLES = """
import ctypes, sys
from core.allocator import return_free
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
blocks = [libc.malloc(100_000) for _ in range(600)]
for block in blocks:
    ctypes.memset(ctypes.c_void_p(block), 1, 100_000)
for place, block in enumerate(blocks):
    if place % 20:
        libc.free(block)
before = resident()
return_free()
print(before - resident())
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library cannot trim")
def test_what_lies_free_between_blocks_in_use_is_given_back() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _HOLES], check=True, cwd=Path(__file__).parents[2], capture_output=True, text=True
    )
    assert int(ran.stdout) > 40_000_000


def _arenas(out: Path, how: str) -> int:
    subprocess.run([sys.executable, "-c", _PROGRAM, str(out), how], check=True, cwd=Path(__file__).parents[2])
    return len(re.findall("<heap nr=", out.read_text()))
