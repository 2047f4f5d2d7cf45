"""Devices: which one a run uses, and how much memory it took there."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    import torch


def resolve(name: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N`` as a device that is there, ready for use."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = _read(name)
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count == 0:
            raise UsageError("no CUDA device is available here; choose cpu or auto")
        if device.index is not None and device.index >= count:
            raise UsageError(f"there is no {name}; this machine has cuda:0 to cuda:{count - 1}")
        # An index alone does not initialise CUDA, and its memory counters ask that it be.
        torch.cuda.init()
    return device


def _read(name: str) -> torch.device:
    """A device that transportkit can use somewhere."""
    import torch

    unknown = UsageError(f"unknown device '{name}'; use auto, cpu, cuda or cuda:N")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        raise unknown from None
    if device.type == "mps":
        raise UsageError("MPS has no double precision, which metrics and fields need; use cpu")
    if device.type not in ("cpu", "cuda"):
        raise unknown
    return device


def kind(name: str) -> str:
    """The kind of a device: what ``auto`` stands for here, or what is named, here or elsewhere.

    A plan asks for no more: where a run is executed `resolve` says whether there is such a device.
    Torch is not loaded where the answer is plain without it.
    """
    if name == "cpu" or (name == "auto" and not _may_have_cuda()):
        return "cpu"
    return resolve(name).type if name == "auto" else _read(name).type


def _may_have_cuda() -> bool:
    """Whether there may be a CUDA device here; on Linux none is without its driver's files."""
    if sys.platform != "linux":
        return True
    return any(Path(p).exists() for p in ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd"))


@contextmanager
def products(tf32: bool) -> Iterator[None]:
    """How exact products of float32 matrices and convolutions are on a CUDA device, inside.

    Full float32 unless `tf32` is asked for: torch's own default differs between the two, and a
    number should not depend on it without saying so.
    """
    import torch

    cudnn = torch.backends.cudnn
    backends: tuple[Any, ...] = (torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn)  # type: ignore[attr-defined]
    before = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = "tf32" if tf32 else "ieee"
        yield
    finally:
        for backend, setting in zip(backends, before, strict=True):
            backend.fp32_precision = setting


@cache
def machine(device: torch.device) -> str:
    """What numbers were computed on: the processor, and the GPU where that is the device."""
    name = platform.processor() or platform.machine()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    if device.type != "cuda":
        return f"{platform.system()}, {name}"
    import torch

    return f"{platform.system()}, {name}, {torch.cuda.get_device_name(device)}"


class PeakMemory:
    """The most memory used since this was made, in MB.

    On a CUDA device what torch allocated there; elsewhere the resident memory of the process,
    from its own peak counter, which Linux lets a process reset.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if device.type == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats(device)
        else:
            with suppress(OSError):
                Path("/proc/self/clear_refs").write_text("5")

    def megabytes(self) -> float:
        if self.device.type == "cuda":
            import torch

            return torch.cuda.max_memory_allocated(self.device) / 2**20
        with suppress(OSError):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) / 1024
        try:
            import resource
        except ImportError:  # Windows has no such counter.
            return 0.0
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 1024)
