"""The torchdiffeq adapters over an interval, against exact solutions."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Generator

from tests.toys import Flow, cosine
from transportkit import RK4, Dopri5, Euler, Integrator, IntervalField, Midpoint, Refusal, Stop

X = torch.tensor([[1.0, -2.0], [0.5, 3.0], [0.0, 1.0]], dtype=torch.float64)
EXACT = X * math.exp(math.sin(1.0))
FIXED = [(Euler, 1, 1), (Midpoint, 2, 2), (RK4, 4, 4)]


@pytest.mark.parametrize(("scheme", "order", "stages"), FIXED)
def test_fixed_steps_converge_at_their_order(scheme, order, stages, generator: Generator) -> None:
    errors = []
    for steps in (8, 16, 32):
        end = scheme(steps=steps).solve(Flow(cosine), X, generator).end
        errors.append((end - EXACT).abs().max().item())
    measured = [math.log2(a / b) for a, b in pairwise(errors)]
    assert measured[-1] == pytest.approx(order, abs=0.25)


@pytest.mark.parametrize(("scheme", "order", "stages"), FIXED)
def test_fixed_steps_cost_steps_times_stages(scheme, order, stages, generator: Generator) -> None:
    solution = scheme(steps=7).solve(Flow(cosine), X, generator)
    assert solution.evaluations.tolist() == [7 * stages] * 3
    assert solution.stop.tolist() == [int(Stop.ARRIVED)] * 3
    assert solution.path is None
    assert solution.times is None


@pytest.mark.parametrize(("scheme", "order", "stages"), FIXED)
def test_with_evaluations_spends_what_it_was_given(scheme, order, stages, generator) -> None:
    for nfe in (stages, 11, 50):
        solver = scheme(steps=3).with_evaluations(nfe)
        spent = int(solver.solve(Flow(cosine), X, generator).evaluations[0])
        assert nfe - stages < spent <= nfe
    with pytest.raises(Refusal, match=f"at least {stages} evaluations"):
        scheme().with_evaluations(stages - 1)


def test_evaluations_are_counted_in_the_solve_not_on_the_model(generator: Generator) -> None:
    inner_counts = []
    shared = Flow(cosine)

    class Nested(Flow):
        """A field that solves with the shared model while it is itself being solved."""

        def forward(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            inner = Euler(steps=3).solve(shared, y, generator)
            inner_counts.append(inner.evaluations.tolist())
            return shared(t, y)

    outer = RK4(steps=5).solve(Nested(cosine), X, generator)
    assert outer.evaluations.tolist() == [20] * 3
    assert inner_counts == [[3] * 3] * 20
    assert shared.calls == 80


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-9])
def test_dopri5_meets_its_tolerance(tolerance: float, generator: Generator) -> None:
    field = Flow(cosine)
    solution = Dopri5(rtol=tolerance, atol=tolerance).solve(field, X, generator)
    assert (solution.end - EXACT).abs().max() < 50 * tolerance
    assert solution.evaluations.tolist() == [field.calls] * 3


@pytest.mark.parametrize("solver", [Euler(2000), Midpoint(50), RK4(20), Dopri5(1e-6, 1e-6)])
def test_a_reversed_interval_goes_back(solver: Integrator, generator: Generator) -> None:
    field = Flow(cosine)
    there = solver.solve(field, X, generator).end
    back = solver.solve(field.reverse(), there, generator).end
    assert (back - X).abs().max() < 3e-3
    assert (there - X).abs().max() > 1
    assert field.reverse().reverse() is field


@pytest.mark.parametrize("solver", [Euler(10), RK4(10), Dopri5(1e-8, 1e-8)])
def test_save_keeps_states_at_equal_times(solver: Integrator, generator: Generator) -> None:
    solution = solver.solve(Flow(cosine), X, generator, save=5)
    assert solution.times is not None
    assert solution.path is not None
    assert solution.times.shape == (5, 3)
    assert solution.times[:, 1].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert torch.equal(solution.path[0], X)
    assert torch.equal(solution.path[-1], solution.end)
    assert torch.equal(solution.end, solver.solve(Flow(cosine), X, generator).end)
    if isinstance(solver, Dopri5):
        middle = X * math.exp(math.sin(0.5))
        assert torch.allclose(solution.path[2], middle, atol=1e-6)


def test_any_event_shape_and_float32_are_carried(generator: Generator) -> None:
    images = torch.randn(2, 3, 4, 4, generator=generator)
    solution = Euler(4).solve(Flow(lambda t, y: torch.ones_like(y)), images, generator)
    assert solution.end.dtype == torch.float32
    assert torch.allclose(solution.end, images + 1)


@pytest.mark.parametrize("wrong", [1, -1])
def test_save_refuses_what_is_no_path(wrong: int, generator: Generator) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        Euler().solve(Flow(cosine), X, generator, save=wrong)


@pytest.mark.parametrize("solver", [Euler(3), RK4(3), Dopri5()])
def test_no_lines_take_no_evaluations(solver: Integrator, generator: Generator) -> None:
    field = Flow(cosine)
    solution = solver.solve(field, X[:0], generator, save=4)
    assert solution.end.shape == (0, 2)
    assert solution.path is not None
    assert solution.path.shape == (4, 0, 2)
    assert field.calls == 0


def test_gradients_are_not_recorded(generator: Generator) -> None:
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    end = Euler(2).solve(Flow(lambda t, y: weight * y), X, generator).end
    assert not end.requires_grad


def test_a_refused_span_costs_no_evaluation(generator: Generator) -> None:
    class Unserved(Euler):
        def refuses(self, span: object) -> str:
            return "no such span"

    field: IntervalField = Flow(cosine)
    with pytest.raises(Refusal, match="no such span"):
        Unserved().solve(field, X, generator)
    assert field.calls == 0
