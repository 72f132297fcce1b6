"""How much a log holds: what a negative result says of each stream, and what its verifier works out again."""

from collections.abc import Sequence

from evidence.leaves import Leaf


def logged_extent(leaves: Sequence[Leaf]) -> dict[str, int]:
    """Segments, milliseconds they last, and gaps with their milliseconds, as a log has them."""
    segments = [leaf for leaf in leaves if leaf["kind"] == "segment"]
    gaps = [leaf for leaf in leaves if leaf["kind"] == "gap"]
    return {
        "segments": len(segments),
        "recorded_ms": sum(_length(leaf) for leaf in segments),
        "gaps": len(gaps),
        "gap_ms": sum(_length(leaf) for leaf in gaps),
        "received": sum(leaf.get("how") == "received" for leaf in segments),
    }


def _length(leaf: Leaf) -> int:
    start, end = leaf.get("start_ms"), leaf.get("end_ms")
    return end - start if isinstance(start, int) and isinstance(end, int) else 0
