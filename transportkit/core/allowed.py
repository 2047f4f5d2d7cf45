"""How much memory there is to use: of the machine, of the control group, of a CUDA device."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import TooLarge

if TYPE_CHECKING:
    import torch

GROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def total() -> int | None:
    """The bytes that this process may use of the machine's memory; None where nothing tells.

    A container, a job of a cluster or a shell under ``ulimit -v`` may have less than the machine.
    """
    found = list(limits())
    with suppress(ImportError, AttributeError, OSError, ValueError):
        # Not on every system.
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            found.append(soft)
    with suppress(AttributeError, OSError, ValueError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=None)


def limits(groups: Path = GROUPS, own: Path = OWN) -> Iterator[int]:
    """What the control groups of this process allow, of version 2 and 1: its own and those above.

    Within a container the path may be that of the machine outside, of which its root is what is
    seen.
    """
    with suppress(OSError, ValueError):
        for line in own.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                root, name = groups, "memory.max"
            elif "memory" in controllers.split(","):
                root, name = groups / "memory", "memory.limit_in_bytes"
            else:
                continue
            here = root / path.lstrip("/")
            for folder in (here, *here.parents):
                # Of version 2 a group without a limit says "max".
                with suppress(OSError, ValueError):
                    yield int((folder / name).read_text())
                if folder == root:
                    break


def free(device: torch.device) -> int:
    """The bytes of a CUDA device that this process may still take or reuse."""
    import torch

    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + kept


def check_room(
    asked: float, what: str, advice: str = "ask for less", device: torch.device | None = None
) -> None:
    """Raise TooLarge where so many bytes are more than this machine has, or where they are asked
    for on a CUDA `device`, more than that has free.

    `what`, in the plural, takes them, and is told with the parameters that make it so large;
    `advice` is what to do. To be asked before the memory is: what a process takes beyond that ends
    it without a word.
    """
    there, where = total(), ""
    if device is not None and device.type == "cuda":
        there, where = free(device), f" free on {device}"
    if there is not None and asked > there:
        needed, had = _gib(asked, there)
        raise TooLarge(
            f"{what} take at least {needed} GiB of memory, and there are {had}{where}; {advice}"
        )


def _gib(asked: float, there: float) -> tuple[str, str]:
    """Both in GiB, to as many places as tell them apart."""
    sizes = asked / 2**30, there / 2**30
    for places in range(10):
        first, second = (f"{x:,.{places}f}" if x < 1e12 else f"{x:.1e}" for x in sizes)
        if first != second:
            break
    return first, second
