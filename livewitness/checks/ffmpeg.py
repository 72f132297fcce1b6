"""Is there an ffmpeg with what recording and clips need."""

import subprocess

from core.errors import Sentence
from core.health import CheckResult
from core.settings import Settings
from ingest.commands import ffmpeg_path

_NEEDED = ("segment", "mpegts", "matroska", "mp4", "s16le")


def check(settings: Settings) -> CheckResult:
    """Holds when ffmpeg starts and knows the muxers we use."""
    binary = ffmpeg_path(settings.ffmpeg)
    repair = Sentence("重新安装 imageio-ffmpeg：make setup", "install imageio-ffmpeg again: make setup")
    try:
        shown = subprocess.run(
            [binary, "-hide_banner", "-muxers"], capture_output=True, text=True, timeout=20, check=True
        )
        version = subprocess.run([binary, "-version"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return CheckResult(
            "ffmpeg", False, Sentence(f"无法运行 {binary}：{error}", f"Cannot run {binary}: {error}"), repair
        )
    muxers = {name for line in shown.stdout.splitlines() for name in line.split()[1:2]}
    missing = [name for name in _NEEDED if name not in muxers]
    detail = Sentence(version.splitlines()[0], "") if not missing else Sentence(f"缺少 {missing}", f"lacks {missing}")
    return CheckResult("ffmpeg", not missing, detail, repair)
