"""faster-whisper's own ``transcribe`` on the same weights: what our path is compared with.

Default options, so that the comparison is with what most people run; only the language is given.
"""

from pathlib import Path

import faster_whisper

from models.device import choose_device
from models.library import resolve
from models.speech import Samples


class PeerTranscriber:
    """Whole recordings to text by ``faster_whisper.WhisperModel.transcribe``."""

    def __init__(self, model: faster_whisper.WhisperModel, beam_size: int) -> None:
        self._model = model
        self._beam_size = beam_size

    def transcribe(self, samples: Samples) -> str:
        """The text of a whole recording (float32, 16 kHz, mono), segments joined."""
        return "".join(text for _, _, text in self.segments(samples))

    def segments(self, samples: Samples) -> list[tuple[float, float, str]]:
        """Start and end in seconds, and text, of each segment."""
        segments, _info = self._model.transcribe(samples, language="zh", beam_size=self._beam_size)
        return [(segment.start, segment.end, segment.text) for segment in segments]


def load_peer(
    name_or_path: str, *, cache_dir: Path, beam_size: int, device: str = "auto", threads: int = 0
) -> PeerTranscriber:
    """The peer on the same model, device and precision as `models.whisper.load_whisper` chooses."""
    choice = choose_device(device, "auto", threads)
    model = faster_whisper.WhisperModel(
        str(resolve(name_or_path, cache_dir)),
        device=choice.device,
        compute_type=choice.compute_type,
        cpu_threads=choice.threads,
        local_files_only=True,
    )
    return PeerTranscriber(model, beam_size)


def peer_version() -> str:
    """The version of faster-whisper."""
    return str(faster_whisper.__version__)
