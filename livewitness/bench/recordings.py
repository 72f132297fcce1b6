"""Recordings for ``livewitness bench live``: nine voices, a fast host, music, a crowd in a room, a codec, lawful talk.

All are made of the bundled broadcast and talks, the same on every machine; each comes with what is said when.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import av
import numpy as np
from av.audio.resampler import AudioResampler

from ingest.pcm import decode_pcm
from livewitness.broadcast import TruthSentence, load_truth, media_path
from livewitness.voices import talk_names, talk_path, talk_sentences
from models.speech import FRAME_SAMPLES, SAMPLE_RATE, Samples
from models.vad import load_vad

LAWFUL_STREAMS = 5
_SEED = 7
_EDGE_S = 0.05


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound with its sentences (times in seconds of this sound)."""

    name: str
    samples: Samples
    sentences: tuple[TruthSentence, ...]

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.samples) / SAMPLE_RATE

    def first(self, seconds: float) -> "Recording":
        """The recording looped or cut to this length; a sentence that is not whole in it is left out, its sound too."""
        times = -(-round(seconds * SAMPLE_RATE) // len(self.samples))
        looped = [
            replace(s, id=f"{s.id}.{turn}", start=s.start + turn * self.seconds, end=s.end + turn * self.seconds)
            for turn in range(times)
            for s in self.sentences
        ]
        samples = np.tile(self.samples, times)[: round(seconds * SAMPLE_RATE)]
        for cut in (s for s in looped if s.start < seconds < s.end):
            samples[max(0, round((cut.start - _EDGE_S) * SAMPLE_RATE)) :] = 0
        return Recording(self.name, samples, tuple(s for s in looped if s.end <= seconds))


@cache
def clean() -> Recording:
    """The broadcast as it is."""
    return Recording("clean", np.concatenate([*decode_pcm([media_path()])]), tuple(load_truth()))


@cache
def talk(name: str) -> Recording:
    """A bundled talk as it is."""
    return Recording(name, np.concatenate([*decode_pcm([talk_path(name)])]), talk_sentences(name))


def fast(source: Recording | None = None) -> Recording:
    """A host who never pauses: every silence is cut out."""
    source = source or talk("claims_fast")
    frames = source.samples[: len(source.samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    spoken = load_vad().probabilities(source.samples)[: len(frames)] > 0.5
    kept_before = np.concatenate(([0], np.cumsum(spoken))) * FRAME_SAMPLES / SAMPLE_RATE

    def at(second: float) -> float:
        return float(kept_before[min(len(spoken), round(second * SAMPLE_RATE / FRAME_SAMPLES))])

    sentences = tuple(replace(s, start=at(s.start), end=at(s.end)) for s in source.sentences)
    return Recording("fast", frames[spoken].ravel(), sentences)


def music(source: Recording | None = None) -> Recording:
    """Chords and a beat under the voice, 10 dB below it."""
    source = source or talk("claims_health")
    return replace(source, name="music", samples=_mixed(source.samples, _tune(len(source.samples)), 10))


def crowd(source: Recording | None = None) -> Recording:
    """A room of 0.4 s and a crowd of murmuring voices, 10 dB below."""
    source = source or talk("claims_deals")
    length = len(source.samples)
    rng = np.random.default_rng(_SEED)
    voices = [np.roll(np.resize(talk(name).samples, length), rng.integers(1 << 20)) for name in lawful_talks()]
    murmur = sum(voices, np.zeros(length, dtype=np.float32))
    return replace(source, name="crowd", samples=_mixed(_in_room(source.samples, 0.4), _in_room(murmur, 0.4), 10))


def conditions() -> Iterator[tuple[str, list[Recording]]]:
    """Everything with claims in it, in five voices: clean, without pauses, under music, in a crowd, through AAC."""
    sources = [clean(), *(talk(name) for name in talk_names(lawful=False))]
    yield "clean", sources
    yield "fast, no pauses", [fast(source) for source in sources]
    yield "music at 10 dB", [music(source) for source in sources]
    yield "crowd at 10 dB in a room", [crowd(source) for source in sources]
    yield "AAC at 32 kbit/s", [codec(source) for source in sources]


def codec(source: Recording | None = None) -> Recording:
    """Through AAC at 32 kbit/s and back."""
    source = source or clean()
    samples = _through_aac(source.samples, 32_000)
    return replace(source, name="codec", samples=np.resize(samples, len(source.samples)))


def lawful() -> Recording:
    """Only what is lawful, for ten minutes, in eight voices one after another."""
    return _joined("lawful", lawful_talks())


def lawful_talks() -> list[str]:
    """The names of the talks in which nothing is unlawful."""
    return talk_names(lawful=True)


def woman() -> Recording:
    """A woman's voice, clean."""
    return replace(talk("claims_skin"), name="woman")


def man() -> Recording:
    """A young man's voice, clean."""
    return replace(talk("claims_deals"), name="man")


MAKERS: tuple[Callable[[], Recording], ...] = (clean, fast, music, crowd, lawful, codec, woman, man)
"""What the streams of a live run play, in this order."""


def recordings(count: int, seconds: float) -> Iterator[Recording]:
    """``count`` recordings of the given length; after all kinds have been had, the next turns start elsewhere."""
    for number in range(count):
        recording = MAKERS[number % len(MAKERS)]()
        turned = _turned(recording, number // len(MAKERS))
        yield turned.first(seconds)


def lawful_recordings() -> list[Recording]:
    """The ten minutes of lawful speech in `LAWFUL_STREAMS` parts, all as long as the longest."""
    names = lawful_talks()
    parts = [_joined(f"lawful {n + 1}", names[n::LAWFUL_STREAMS]) for n in range(LAWFUL_STREAMS)]
    return [part.first(max(p.seconds for p in parts)) for part in parts]


def _joined(name: str, talks: Sequence[str]) -> Recording:
    """Talks one after another."""
    sentences: list[TruthSentence] = []
    at = 0.0
    for one in map(talk, talks):
        sentences += [replace(s, start=s.start + at, end=s.end + at) for s in one.sentences]
        at += one.seconds
    return Recording(name, np.concatenate([talk(one).samples for one in talks]), tuple(sentences))


def _turned(recording: Recording, turns: int) -> Recording:
    """The recording begun ``turns`` sentences later, so that two of a kind do not say the same at the same time."""
    if turns == 0:
        return recording
    at = recording.sentences[turns * 5 % len(recording.sentences)].start - 0.2
    samples = np.roll(recording.samples, -round(at * SAMPLE_RATE))
    length = recording.seconds
    moved = [replace(s, start=(s.start - at) % length, end=(s.end - at) % length) for s in recording.sentences]
    whole = sorted((s for s in moved if s.start < s.end), key=lambda s: s.start)
    return Recording(f"{recording.name} {turns + 1}", samples, tuple(whole))


def _mixed(voice: Samples, noise: Samples, decibels: float) -> Samples:
    """``noise`` under the voice at this ratio of powers, kept from clipping."""
    power = float(np.mean(voice**2)) / max(1e-12, float(np.mean(noise**2)))
    mixed = voice + noise * np.sqrt(power / 10 ** (decibels / 10))
    return np.asarray(mixed * min(1.0, 0.95 / float(np.abs(mixed).max())), dtype=np.float32)


def _in_room(samples: Samples, seconds: float) -> Samples:
    """Reverberation: noise that decays by 60 dB in ``seconds`` as impulse response."""
    rng = np.random.default_rng(_SEED)
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    response = rng.normal(0, 1, len(at)) * 10 ** (-3 * at / seconds) * 0.05
    response[0] = 1.0
    size = 1 << int(np.ceil(np.log2(len(samples) + len(response))))
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(samples)].astype(np.float32)


def _tune(length: int) -> Samples:
    """Four chords in turn with a decaying beat on every half second."""
    at = np.arange(length) / SAMPLE_RATE
    roots = np.array([220.0, 174.6, 261.6, 196.0])[(at // 2).astype(int) % 4]
    chord = sum(np.sin(2 * np.pi * roots * ratio * at) for ratio in (1, 1.25, 1.5, 2))
    rng = np.random.default_rng(_SEED)
    beat = rng.normal(0, 1, length) * np.exp(-18 * (at % 0.5))
    return np.asarray(chord * (0.6 + 0.4 * np.sin(np.pi * at)) + 2 * beat, dtype=np.float32)


def _through_aac(samples: Samples, bits_per_second: int) -> Samples:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="adts") as container:
        stream = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = bits_per_second
        resampler = AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE, frame_size=1024)
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer, "r") as container:
        parts = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
    return np.concatenate(parts).astype(np.float32)
