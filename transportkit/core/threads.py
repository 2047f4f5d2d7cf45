"""How many CPU threads torch computes with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Torch on `count` CPU threads, and on as many as before when done.

    One is right for work in blocks that fit the cache of one core: waiting for a second thread
    after every operation costs more than it gains, and on cores busy with other work up to fifty
    times more. Sums depend on the number of threads, in their last bits.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
