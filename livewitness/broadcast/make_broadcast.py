"""Make broadcast.mp4 and truth.jsonl from script.jsonl.

Needs a toolchain of its own (see README.md); the project itself never runs this.

    python -m livewitness.broadcast.make_broadcast --out livewitness/broadcast
"""

import argparse
import importlib
import json
import math
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from livewitness.broadcast.slides import HEIGHT, WIDTH, SlideMaker
from livewitness.broadcast.voice import SAMPLE_RATE, Speech, level_speech, load_voice, trim_speech

FOLDER = Path(__file__).parent
FONTS = "/usr/share/fonts/opentype/noto/NotoSansCJK-"
LEAD_SECONDS = 0.8
FRAMES_PER_SECOND = 25
GOP_FRAMES = 50


@dataclass(frozen=True, slots=True)
class Placed:
    """A script row and the samples [start, end) of its speech in the sound track."""

    row: dict[str, Any]
    start: int
    end: int


def read_script(path: Path) -> list[dict[str, Any]]:
    """Return the rows of script.jsonl in order."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def speak_script(rows: list[dict[str, Any]]) -> tuple[Speech, list[Placed]]:
    """Speak every row and lay the sentences out with their pauses.

    Returns the sound track (a whole number of 2 s GOPs long) and where each sentence lies in it.
    """
    speak = load_voice()
    position = int(LEAD_SECONDS * SAMPLE_RATE)
    pieces: list[tuple[int, Speech]] = []
    placed: list[Placed] = []
    for row in rows:
        trimmed, edge = trim_speech(speak(row["text"]))
        pieces.append((position - edge, level_speech(trimmed)))
        end = position + len(trimmed) - 2 * edge
        placed.append(Placed(row, position, end))
        position = end + round(row["pause"] * SAMPLE_RATE)
        print(f"{row['id']} {placed[-1].start / SAMPLE_RATE:7.3f} s  {row['text']}", flush=True)
    track = np.zeros(math.ceil(position / SAMPLE_RATE / 2) * 2 * SAMPLE_RATE, dtype=np.float32)
    for first, samples in pieces:
        track[first : first + len(samples)] += samples
    return track, placed


def write_wave(path: Path, track: Speech) -> None:
    """Write mono float32 samples as 16-bit PCM."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(np.round(track * 32767).astype("<i2").tobytes())


def encode_command(ffmpeg: str, sound: Path, seconds: int, target: Path) -> list[str]:
    """Return the ffmpeg command: one RGB picture a second on stdin, sound from a file.

    One encoder thread and bitexact flags make the bytes depend on the ffmpeg build alone.
    """
    picture = f"-f rawvideo -pix_fmt rgb24 -s {WIDTH}x{HEIGHT} -framerate 1 -i pipe:0"
    colour = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
    video = (
        f"-c:v libx264 -profile:v high -preset slower -tune stillimage -crf 24 -threads 1 "
        f"-g {GOP_FRAMES} -keyint_min {GOP_FRAMES} -sc_threshold 0 -flags:v +cgop+bitexact "
        f"-colorspace bt709 -color_primaries bt709 -color_trc bt709"
    )
    audio = "-c:a aac -profile:a aac_low -b:a 64k -ar 48000 -ac 1 -flags:a +bitexact"
    return [
        *(ffmpeg, "-hide_banner", "-loglevel", "warning", "-y"),
        *picture.split(),
        *("-i", str(sound), "-map", "0:v", "-map", "1:a"),
        *("-vf", f"fps={FRAMES_PER_SECOND},{colour}"),
        *video.split(),
        *audio.split(),
        *("-t", str(seconds), "-map_metadata", "-1", "-fflags", "+bitexact"),
        *("-movflags", "+faststart", str(target)),
    ]


def title_at(placed: list[Placed], second: int) -> str:
    """Return the slide title of one second: that of the last sentence begun before its end."""
    begun = [item for item in placed if item.start < (second + 1) * SAMPLE_RATE]
    return str((begun[-1] if begun else placed[0]).row["title"])


def encode(track: Speech, placed: list[Placed], slides: SlideMaker, target: Path) -> None:
    """Encode pictures and sound into an MP4; raises CalledProcessError when ffmpeg fails."""
    ffmpeg: str = importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe()
    seconds = len(track) // SAMPLE_RATE
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "voice.wav"
        write_wave(sound, track)
        # The picture after the last one only tells ffmpeg how long the last one lasts.
        pictures = [slides.render(title_at(placed, s), s) for s in range(seconds + 1)]
        command = encode_command(ffmpeg, sound, seconds, target)
        subprocess.run(command, input=b"".join(pictures), check=True)


def truth_line(item: Placed) -> str:
    """Return one line of truth.jsonl."""
    names = ("label", "also", "terms", "product")
    times = {
        "start": round(item.start / SAMPLE_RATE, 3),
        "end": round(item.end / SAMPLE_RATE, 3),
    }
    row = {"id": item.row["id"], "text": item.row["text"], **times}
    row.update({name: item.row[name] for name in names})
    return json.dumps(row, ensure_ascii=False)


def main() -> None:
    """Make the media and its ground truth in the folder given by --out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--font", default=f"{FONTS}Regular.ttc")
    parser.add_argument("--bold-font", default=f"{FONTS}Bold.ttc")
    options = parser.parse_args()
    track, placed = speak_script(read_script(FOLDER / "script.jsonl"))
    target = options.out / "broadcast.mp4"
    encode(track, placed, SlideMaker(options.font, options.bold_font), target)
    truth = "".join(truth_line(item) + "\n" for item in placed)
    (options.out / "truth.jsonl").write_text(truth, encoding="utf-8")
    print(f"{target}: {target.stat().st_size} bytes, {len(track) // SAMPLE_RATE} s")


if __name__ == "__main__":
    main()
