"""Our packages have plain names (``models``, ``index``); another distribution may hide one. Find it before it hurts."""

import importlib.util
from pathlib import Path

PACKAGES = ("core", "store", "models", "ingest", "asr", "claims", "index", "evidence", "pipeline", "api")
ROOT = Path(__file__).resolve().parent.parent


def find_shadowed() -> str | None:
    """One sentence naming the first package that does not come from our root, or ``None``."""
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        if origin is None or origin.parent.parent != ROOT:
            return (
                f"错误：包 {name} 应来自 {ROOT}，实际是 {origin}；请设置 PYTHONPATH={ROOT} 或卸载冲突的发行包。"
                f" / Error: package {name} should come from {ROOT} but is {origin};"
                f" set PYTHONPATH={ROOT} or remove the distribution that hides it."
            )
    return None
