"""Other people's code, imported without harm to the process that hosts it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from typing import Any


@contextmanager
def as_guest() -> Iterator[None]:
    """Import a plugin inside: what it prints goes to standard error, for standard output carries
    results alone, and global state that an import has no business with is put back: the random
    states of Python, NumPy and torch, and torch's default dtype.

    Of libraries that the plugin is the first to load nothing is known to put back. That harms no
    result either: transportkit draws from its own generators only.
    """
    with ExitStack() as undo:
        if "random" in sys.modules:
            python_random: Any = sys.modules["random"]
            undo.callback(python_random.setstate, python_random.getstate())
        if "numpy.random" in sys.modules:
            numpy_random: Any = sys.modules["numpy.random"]
            undo.callback(numpy_random.set_state, numpy_random.get_state())
        torch: Any = sys.modules.get("torch")
        # Not there yet while torch itself is being imported.
        if hasattr(torch, "get_rng_state") and hasattr(torch, "set_default_dtype"):
            undo.callback(torch.set_rng_state, torch.get_rng_state())
            undo.callback(torch.set_default_dtype, torch.get_default_dtype())
        undo.enter_context(redirect_stdout(sys.stderr))
        yield
