"""Run as a script between us and ffmpeg: ``launcher.py PARENT_PID ARGV...``.

Asks the kernel to kill ffmpeg when the recorder dies, however it dies, so that no orphan keeps
writing into a recording that a restarted recorder goes on with; then becomes ffmpeg.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    """``argv``: the recorder's process id, then the command line to become."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == int(argv[0]):
        os.execv(argv[1], argv[1:])  # noqa: S606 - becoming the command, without a shell, is the purpose


if __name__ == "__main__":
    main(sys.argv[1:])
