"""Run as a script between us and ffmpeg: ``launcher.py LIMITS ARGV...``, LIMITS a JSON object.

Makes the process as small as it can be, then becomes ffmpeg: killed by the kernel when the recorder dies, however it
dies, so that no orphan keeps writing into a recording that a restarted recorder goes on with; bounded memory and
files; no way to new privileges; and, where the kernel has Landlock (Linux 5.13, for the network 6.7), no file outside
the working directory can be written and no TCP port but the guard's connected to.

``parent``: process id of the recorder. ``memory``, ``files``, ``cpu_s``: limits; 0 for none. ``ports``: TCP ports that
may be connected to. ``uid`` and ``gid``: whom to become first; -1 to stay.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from ctypes import byref, c_int32, c_uint64, sizeof

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_GET_VERSION = 1
_RULE_PATH, _RULE_PORT = 1, 2
_BIND_TCP, _CONNECT_TCP = 1, 2
_NET_SINCE = 4
_WRITE_FILE = 1 << 1
_CHANGES = sum(1 << bit for bit in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12))
"""Writing, removing and making every kind of file: what the first version of Landlock can forbid."""
_OWN = sum(1 << bit for bit in (1, 5, 8))
"""Writing, removing and making plain files: what ffmpeg needs in its own folder. No links, devices or sockets."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", c_uint64), ("network", c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", c_uint64), ("directory", c_int32))


class _PortRule(ctypes.Structure):
    _fields_ = (("allowed", c_uint64), ("port", c_uint64))


def main(limits: dict[str, int], ports: list[int], argv: list[str]) -> None:
    """Take on ``limits`` and become ``argv``."""
    for kind, wanted in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_NOFILE, limits["files"]),
        (resource.RLIMIT_CPU, limits["cpu_s"]),
    ):
        if wanted:
            _limit(kind, wanted)
    _limit(resource.RLIMIT_CORE, 0)
    if limits["uid"] >= 0:
        os.setgroups([])
        os.setgid(limits["gid"])
        os.setuid(limits["uid"])
    kernel = ctypes.CDLL(None)
    kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # after the change of user, which would clear it
    kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _confine(kernel, ports)
    if os.getppid() == limits["parent"]:
        os.execvp(argv[0], argv)  # noqa: S606 - becoming the command, without a shell, is the purpose


def _limit(kind: int, wanted: int) -> None:
    """Lower a limit; one that is lower already stays."""
    hard = resource.getrlimit(kind)[1]
    bound = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (bound, bound))


def _confine(kernel: ctypes.CDLL, ports: list[int]) -> None:
    """Landlock, as much of it as this kernel has; without it the guard on loopback is the only fence."""
    version = kernel.syscall(_CREATE_RULESET, None, 0, _GET_VERSION)
    if version < 1:
        return
    network = _BIND_TCP | _CONNECT_TCP if version >= _NET_SINCE else 0
    asked = _Ruleset(_CHANGES, network)
    rules = kernel.syscall(_CREATE_RULESET, byref(asked), sizeof(asked) if network else 8, 0)
    if rules < 0:
        return
    for place, allowed in ((".", _OWN), ("/dev/null", _WRITE_FILE)):
        with contextlib.suppress(OSError):
            opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
            kernel.syscall(_ADD_RULE, rules, _RULE_PATH, byref(_PathRule(allowed, opened)), 0)
    for port in ports if network else ():
        kernel.syscall(_ADD_RULE, rules, _RULE_PORT, byref(_PortRule(_CONNECT_TCP, port)), 0)
    kernel.syscall(_RESTRICT_SELF, rules, 0)
    os.close(rules)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    main(given["limits"], given["ports"], sys.argv[2:])
