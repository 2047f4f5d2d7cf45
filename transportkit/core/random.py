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
