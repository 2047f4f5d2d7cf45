"""Randomness: one seed, many independent generators, and no global state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Generator


def derive(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> Generator:
    """A generator for one purpose of one seed.

    Generators of different purposes are independent, so a draw added in one place leaves the
    numbers of every other place as they were.
    """
    label = "\x1f".join([str(seed), *map(str, purpose)])
    digest = hashlib.sha256(label.encode()).digest()
    return Generator(device=device).manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def spawn(generator: Generator, device: torch.device | str | None = None) -> Generator:
    """A new generator seeded by a draw from `generator`."""
    seed = torch.randint(2**62, (), generator=generator, device=generator.device).item()
    return Generator(device=device or generator.device).manual_seed(int(seed))


@contextmanager
def global_seed_from(generator: Generator) -> Iterator[None]:
    """Code that can only draw from torch's global generators, made to draw from this one.

    Layer constructors are such code. Both the global generator of the CPU and that of the device
    of `generator` are seeded, and put back on leaving; no other device is touched.
    """
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device).item())
    devices = [generator.device] if generator.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        for device in devices:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def global_state(device: torch.device) -> list[torch.Tensor]:
    """The state of torch's global generators of the CPU and, for a CUDA device, of that one."""
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    return states


def take_global_state(states: list[torch.Tensor], device: torch.device) -> None:
    """Put the global generators into a state that `global_state` gave, wherever it lies now."""
    torch.set_rng_state(states[0].cpu())
    if device.type == "cuda" and len(states) > 1:
        torch.cuda.set_rng_state(states[1].cpu(), device)
