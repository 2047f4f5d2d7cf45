"""Where lines of points in the plane go."""

from __future__ import annotations

import torch
from torch import Tensor

from ..core.model import Field, Model
from ..transport import Moved


def courses(start: Tensor, lines: Moved, model: Model) -> Tensor:
    """The places (B, K, 2) of lines from the points `start` (B, 2); a map's go straight, K = 2.

    A line ends at its moved point, and begins where its field begins it, which may be elsewhere
    than at its own.
    """
    if lines.path is None or not isinstance(model, Field):
        return torch.stack([start, lines.points], 1)
    states, count = lines.path.shape[:2]
    with torch.no_grad():
        places = model.along(lines.path.flatten(0, 1)).view(states, count, 2)
    return torch.cat([places[:-1], lines.points[None].to(places)]).transpose(0, 1)
