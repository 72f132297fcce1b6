"""Where a model runs and in which precision: CUDA when there is one, else the CPU in 8 bits."""

import os
import shutil
import subprocess
from dataclasses import dataclass

import ctranslate2

from core.errors import ModelError

SMALL_CUDA_MIB = 6_000


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """What CTranslate2 is told: device, precision, threads of one decode (CPU)."""

    device: str
    compute_type: str
    threads: int


def choose_device(device: str = "auto", compute_type: str = "auto", threads: int = 0) -> DeviceChoice:
    """The device asked for, or the best there is. Raises `ModelError` for CUDA without CUDA.

    ``auto`` precision is float16 on CUDA (int8_float16 below `SMALL_CUDA_MIB` of memory) and int8
    on the CPU. ``threads`` 0 means every core this process may use.
    """
    cuda_devices = ctranslate2.get_cuda_device_count()
    if device == "cuda" and not cuda_devices:
        raise ModelError(
            "model_no_cuda",
            "要求使用 CUDA，但本机没有可用的 CUDA 设备。请用 --device cpu 或 auto。",
            "CUDA was asked for, but no CUDA device can be used here. Use device cpu or auto.",
        )
    chosen = ("cuda" if cuda_devices else "cpu") if device == "auto" else device
    precision = _precision(chosen) if compute_type == "auto" else compute_type
    supported = ctranslate2.get_supported_compute_types(chosen)
    if precision not in supported and precision not in {"default", "auto"}:
        names = ", ".join(sorted(supported))
        raise ModelError(
            "model_precision",
            f"{chosen} 不支持精度 {precision}。可选：{names}。",
            f"{chosen} does not support the precision {precision}. It supports: {names}.",
        )
    return DeviceChoice(chosen, precision, threads or available_cores())


def available_cores() -> int:
    """Cores this process may run on (a container or ``taskset`` may leave fewer than the machine has)."""
    return len(os.sched_getaffinity(0))


def _precision(device: str) -> str:
    if device != "cuda":
        return "int8"
    memory = _cuda_memory_mib()
    wished = "int8_float16" if memory is not None and memory < SMALL_CUDA_MIB else "float16"
    supported = ctranslate2.get_supported_compute_types("cuda")
    return wished if wished in supported else "default"


def _cuda_memory_mib() -> int | None:
    """Total memory of the first CUDA device in MiB; None when the driver's tool cannot tell."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    command = [tool, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return int(answer.stdout.split()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
