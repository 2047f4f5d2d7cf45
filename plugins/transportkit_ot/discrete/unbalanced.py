"""Unbalanced entropic transport between two samples, and its map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from transportkit import Direct, Diverged, Method, Problem, Solvable

from . import UnbalancedParams
from .entropic import FALL, STAGE, EntropicPlan, soft_maximum
from .entropic_map import EntropicMap, tell_of_noise, unit_of, variances

_LARGEST = 1e4
"""Exponents up to which single precision leaves their exponentials right to a thousandth."""


def solve_unbalanced(
    x: Tensor, y: Tensor, epsilon: float, strictness: float, *, tolerance: float, most: int
) -> EntropicPlan:
    """The plan pi between x (N, D) and y (M, D), not of mass 1, that minimises

        E_pi |x - y|^2 / 2 + epsilon KL(pi | a b) + strictness (KL(pi_1 | a) + KL(pi_2 | b)),

    a and b uniform (Chizat et al. 2018, "Scaling algorithms for unbalanced optimal transport
    problems", section 5). Potentials are shifted against each other to the best of the dual after
    every iteration, without which a large strictness converges slowly (Sejourne, Vialard and
    Peyre 2022, arXiv:2201.00730). epsilon falls as in `entropic.solve`; `error` is the mass
    that the last iteration moved, as a share of all.
    """
    squares = x.square().sum(1), y.square().sum(1)
    now = max(epsilon, float(squares[0].mean() + squares[1].mean()) / 2)
    u, v = (-s / (2 * now) for s in squares)
    iterations, error = 0, math.inf
    while True:
        done = now <= epsilon and (error <= tolerance or iterations >= most)
        if done or math.isnan(error):
            return EntropicPlan(u, v, error, iterations)
        rows = soft_maximum(x, y, v, now)
        mass = (u + rows).clamp(max=50).exp()
        fitted = _relaxed(rows, squares[0], now, strictness)
        change = (fitted - u).clamp(-50, 50).expm1().abs()
        # Potentials and all else moved together by a shift is no change of the plan.
        error = float((mass * change).mean() / mass.mean().clamp_min(1e-30)) / 2
        u = fitted
        v = _relaxed(soft_maximum(y, x, u, now), squares[1], now, strictness)
        shift = _shift(u, squares[0], now, strictness) - _shift(v, squares[1], now, strictness)
        u, v = u + shift / 2, v - shift / 2
        iterations += 1
        if now > epsilon and iterations >= STAGE:
            following = max(now * FALL, epsilon)
            u, v = u * (now / following), v * (now / following)
            now, iterations, error = following, 0, math.inf


def _relaxed(fitted: Tensor, squares: Tensor, epsilon: float, strictness: float) -> Tensor:
    """The potential that meets a relaxed marginal, from the log sums of the other side's."""
    norms = squares / (2 * epsilon)
    return -(strictness / (strictness + epsilon)) * (fitted - norms) - norms


def _shift(u: Tensor, squares: Tensor, epsilon: float, strictness: float) -> Tensor:
    """strictness / epsilon times the log of the marginal's relative mass, as the potential says."""
    # A large factor times the log of nearly 1: not for single precision.
    logs = -(epsilon / strictness) * (u + squares / (2 * epsilon)).double()
    return ((strictness / epsilon) * (logs.logsumexp(0) - math.log(len(u)))).to(u)


class UnbalancedObjective(Solvable):
    """The unbalanced plan between at most `points` training samples of each side."""

    def __init__(self, problem: Problem, params: UnbalancedParams) -> None:
        self.problem, self.params = problem, params

    def solve(self, generator: Generator) -> EntropicMap:
        settings = self.params
        ends = (self.problem.source, self.problem.target)
        x, y = (m.points(settings.points, generator).flatten(1) for m in ends)
        epsilon = settings.epsilon * unit_of(x, y, settings.unit) or 1.0
        tell_of_noise(settings.epsilon, epsilon, x, y)
        means = x.mean(0), y.mean(0)
        # One origin for both: here a shift between the sides has a price.
        centre = torch.cat([x, y]).mean(0)
        a, b = x - centre, y - centre
        if max(float(s.square().sum(1).amax()) for s in (a, b)) / epsilon > _LARGEST:
            a, b = a.double(), b.double()
        plan = solve_unbalanced(
            a,
            b,
            epsilon,
            self._strictness(x, y),
            tolerance=settings.tolerance,
            most=settings.iterations,
        )
        if not plan.error <= settings.tolerance:
            raise Diverged(
                f"unbalanced still moves {plan.error:.2%} of the mass after {plan.iterations} "
                "iterations at its last epsilon; raise epsilon, iterations or tolerance"
            )
        model = EntropicMap(
            self.problem.event_shape,
            points=len(y),
            epsilon=epsilon,
            output=settings.output,
            marginal_error=plan.error,
        ).to(y.device)
        # About their own means points are small; the source's shift is a part of v then.
        model.target = y - means[1]
        shifted = plan.v.double() + b.double() @ (means[0] - centre).double() / epsilon
        model.v = (shifted - shifted.amax()).to(y)
        model.source_mean, model.target_mean = means
        return model

    def _strictness(self, x: Tensor, y: Tensor) -> float:
        """What divergence costs, in the data's unit squared."""
        if self.params.unit == "data":
            return self.params.strictness
        pairs = sum(variances(x, y)) / 2 + float((x.mean(0) - y.mean(0)).square().sum()) / 2
        return self.params.strictness * (pairs or 1.0)


class Unbalanced(Method[UnbalancedParams]):
    def objective(self, problem: Problem, generator: Generator) -> UnbalancedObjective:
        return UnbalancedObjective(problem, self.params)

    def trainer(self) -> Direct:
        return Direct()

    def blank(self, config: Mapping[str, Any]) -> EntropicMap:
        return EntropicMap(**{**config, "event_shape": tuple(config["event_shape"])})
