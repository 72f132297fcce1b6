"""What a process started by the launcher can no longer do; Python stands in for ffmpeg."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.errors import BadInputError
from ingest.process import Confinement, FfmpegProcess, landlock_version

LAUNCHER = Path(__file__).parents[2] / "ingest/launcher.py"


def run(script, folder, confinement=None):
    """Exit code and output of ``script`` under the launcher, with ``folder`` as working directory."""
    confinement = confinement or Confinement()
    argv = [sys.executable, "-I", "-S", LAUNCHER, confinement.told(), sys.executable, "-I", "-S", "-c", script]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_limits_are_taken_on_and_no_privilege_can_be_gained(tmp_path):
    script = "import resource as r; print([r.getrlimit(k)[1] for k in (r.RLIMIT_AS, r.RLIMIT_NOFILE, r.RLIMIT_CORE)])"
    assert run(script, tmp_path, Confinement(memory=2**30, files=64)) == (0, f"[{2**30}, 64, 0]")
    script = "print([l.split()[1] for l in open('/proc/self/status') if l.startswith('NoNewPrivs')])"
    assert run(script, tmp_path) == (0, "['1']")


def test_processor_time_is_bounded(tmp_path):
    argv = [sys.executable, "-I", "-S", "-c", "while True: pass"]
    process = FfmpegProcess(argv, cwd=tmp_path, stdout=False, confinement=Confinement(cpu_s=1))
    while process.running() and process.cpu_s() < 1.5:
        time.sleep(0.05)
    assert process.stop() == -signal.SIGKILL
    process.close()


def test_memory_is_bounded(tmp_path):
    assert run("bytes(2**30)", tmp_path, Confinement(memory=2**29)) == (1, "MemoryError")


@pytest.mark.parametrize(("folder", "fate"), [(".", (0, "written")), ("..", (1, "PermissionError"))])
def test_files_are_written_in_the_working_directory_only(tmp_path, folder, fate):
    inside = tmp_path / "inside"
    inside.mkdir()
    code, said = run(f"open('{folder}/file', 'w').write('x'); print('written')", inside)
    if folder == "." or landlock_version():
        assert (code, said.partition(":")[0]) == fate


@pytest.mark.parametrize("make", ["os.symlink('/etc/passwd', 'x')", "os.mkfifo('x')", "os.mkdir('x')"])
def test_nothing_but_plain_files_is_made_there(tmp_path, make):
    code, said = run(f"import os; {make}", tmp_path)
    assert said.startswith("PermissionError") or (code == 0 and not landlock_version())


def test_only_the_named_port_is_connected_to(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [server.getsockname()[1] for server in (one, other)]
        for port, reached in zip(ports, (True, landlock_version() < 4), strict=True):
            script = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5); print('connected')"
            code, said = run(script, tmp_path, Confinement(ports=(ports[0],)))
            assert (code == 0) == reached
            assert reached or said.startswith("PermissionError")


def test_root_can_hand_the_work_to_another_user(tmp_path, monkeypatch):
    with pytest.raises(BadInputError, match="no_such_user"):
        Confinement(user="nobody-of-this-name").ids()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(BadInputError, match="cannot_switch_user"):
        Confinement(user="nobody").ids()
