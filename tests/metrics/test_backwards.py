"""The way back, judged on shifts, whose ways there and back are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor

from transportkit import Evidence, IntervalField, Law, Problem, Refusal, derive
from transportkit.harness.floors import measure
from transportkit.integrate.ode import Midpoint
from transportkit.integrate.sde import EulerMaruyama
from transportkit.metrics.backwards import Reverse, RoundTrip
from transportkit.metrics.exact import W2

SHIFT, WIDE = 3.0, 10.0


class Shift(IntervalField):
    """x + shift, reached by equal velocity."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = shift

    @property
    def config(self) -> dict[str, float]:
        return {"shift": self.shift}

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return torch.full_like(y, self.shift)


def normal(scale: float, mean: float = 0.0) -> Law:
    def draw(n: int, generator: Generator) -> Tensor:
        return mean + scale * torch.randn(n, 1, generator=generator)

    return Law(draw, (1,))


def evidence(shift: float) -> Evidence:
    """Points of N(0, 1) and of N(SHIFT, 1), and a model that shifts by so much."""
    x = normal(1.0).sample(400, derive(0, "start"))
    y = normal(1.0, SHIFT).sample(400, derive(0, "target"))
    return Evidence(x, x + shift, y, model=Shift(shift), integrator=Midpoint(2))


def test_points_carried_back_miss_the_source_by_the_error_of_the_shift() -> None:
    for error in (0.0, 2.0):
        right = evidence(SHIFT + error)
        value = Reverse(of="w2").evaluate(right, derive(0, "metric"))
        carried = right.target - SHIFT - error
        assert value == pytest.approx(W2().distance(carried, right.start, derive(0)), rel=1e-5)
        assert value == pytest.approx(error, abs=0.2)


def test_its_floor_is_between_samples_of_the_source() -> None:
    problem = Problem(normal(WIDE), normal(1.0))
    there, back = (measure(problem, metric, 200).mean for metric in (W2(), Reverse(of="w2")))
    assert back / there == pytest.approx(WIDE, rel=0.5)


def test_a_round_trip_is_in_units_of_the_source() -> None:
    there_and_back = evidence(SHIFT)
    assert RoundTrip().evaluate(there_and_back, derive(0)) == pytest.approx(0, abs=1e-6)
    # Points that another model moved by 1 more come back beside their start.
    other = evidence(SHIFT)
    astray = Evidence(other.start, other.moved + 1, other.target, None, other.model, Midpoint(2))
    spread = float(other.start.std(correction=0))
    assert RoundTrip().evaluate(astray, derive(0)) == pytest.approx(1 / spread, rel=1e-5)
    still = Evidence(
        torch.ones(5, 1), torch.ones(5, 1), torch.ones(5, 1), None, Shift(1), Midpoint(2)
    )
    assert RoundTrip().evaluate(still, derive(0)) == math.inf


@pytest.mark.parametrize("metric", [Reverse(), RoundTrip()])
def test_what_does_not_go_back_is_refused(metric: Reverse | RoundTrip) -> None:
    x = torch.zeros(4, 1)
    with pytest.raises(Refusal, match="not at hand"):
        metric.evaluate(Evidence(x, x, x), derive(0))
    with pytest.raises(Refusal, match="needs a field with a stochastic equation"):
        metric.evaluate(Evidence(x, x, x, None, Shift(1.0), EulerMaruyama(2)), derive(0))
