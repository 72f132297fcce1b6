"""Whisper on CTranslate2 with encoder input as long as the speech, not 30 s.

The stock path pads every window to 30 s, which costs about a second of CPU whatever was said.
CTranslate2 takes shorter features. What keeps that from looping (measured): 300 frames of padding
with the window's own minimum, an even number of frames, no prompt and no timestamp tokens.

Whisper: Radford et al. 2022, https://arxiv.org/abs/2212.04356.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import numpy as np
import tokenizers
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from core.errors import ModelError
from core.records import ModelIdentity
from models.device import DeviceChoice, choose_device
from models.library import resolve, weights_sha256
from models.mel import LogMel
from models.speech import ALL_FRAMES, SAMPLE_RATE, Encoded, Hypothesis, Samples, TimedPiece

MIN_SAMPLES = 400
_MAX_LENGTH = 448
_SECONDS_PER_STEP = 0.02
_CUDA_BATCH = 16


@dataclass(frozen=True, slots=True)
class EncodedWindows:
    """Encoder output of a batch. ``frames[i]`` counts the mel frames of window i that are not padding."""

    output: ctranslate2.StorageView
    frames: tuple[int, ...]

    @property
    def size(self) -> int:
        """Windows in the batch."""
        return len(self.frames)


class WhisperEngine:
    """`models.speech.SpeechEngine` over one loaded model; calls may come from several threads."""

    def __init__(
        self,
        model: ctranslate2.models.Whisper,
        tokenizer: Tokenizer,
        extractor: LogMel,
        identity: ModelIdentity,
        device: str,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._extractor = extractor
        self._identity = identity
        self._device = device

    @property
    def identity(self) -> ModelIdentity:
        """Name and sha256 of the weights."""
        return self._identity

    @property
    def device(self) -> str:
        """``cpu`` or ``cuda``."""
        return self._device

    @property
    def batch_size(self) -> int:
        """1 on the CPU, where batches gain little and change texts; more on CUDA."""
        return _CUDA_BATCH if self._device == "cuda" else 1

    def features(self, samples: Samples) -> NDArray[np.float32]:
        """Log-mel features [mels, frames] of a waveform, at most 30 s, the half-empty last frame dropped."""
        clip = samples[: SAMPLE_RATE * 30]
        if len(clip) < MIN_SAMPLES:
            clip = np.pad(clip, (0, MIN_SAMPLES - len(clip)))
        return self._extractor(clip)[:, :-1][:, :ALL_FRAMES]

    def encode(self, windows: Sequence[Samples], *, pad_frames: int) -> EncodedWindows:
        """Encode windows together, all padded to the longest plus ``pad_frames``, to 30 s at most."""
        mels = [self.features(window) for window in windows]
        frames = tuple(mel.shape[1] for mel in mels)
        length = padded_length(max(frames), pad_frames)
        batch = np.stack([pad_features(mel, length) for mel in mels])
        storage = ctranslate2.StorageView.from_array(np.ascontiguousarray(batch))
        return EncodedWindows(self._model.encode(storage, to_cpu=False), frames)

    def generate(self, encoded: Encoded, *, beam_size: int, max_tokens: int) -> list[Hypothesis]:
        """Decode a batch without prompt and timestamps; at most ``max_tokens`` tokens each.

        CTranslate2 stops at min(max_length / 2, max_length - prompt), hence the odd maximum.
        """
        batch = _own(encoded)
        prompt = [*self._tokenizer.sot_sequence, self._tokenizer.no_timestamps]
        limit = min(_MAX_LENGTH, max(2 * max_tokens, len(prompt) + max_tokens))
        results = self._model.generate(
            batch.output,
            [prompt] * batch.size,
            beam_size=beam_size,
            max_length=limit,
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [self._hypothesis(result) for result in results]

    def _hypothesis(self, result: ctranslate2.models.WhisperGenerationResult) -> Hypothesis:
        tokens = [token for token in result.sequences_ids[0] if token < self._tokenizer.eot]
        pieces, piece_tokens = self._tokenizer.split_to_word_tokens(tokens) if tokens else ([], [])
        # The score is the sum over the tokens and the end mark, divided by their count.
        return Hypothesis(
            tuple(pieces),
            tuple(tuple(part) for part in piece_tokens),
            float(result.scores[0]),
            float(result.no_speech_prob),
        )

    def align(self, encoded: Encoded, hypotheses: Sequence[Hypothesis]) -> list[tuple[TimedPiece, ...]]:
        """Times of the pieces from the cross-attention (dynamic time warping), in window seconds."""
        batch = _own(encoded)
        texts = [[token for part in h.piece_tokens for token in part] for h in hypotheses]
        if not any(texts):
            return [()] * len(hypotheses)
        found = self._model.align(batch.output, self._tokenizer.sot_sequence, texts, list(batch.frames))
        return [
            _timed(hypothesis, result.alignments, result.text_token_probs)
            for hypothesis, result in zip(hypotheses, found, strict=True)
        ]


def padded_length(frames: int, pad_frames: int) -> int:
    """Frames to feed for a window of ``frames``: ``pad_frames`` more, even, at most 30 s.

    >>> padded_length(501, 300), padded_length(2_900, 300)
    (802, 3000)
    """
    wished = frames + pad_frames
    return min(ALL_FRAMES, wished + wished % 2)


def pad_features(mel: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """``mel`` [mels, frames] extended to ``length`` frames with its own minimum, which is its silence."""
    return np.pad(mel, ((0, 0), (0, length - mel.shape[1])), constant_values=float(mel.min()))


def _own(encoded: Encoded) -> EncodedWindows:
    if not isinstance(encoded, EncodedWindows):
        raise TypeError(f"encoded by another engine: {type(encoded).__name__}")
    return encoded


def _timed(
    hypothesis: Hypothesis, alignments: Sequence[tuple[int, int]], probabilities: Sequence[float]
) -> tuple[TimedPiece, ...]:
    if not hypothesis.pieces or not alignments:
        return ()
    token_index = np.array([pair[0] for pair in alignments])
    step = np.array([pair[1] for pair in alignments])
    starts_token = np.concatenate(([True], np.diff(token_index) > 0))
    times = step[starts_token] * _SECONDS_PER_STEP
    edges = np.concatenate(([0], np.cumsum([len(part) for part in hypothesis.piece_tokens])))
    return tuple(
        TimedPiece(
            text,
            float(times[min(a, len(times) - 1)]),
            float(times[min(b, len(times) - 1)]),
            float(np.mean(probabilities[a:b])),
        )
        for text, a, b in zip(hypothesis.pieces, edges[:-1], edges[1:], strict=True)
    )


def load_whisper(
    name_or_path: str = "whisper-base",
    *,
    cache_dir: Path,
    device: str = "auto",
    compute_type: str = "auto",
    threads: int = 0,
    workers: int = 1,
) -> WhisperEngine:
    """Load a CTranslate2 Whisper by card name, hub id or folder, for Mandarin.

    Raises `core.errors.ModelError` when it is missing, damaged or cannot run on this device.
    """
    choice = choose_device(device, compute_type, threads)
    folder = resolve(name_or_path, cache_dir)
    sha256 = weights_sha256(folder)
    model = _load_model(folder, choice, workers)
    tokenizer = Tokenizer(_tokenizer_file(folder), multilingual=True, task="transcribe", language="zh")
    extractor = LogMel(model.n_mels)
    name = folder.name if Path(name_or_path).is_dir() else name_or_path
    return WhisperEngine(model, tokenizer, extractor, ModelIdentity(name, sha256), choice.device)


def _load_model(folder: Path, choice: DeviceChoice, workers: int) -> ctranslate2.models.Whisper:
    try:
        model = ctranslate2.models.Whisper(
            str(folder),
            device=choice.device,
            compute_type=choice.compute_type,
            intra_threads=choice.threads,
            inter_threads=workers,
        )
    except (RuntimeError, ValueError) as error:
        raise _broken(folder, str(error)) from error
    if not model.is_multilingual:
        raise _broken(folder, "English only")
    return model


def _tokenizer_file(folder: Path) -> tokenizers.Tokenizer:
    path = folder / "tokenizer.json"
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _broken(folder, f"tokenizer.json: {error}") from error
    return tokenizers.Tokenizer.from_file(str(path))


def _broken(folder: Path, reason: str) -> ModelError:
    first_line = reason.strip().splitlines()[0] if reason.strip() else "?"
    return ModelError(
        "model_unloadable",
        f"模型 {folder} 无法载入：{first_line}",
        f"The model {folder} cannot be loaded: {first_line}",
    )
