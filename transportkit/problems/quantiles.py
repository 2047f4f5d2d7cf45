"""Laws on the line given by their quantiles, and products of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..core.problem import Law, Problem, Truth
from . import QuantileParams, QuantileProductParams

_ROOT = math.sqrt(2)
_GRID = 100_001
_TAIL = 8.2
"""Beyond this many standard deviations the normal share is 1 in float64."""


@dataclass(frozen=True)
class Line:
    """A law on the line with mean 0 and variance 1: its share below x, its quantile of level u,
    and its log density, elementwise in float64."""

    share: Callable[[Tensor], Tensor]
    quantile: Callable[[Tensor], Tensor]
    log_density: Callable[[Tensor], Tensor]


def _within(x: Tensor, low: float, high: float, values: Tensor) -> Tensor:
    return torch.where((x > low) & (x < high), values, -torch.inf)


_WIDTH = math.sqrt(3)
_SLOPE = math.pi / math.sqrt(3)
LINES: Mapping[str, Line] = {
    "normal": Line(
        torch.special.ndtr,
        torch.special.ndtri,
        lambda x: -x.square() / 2 - math.log(2 * math.pi) / 2,
    ),
    "uniform": Line(
        lambda x: (x / (2 * _WIDTH) + 0.5).clamp(0, 1),
        lambda u: _WIDTH * (2 * u - 1),
        lambda x: _within(x, -_WIDTH, _WIDTH, torch.full_like(x, -math.log(2 * _WIDTH))),
    ),
    "exponential": Line(
        lambda x: -torch.expm1(-(x + 1).clamp_min(0)),
        lambda u: -torch.log1p(-u) - 1,
        lambda x: _within(x, -1, math.inf, -(x + 1)),
    ),
    "laplace": Line(
        lambda x: 0.5 - 0.5 * x.sign() * torch.expm1(-_ROOT * x.abs()),
        lambda u: -(u - 0.5).sign() * torch.log1p(-2 * (u - 0.5).abs()) / _ROOT,
        lambda x: math.log(_ROOT / 2) - _ROOT * x.abs(),
    ),
    "logistic": Line(
        lambda x: torch.sigmoid(_SLOPE * x),
        lambda u: torch.logit(u) / _SLOPE,
        lambda x: (
            math.log(_SLOPE)
            + torch.nn.functional.logsigmoid(_SLOPE * x)
            + torch.nn.functional.logsigmoid(-_SLOPE * x)
        ),
    ),
    "arcsine": Line(
        lambda x: torch.asin((x / _ROOT).clamp(-1, 1)) / math.pi + 0.5,
        lambda u: _ROOT * torch.sin(math.pi * (u - 0.5)),
        lambda x: _within(
            x, -_ROOT, _ROOT, -math.log(math.pi) - torch.log((2 - x.square()).clamp_min(0)) / 2
        ),
    ),
}
"""Arcsine is the law of sqrt(2) sin of a uniform angle: its mass is at the two ends."""


def monotone(source: Line, target: Line, x: Tensor) -> Tensor:
    """The increasing map x -> F_Q^-1(F_P(x)), optimal on the line (Villani 2003, section 2.2)."""
    tiny = torch.finfo(torch.float64)
    return target.quantile(source.share(x).clamp(tiny.tiny, 1 - tiny.eps / 2))


def line_cost(source: Line, target: Line) -> float:
    """The integral over u of (F_Q^-1(u) - F_P^-1(u))^2, with u = Phi(z), by the trapezoidal rule
    in z."""
    z = torch.linspace(-_TAIL, _TAIL, _GRID, dtype=torch.float64)
    u, weight = torch.special.ndtr(z), (-z.square() / 2).exp()
    gap = target.quantile(u) - source.quantile(u)
    return ((gap.square() * weight).sum() / weight.sum()).item()


def _law(lines: Sequence[Line]) -> Law:
    def draw(n: int, generator: Generator) -> Tensor:
        u = torch.rand(n, len(lines), dtype=torch.float64, generator=generator)
        # torch.rand can give 0, of which some quantiles are infinite.
        u = u.clamp_min(2.0**-54)
        return torch.stack([line.quantile(u[:, k]) for k, line in enumerate(lines)], 1)

    return Law(draw, (len(lines),))


def _product(sources: Sequence[str], targets: Sequence[str], about: str) -> Problem:
    p, q = [LINES[name] for name in sources], [LINES[name] for name in targets]
    pairs = list(zip(p, q, strict=True))

    def optimal(x: Tensor) -> Tensor:
        columns = [monotone(a, b, x[:, k].double()) for k, (a, b) in enumerate(pairs)]
        return torch.stack(columns, 1).to(x.dtype)

    def log_density(y: Tensor) -> Tensor:
        columns = [b.log_density(y[:, k].double()) for k, b in enumerate(q)]
        return torch.stack(columns).sum(0).to(y.dtype)

    costs = {pair: line_cost(*pair) for pair in set(pairs)}
    cost = sum(costs[pair] for pair in pairs)
    truth = Truth(map=optimal, cost=cost, target_variance=float(len(q)), log_density=log_density)
    return Problem(_law(p), _law(q), truth, about={"definition": about})


def quantile_1d(params: QuantileParams) -> Problem:
    """One law on the line to another."""
    about = f"{params.source} to {params.target} on the line, both of mean 0 and variance 1"
    return _product([params.source], [params.target], about)


def quantile_product(params: QuantileProductParams) -> Problem:
    """A product of equal laws to a product whose coordinates take turns among `targets`."""
    names = [params.targets[k % len(params.targets)] for k in range(params.dim)]
    about = (
        f"independent {params.source} coordinates in {params.dim} dimensions to independent "
        f"coordinates that are {', '.join(params.targets)} in turn, all of mean 0 and variance 1"
    )
    return _product([params.source] * params.dim, names, about)
