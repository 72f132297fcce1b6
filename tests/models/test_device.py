"""Device and precision follow what is there."""

import os

import ctranslate2
import pytest

from core.errors import ModelError
from models import device
from models.device import DeviceChoice, available_cores, choose_device


@pytest.fixture
def no_cuda(monkeypatch):
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)


@pytest.fixture
def one_cuda(monkeypatch, tmp_path):
    """A machine with one CUDA device whose driver's tool reports the given memory in MiB."""

    def with_memory(mib: str) -> None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\necho '{mib}'\n")
        tool.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", lambda _: {"float16", "int8_float16", "int8"})
    return with_memory


def test_without_cuda_it_is_the_cpu_in_8_bits_on_every_core(no_cuda):
    assert choose_device() == DeviceChoice("cpu", "int8", len(os.sched_getaffinity(0)))


def test_the_operator_may_choose_otherwise(no_cuda):
    assert choose_device("cpu", "float32", 3) == DeviceChoice("cpu", "float32", 3)


def test_cuda_that_is_not_there_is_one_clear_sentence(no_cuda):
    with pytest.raises(ModelError, match="no CUDA device"):
        choose_device("cuda")


def test_a_precision_the_device_lacks_names_those_it_has(no_cuda):
    with pytest.raises(ModelError, match="int8"):
        choose_device("cpu", "bfloat16x")


@pytest.mark.parametrize(("mib", "expected"), [("81559", "float16"), ("4096", "int8_float16"), ("?", "float16")])
def test_cuda_is_preferred_and_small_memory_gets_8_bit_weights(one_cuda, mib, expected):
    one_cuda(mib)
    assert choose_device().device == "cuda"
    assert choose_device().compute_type == expected


def test_without_the_drivers_tool_the_memory_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert device._cuda_memory_mib() is None


def test_cores_are_those_of_this_process():
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
