"""Metrics of lines, on fields whose lines are known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.toys import Flow
from transportkit import (
    RK4,
    DiffusionField,
    Empirical,
    EulerMaruyama,
    Evidence,
    Midpoint,
    Problem,
    Refusal,
    Truth,
    derive,
)
from transportkit.metrics.energies import NormalisedPathEnergy, PathEnergy
from transportkit.metrics.likelihood import LogLikelihood
from transportkit.metrics.straight_lines import Straightness

N = 300
LINES = (Straightness(), PathEnergy(), NormalisedPathEnergy())


def evidence(velocity: Any, dim: int = 2, truth: Truth | None = None) -> Evidence:
    x = torch.randn(N, dim, generator=derive(0, "start"), dtype=torch.float64)
    y = 2 * torch.randn(N, dim, generator=derive(0, "target"), dtype=torch.float64) + 1
    return Evidence(x, x, y, truth, Flow(velocity), RK4(20))


def test_straight_lines_are_straight_and_cost_their_displacement() -> None:
    given = evidence(lambda t, y: torch.full_like(y, 3.0), truth=Truth(cost=16.0))
    straight, energy, npe = (m.evaluate(given, derive(1)) for m in LINES)
    assert straight == pytest.approx(0, abs=1e-12)
    assert energy == pytest.approx(18)
    assert npe == pytest.approx(2 / 16)


def test_a_quarter_turn_costs_more_than_its_chord() -> None:
    def turn(t: Tensor, y: Tensor) -> Tensor:
        return math.pi / 2 * torch.stack([-y[:, 1], y[:, 0]], 1)

    given = evidence(turn)
    straight, energy, _ = (m.evaluate(given, derive(1)) for m in LINES)
    norm = float(given.start.square().sum(1).mean())
    # |v| = pi/2 |x| throughout, and the chord is sqrt(2) |x|.
    assert energy == pytest.approx(math.pi**2 / 4 * norm, rel=1e-3)
    assert straight == pytest.approx(math.pi**2 / 8 - 1, rel=1e-2)


def test_without_a_truth_the_least_cost_is_that_of_the_samples() -> None:
    given = evidence(lambda t, y: torch.ones_like(y), dim=1)
    sides = [side.sort(0).values for side in (given.start, given.target)]
    least = float((sides[0] - sides[1]).square().mean())
    value = NormalisedPathEnergy().evaluate(given, derive(1))
    assert value == pytest.approx(abs(1 - least) / least)


@pytest.mark.parametrize(("dim", "exact"), [(2, 16), (3, 1), (40, 16)])
def test_the_likelihood_of_a_gaussian_is_its_own(dim: int, exact: int) -> None:
    # x to 2 x + 1 along y' = log 2 (y - c) + ..., so that q is N(1, 4 I).
    rate = math.log(2)
    given = evidence(lambda t, y: rate * (y + 1), dim)
    y = given.target
    log_q = -((y - 1) / 2).square().sum(1) / 2 - dim * (math.log(2 * math.pi) / 2 + rate)
    value = LogLikelihood(exact=exact).evaluate(given, derive(1))
    assert value == pytest.approx(float(log_q.mean()) / dim, rel=1e-5)
    bits = LogLikelihood(exact=exact, unit="bits").evaluate(given, derive(1))
    assert bits == pytest.approx(value / math.log(2))


def test_hutchinson_estimates_the_divergence_of_any_field() -> None:
    def bent(t: Tensor, y: Tensor) -> Tensor:
        return (y.roll(1, 1) + 0.3 * y).tanh()

    given = evidence(bent, 4)
    exact, estimate = (LogLikelihood(exact=e).evaluate(given, derive(1)) for e in (4, 1))
    assert exact != estimate
    assert estimate == pytest.approx(exact, abs=0.03)


def test_the_likelihood_needs_a_source_of_known_density() -> None:
    normal, other = (Empirical(s) for s in (evidence(None).start, evidence(None).target))
    assert LogLikelihood().refuses(Problem(normal, other)) is None
    assert "N(0, I)" in (LogLikelihood().refuses(Problem(other, normal)) or "")


class Noisy(DiffusionField):
    """Brownian motion and no drift."""

    @property
    def config(self) -> Mapping[str, Any]:
        return {}

    def drift(self, t: Tensor, y: Tensor) -> Tensor:
        return torch.zeros_like(y)

    def noise(self, t: Tensor) -> Tensor:
        return torch.ones_like(t)

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return torch.zeros_like(y)


@pytest.mark.parametrize("metric", [*LINES, LogLikelihood()])
def test_what_has_no_lines_is_refused(metric: Any) -> None:
    x = torch.randn(N, 2, generator=derive(0))
    with pytest.raises(Refusal, match="no lines"):
        metric.evaluate(Evidence(x, x, x), derive(1))
    with pytest.raises(Refusal, match="noise"):
        metric.evaluate(Evidence(x, x, x, None, Noisy(), EulerMaruyama(5)), derive(1))
    followed = metric.evaluate(Evidence(x, x, x + 1, None, Noisy(), Midpoint(5)), derive(1))
    assert math.isfinite(followed)


def test_a_change_of_variables_outside_torch_is_refused() -> None:
    class Scaled(Flow):
        def lift(self, x: Tensor) -> Tensor:
            return torch.from_numpy(2 * x.cpu().numpy())

    given = evidence(lambda t, y: y)
    given = replace(given, model=Scaled(lambda t, y: y))
    with pytest.raises(Refusal, match="cannot be differentiated"):
        LogLikelihood().evaluate(given, derive(1))
