"""What the torchdiffeq adapters promise for lines that fail."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor

from tests.toys import Flow, cosine
from transportkit import RK4, Dopri5, Euler, Midpoint, Refusal, Stop

X = torch.tensor([[1.0, 0.0], [0.5, 1.0], [0.25, 0.0]], dtype=torch.float64)


def poisoned(t: Tensor, y: Tensor) -> Tensor:
    """`cosine`, but nothing finite after t = 0.5 where the second coordinate is 1 at the start."""
    bad = (y[:, 1:] > 0) & (t > 0.5)[:, None]
    return torch.where(bad, math.nan, cosine(t, y))


@pytest.mark.parametrize("solver", [Euler(10), Midpoint(10), RK4(10), Dopri5()])
def test_a_line_that_is_not_finite_leaves_the_others_alone(solver, generator: Generator) -> None:
    together = solver.solve(Flow(poisoned), X, generator, save=3)
    healthy = torch.tensor([0, 2])
    apart = solver.solve(Flow(poisoned), X[healthy], generator)
    assert together.stop.tolist() == [Stop.ARRIVED, Stop.NOT_FINITE, Stop.ARRIVED]
    assert torch.equal(together.end[healthy], apart.end)
    assert together.end.isfinite().all()
    assert torch.equal(together.end[1], X[1])


def test_dopri5_counts_what_a_lost_line_cost_the_others(generator: Generator) -> None:
    field = Flow(poisoned)
    solution = Dopri5().solve(field, X, generator)
    alone = Dopri5().solve(Flow(poisoned), X[[0, 2]], generator)
    assert int(solution.evaluations[0]) == field.calls
    assert int(solution.evaluations[1]) == field.calls - int(alone.evaluations[0])


def test_a_start_that_is_not_finite_is_lost_alone(generator: Generator) -> None:
    x = X.clone()
    x[1] = math.nan
    for solver in (Euler(5), Dopri5()):
        solution = solver.solve(Flow(cosine), x, generator)
        assert solution.stop.tolist() == [Stop.ARRIVED, Stop.NOT_FINITE, Stop.ARRIVED]


def test_a_field_that_is_never_finite_loses_every_line(generator: Generator) -> None:
    field = Flow(lambda t, y: y * math.inf)
    for solver in (Euler(5), Dopri5()):
        solution = solver.solve(field, X, generator)
        assert set(solution.stop.tolist()) == {int(Stop.NOT_FINITE)}
        assert torch.equal(solution.end, X)


def test_dopri5_gives_a_batch_up_after_its_evaluations(generator: Generator) -> None:
    def jagged(t: Tensor, y: Tensor) -> Tensor:
        return torch.sin(1e4 * t)[:, None] * torch.ones_like(y)

    solution = Dopri5(rtol=1e-9, atol=1e-9, max_steps=100).solve(Flow(jagged), X, generator)
    assert solution.stop.tolist() == [Stop.STEP_LIMIT] * 3
    assert solution.evaluations.tolist() == [100] * 3
    assert torch.equal(solution.end, X)


def test_an_unreachable_tolerance_is_a_status(generator: Generator) -> None:
    def kink(t: Tensor, y: Tensor) -> Tensor:
        return torch.where(t[:, None] > 0.3, 1e12, 0.0).to(y) * torch.ones_like(y)

    x = X.float()
    solution = Dopri5(rtol=1e-9, atol=1e-9).solve(Flow(kink), x, generator)
    assert solution.stop.tolist() == [Stop.STEP_LIMIT] * 3


def test_dopri5_leaves_no_evaluations_to_choose() -> None:
    with pytest.raises(Refusal, match="euler, midpoint or rk4"):
        Dopri5().with_evaluations(50)


def test_shares_and_labels(generator: Generator) -> None:
    shares = Euler(10).solve(Flow(poisoned), X, generator).shares()
    assert shares["arrived"] == pytest.approx(2 / 3)
    assert shares["not finite"] == pytest.approx(1 / 3)
    assert sum(shares.values()) == pytest.approx(1)
    assert all(len(s.text) > 20 for s in Stop)
