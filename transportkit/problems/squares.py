"""A checkerboard: eight of the sixteen squares of a large one, uniformly."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from ..core.problem import Law, Problem, Truth
from . import CheckerboardParams
from .mixtures import normal


def board(side: float) -> Law:
    """Uniform on the alternate squares, of this side, of a board of four by four about 0."""

    def draw(n: int, generator: Generator) -> Tensor:
        column = torch.randint(4, (n,), generator=generator)
        pair = torch.randint(2, (n,), generator=generator)
        corner = torch.stack([column - 2, 2 * pair - 2 + column % 2], 1)
        return side * (corner + torch.rand(n, 2, generator=generator))

    return Law(draw, (2,))


def checkerboard(params: CheckerboardParams) -> Problem:
    """N(0, I) to the checkerboard of FFJORD (toy_data, squares of side 2) or that of
    De Bortoli et al. (2021), squares of side 7.5."""
    side = {"ffjord": 2.0, "dsb": 7.5}[params.definition]
    about = {
        "definition": f"uniform on eight squares of side {side:g} within "
        f"{2 * side:g} of the origin along each axis"
    }
    # Each coordinate is uniform in [-2 side, 2 side], of variance (4 side)^2 / 12.
    truth = Truth(target_variance=2 * (4 * side) ** 2 / 12)
    return Problem(normal(2), board(side), truth, about=about)
