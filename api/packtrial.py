"""Tries a rule pack in a process of its own: its expressions and sentences are somebody else's, and may never end.

The process has so much memory and time of the processor, and is killed when it takes too long; the service waits for
it with one thread. ``python -m api.packtrial FILE`` is that process: it prints one JSON object, what the pack is and
how its own sentences come out, or the error that refuses it.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from claims.yamlnode import read_yaml
from core.errors import BadInputError, LiveWitnessError, Sentence
from core.shapes import Json

CPU_S = 30
"""Time of the processor for one pack: ten times what the bundled one takes."""
WALL_S = 120.0
"""How long it may take in all, also beside other work."""
MEMORY_BYTES = 1 << 30
_OUT_OF_MEMORY = 77
_ROOT = Path(__file__).parents[1]


def try_pack(file: Path) -> Json:
    """``head`` and ``report`` of the pack: `pack_head` and `sentence_report`. Blocks.

    Raises `BadInputError` with the line that is unfit, or for one that takes too much time or memory.
    """
    # The launcher's own few variables: nothing of ours that a pack could be made to tell.
    environment = {"PYTHONPATH": str(_ROOT), "PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1"}
    limits = [str(CPU_S), str(MEMORY_BYTES)]
    command = [sys.executable, "-m", "api.packtrial", str(file), *limits]
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=WALL_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _too_heavy() from error
    if done.returncode < 0 or done.returncode == _OUT_OF_MEMORY:
        raise _too_heavy()
    if done.returncode:
        raise RuntimeError(f"a rule pack could not be tried: {done.stderr.decode('utf-8', 'replace')[-2000:]}")
    told: Json = json.loads(done.stdout)
    if "error" in told:
        raise _refusal(told["error"])
    return told


def _too_heavy() -> BadInputError:
    return BadInputError(
        "pack_heavy",
        f"规则包太重：检查所需超过 {CPU_S} 秒处理器时间或 {MEMORY_BYTES >> 20} MiB 内存。",
        f"The rule pack is too heavy: checking it takes more than {CPU_S} s of the processor "
        f"or {MEMORY_BYTES >> 20} MiB of memory.",
        hint=Sentence("请简化正则，或把规则包拆开。", "Make its expressions simpler, or part the pack."),
    )


def _refusal(fields: dict[str, str]) -> BadInputError:
    hint = Sentence(fields["hint_zh"], fields["hint_en"]) if "hint_zh" in fields else None
    return BadInputError(fields["code"], fields["zh"], fields["en"], hint=hint)


def main(file: Path, cpu_s: int, memory_bytes: int) -> int:
    """The process itself. Exit: 0 with JSON printed, 77 out of memory."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        told = _tried(file)
    except LiveWitnessError as error:
        told = {"error": error.as_dict()}
    except MemoryError:
        return _OUT_OF_MEMORY
    sys.stdout.write(json.dumps(told))
    return 0


def _tried(file: Path) -> Json:
    # What is no YAML of ours is told before anything large is loaded, which takes a second.
    read_yaml(file, file.name)
    from api.packreport import pack_head, sentence_report
    from claims.checker import bundled_packs
    from claims.pack import read_pack

    law: Any = read_pack(bundled_packs()[0], probe=False)
    pack = read_pack(file, base=law)
    return {"head": pack_head(pack), "report": sentence_report(pack)}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
