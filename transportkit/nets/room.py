"""Whether there is room for a network that is to be trained."""

from __future__ import annotations

import torch

from ..core.allowed import check_room

_WEIGHT = 4 * 4
"""Bytes of a weight in training: itself, its gradient, and the two moments of Adam."""
_LAYER = 4096
"""Bytes of a layer of no weights, as Python holds it, roughly."""


def check_network(weights: int, width: int, depth: int, device: torch.device) -> None:
    """Raise TooLarge for a network of so many weights that this machine, or a CUDA
    `device`, cannot train it."""
    asked = _WEIGHT * weights + _LAYER * depth
    what = f"the {weights:.2g} weights of a network with width={width} and depth={depth}"
    check_room(asked, what, "choose a smaller one", device)
