"""Small blocks on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one CPU thread, and on as many as before when done.

    For work in blocks that fit the cache of one core: waiting for a second thread after every
    operation costs more than it gains, and on cores busy with other work up to fifty times more.
    Sums do not depend on the number of threads either.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
