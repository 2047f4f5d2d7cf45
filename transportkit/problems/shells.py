"""A normal distribution to a ball or a shell: the optimal map moves every point along its ray."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from ..core.problem import Law, Problem, Truth
from . import RadialParams
from .mixtures import normal

_GRID = 20_001


def shell_radius(r: Tensor, dim: int, inner: float, outer: float) -> Tensor:
    """Where the points at distance r (B,) of N(0, I) go: the radius in the shell of equal rank.

    The share of N(0, I) within r is the regularised incomplete gamma function P(D/2, r^2/2), and
    that of the shell within s is (s^D - inner^D) / (outer^D - inner^D).
    """
    share = torch.special.gammainc(torch.full_like(r, dim / 2), r.square() / 2)
    hole = (inner / outer) ** dim
    return outer * (hole + share * (1 - hole)) ** (1 / dim)


def _mean_square(dim: int, inner: float, outer: float) -> float:
    """E|y|^2 of the uniform law on the shell, the trace of its covariance."""
    ratio = inner / outer
    return outer**2 * dim / (dim + 2) * (1 - ratio ** (dim + 2)) / (1 - ratio**dim)


def _cost(dim: int, inner: float, outer: float) -> float:
    """E(s - r)^2 by the trapezoidal rule over the density of r = |x|."""
    spread = 12.0
    first, last = max(math.sqrt(dim) - spread, 0.0), math.sqrt(dim) + spread
    r = torch.linspace(first, last, _GRID, dtype=torch.float64)[1:]
    logs = (dim - 1) * r.log() - r.square() / 2
    weights = (logs - logs.max()).exp()
    moved = (shell_radius(r, dim, inner, outer) - r).square()
    return ((weights * moved).sum() / weights.sum()).item()


def _log_volume(dim: int, inner: float, outer: float) -> float:
    """The log volume of the shell."""
    ball = dim / 2 * math.log(math.pi) - math.lgamma(dim / 2 + 1)
    return ball + dim * math.log(outer) + math.log1p(-((inner / outer) ** dim))


def radial(params: RadialParams) -> Problem:
    """N(0, I) to the uniform law on inner <= |y| <= radius.

    A map x -> g(|x|) x / |x| with g increasing is the gradient of a convex function of |x|, and so
    optimal (Brenier 1991).
    """
    dim, inner, outer = params.dim, params.inner, params.radius

    def optimal(x: Tensor) -> Tensor:
        length = x.double().norm(dim=1, keepdim=True)
        moved = shell_radius(length, dim, inner, outer)
        return (x.double() * (moved / length.clamp_min(1e-300))).to(x.dtype)

    def draw(n: int, generator: Generator) -> Tensor:
        x = torch.randn(n, dim, dtype=torch.float64, generator=generator)
        share = torch.rand(n, 1, dtype=torch.float64, generator=generator)
        hole = (inner / outer) ** dim
        return outer * (hole + share * (1 - hole)) ** (1 / dim) * x / x.norm(dim=1, keepdim=True)

    def log_density(y: Tensor) -> Tensor:
        length = y.double().norm(dim=1)
        inside = (length >= inner) & (length <= outer)
        level = torch.full_like(length, -_log_volume(dim, inner, outer))
        return torch.where(inside, level, -torch.inf).to(y.dtype)

    truth = Truth(
        map=optimal,
        cost=_cost(dim, inner, outer),
        target_variance=_mean_square(dim, inner, outer),
        log_density=log_density,
    )
    about = {
        "definition": f"N(0, I) in {dim} dimensions to the uniform law on the shell of radii "
        f"{inner:g} to {outer:g}"
    }
    return Problem(normal(dim), Law(draw, (dim,)), truth, about=about)
