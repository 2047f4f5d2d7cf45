"""Whether there is room for a network that is to be trained."""

from __future__ import annotations

import torch

from ..core.allowed import check_room

_WEIGHT = 4
"""Bytes of a weight."""
_TRAINED = 4 * _WEIGHT
"""Bytes of one in training: itself, its gradient, and the two moments of Adam."""
_LAYER = 4096
"""Bytes of a layer of no weights, as Python holds it, roughly."""


def check_network(weights: int, width: int, depth: int, device: torch.device) -> None:
    """Raise TooLarge for a network of so many weights, in `depth` layers of `width`, that there is
    no room to train it on this machine, or on a CUDA `device`."""
    what = f"the {weights:.2g} weights of a network with width={width} and depth={depth}"
    # Whatever the device, they come from this machine's memory, or go through it to a file.
    check_room(_WEIGHT * weights + _LAYER * depth, what, "choose a smaller one")
    check_room(_TRAINED * weights + _LAYER * depth, what, "choose a smaller one", device)
