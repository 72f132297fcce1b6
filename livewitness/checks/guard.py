"""What holds ffmpeg in: the user it runs as, and how much of Landlock this kernel has."""

from core.errors import Sentence
from core.health import CheckResult
from core.settings import Settings
from ingest.process import NETWORK_SINCE, Confinement, landlock_version

_NONE = Sentence(
    "内核没有 Landlock（Linux 5.13 起）：ffmpeg 若被恶意内容攻破，可写本用户能写的文件、连接任意地址；"
    "录制仍经本机出口代理，但请用单独的用户（LIVEWITNESS_FFMPEG_USER）、容器或防火墙加以隔离",
    "this kernel has no Landlock (Linux 5.13 and newer): an ffmpeg taken over by hostile media could write what this "
    "user can write and connect anywhere; recording still goes through the guard, but fence it with a user of its own "
    "(LIVEWITNESS_FFMPEG_USER), a container or a packet filter",
)
_FILES_ONLY = Sentence(
    "内核的 Landlock 管文件、不管网络（Linux 6.7 起）：播放列表里的 httpproxy:// 可让 ffmpeg 直连一个地址；"
    "在要紧的网络里用防火墙禁止",
    "this kernel's Landlock has rules for files but none for the network (Linux 6.7 and newer): httpproxy:// in a "
    "playlist can make ffmpeg connect to one address; where that matters, forbid it with a packet filter",
)
_WHOLE = Sentence("ffmpeg 只写自己的目录，只连出口代理", "ffmpeg writes in its own folder, connects to the guard only")


def check(settings: Settings) -> CheckResult:
    """Holds when ffmpeg can be run as the settings say; tells what the kernel leaves open."""
    Confinement(user=settings.ffmpeg_user).ids()
    version = landlock_version()
    means = _WHOLE if version >= NETWORK_SINCE else _FILES_ONLY if version else _NONE
    detail = Sentence(f"Landlock {version}：{means.zh}", f"Landlock {version}: {means.en}")
    repair = Sentence("换用较新的内核，或如上隔离", "a newer kernel, or a fence as described")
    return CheckResult("guard", True, detail, repair)
