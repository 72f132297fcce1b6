"""What the C library's allocator keeps: few arenas, so that a process of a hundred threads stays small for weeks."""

import ctypes

_M_ARENA_MAX = -8
ARENAS = 2


def share_arenas() -> bool:
    """Let all threads share `ARENAS` arenas; False where the C library is not glibc.

    By default glibc opens up to eight arenas per processor, one thread after the other, and none gives its freed
    blocks to another. Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, ARENAS))


def return_free() -> bool:
    """Give whole free pages back to the system, also from between what is in use. Source: malloc_trim(3)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim is not None and bool(trim(0))
