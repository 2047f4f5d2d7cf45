"""Making thousands of objects that stay, by reading records or importing specs, without looking for
cycles among them again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Python's search for cyclic garbage waits until the block ends.

    It goes through all that there is each time that this has grown by a quarter. Where everything
    that is made is kept that finds nothing, and takes a fifth of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
