"""Mixtures of equal Gaussians, and problems that lead to them."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from ..core.allowed import check_room
from ..core.problem import Law, Problem, Truth
from . import ModesParams, RingParams


def normal(dim: int) -> Law:
    """N(0, I) in `dim` dimensions."""
    return Law(lambda n, g: torch.randn(n, dim, generator=g), (dim,))


def orbits(turns: Tensor) -> Law:
    """N(0, I) in whole orbits of a group of rotations and reflections, (K, D, D), in random order.

    Every point has the right law, and any K regions that the group carries onto each other have
    equal counts, but for the last orbit of a draw, which may not be whole.
    """
    kinds, dim, _ = turns.shape

    def draw(n: int, generator: Generator) -> Tensor:
        first = torch.randn(-(-n // kinds), dim, generator=generator)
        points = torch.einsum("kij,nj->nki", turns, first).flatten(0, 1)
        return points[torch.randperm(len(points), generator=generator)[:n]]

    return Law(draw, (dim,))


def turns(kinds: int, dim: int) -> Tensor:
    """The rotations by every multiple of 2 pi / `kinds` in the first two coordinates, (K, D, D)."""
    what = f"the rotations of stratified draws with modes={kinds} and dim={dim}"
    check_room(12 * kinds * dim**2, what)
    angle = 2 * math.pi * torch.arange(kinds, dtype=torch.float64) / kinds
    out = torch.eye(dim, dtype=torch.float64).repeat(kinds, 1, 1)
    out[:, 0, 0] = out[:, 1, 1] = angle.cos()
    out[:, 1, 0] = angle.sin()
    out[:, 0, 1] = -out[:, 1, 0]
    return out.float()


def choose(n: int, kinds: int, stratified: bool, generator: Generator) -> Tensor:
    """Which of `kinds` equally likely components each of n points comes from, (n,).

    `stratified` gives every component n // kinds points and the rest to random ones, in random
    order: every point still has the right law, but the points are not independent, and the
    binomial noise of the counts, most of the noise floor of a mixture of far modes, is gone.
    """
    if not stratified:
        return torch.randint(kinds, (n,), generator=generator)
    rest = torch.randperm(kinds, generator=generator)[: n % kinds]
    labels = torch.cat([torch.arange(kinds).repeat(n // kinds), rest])
    return labels[torch.randperm(n, generator=generator)]


def mixture(centres: Tensor, std: float, stratified: bool = False) -> Law:
    """The equal mixture of N(c, std^2 I) over the rows c of `centres`, (K, D)."""

    def draw(n: int, generator: Generator) -> Tensor:
        labels = choose(n, len(centres), stratified, generator)
        return centres[labels] + std * torch.randn(n, centres.shape[1], generator=generator)

    return Law(draw, (centres.shape[1],))


def ring(modes: int, radius: float, dim: int = 2) -> Tensor:
    """`modes` points equally spaced on a circle in the first two of `dim` coordinates."""
    angle = 2 * math.pi * torch.arange(modes, dtype=torch.float64) / modes
    centres = torch.zeros(modes, dim)
    centres[:, 0], centres[:, 1] = radius * angle.cos(), radius * angle.sin()
    return centres


def variance(centres: Tensor, std: float) -> float:
    """The trace of the covariance of `mixture(centres, std)`."""
    spread = centres.double() - centres.double().mean(0)
    return spread.square().sum(1).mean().item() + centres.shape[1] * std**2


def gaussians(params: RingParams) -> Problem:
    """N(0, I) to Gaussians on a circle.

    Radius 5 is that of torchcfm (Tong et al. 2024), whose modes have standard deviation
    0.1^(1/4) = 0.56; De Bortoli et al. (2021) have radius 12 and 1.5.
    """
    what = f"the centres of modes={params.modes} with dim={params.dim}"
    check_room(2 * 8 * params.modes * params.dim, what)
    centres = ring(params.modes, params.radius, params.dim)
    about = {
        "definition": f"{params.modes} Gaussians of equal weight and standard deviation "
        f"{params.std:g} on a circle of radius {params.radius:g}"
    }
    truth = Truth(target_variance=variance(centres, params.std))
    target = mixture(centres, params.std, params.stratified)
    source = orbits(turns(params.modes, params.dim)) if params.stratified else normal(params.dim)
    return Problem(source, target, truth, about=about)


def _flips(dim: int) -> Tensor:
    """The identity and the reflection of the first axis, (2, D, D)."""
    check_room(8 * dim**2, f"the reflections of stratified draws with dim={dim}", "lower dim")
    flip = torch.eye(dim)
    flip[0, 0] = -1
    return torch.stack([torch.eye(dim), flip])


def modes(params: ModesParams) -> Problem:
    """N(0, I) to two modes at plus and minus `offset` on the first axis."""
    centres = torch.zeros(2, params.dim)
    centres[0, 0], centres[1, 0] = -params.offset, params.offset
    about = {
        "definition": f"two Gaussians of equal weight and standard deviation {params.std:g} "
        f"at {-params.offset:g} and {params.offset:g} on the first axis"
    }
    truth = Truth(target_variance=variance(centres, params.std))
    target = mixture(centres, params.std, params.stratified)
    source = orbits(_flips(params.dim)) if params.stratified else normal(params.dim)
    return Problem(source, target, truth, about=about)
