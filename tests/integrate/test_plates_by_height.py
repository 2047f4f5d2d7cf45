"""Plate fields followed by their height, through torchdiffeq, where lines rise all the way."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Generator

from tests.toys import Between, circles, helix, turned
from transportkit import RK4, Dopri5, Euler, Plate, Stop

UP = Plate(start=0.0, end=1.0, offsets=(0.05, 0.05), reach=50.0)
UNLIKE = Plate(start=0.0, end=1.0, offsets=(0.03, 0.07), reach=50.0)
X = torch.randn(5, 2, dtype=torch.float64, generator=Generator().manual_seed(1))
EXACT = turned(X, 0.9)


def test_rk4_converges_at_order_four(generator: Generator) -> None:
    errors = []
    for steps in (2, 4, 8):
        solution = RK4(steps=steps).solve(Between(helix, UP), X, generator)
        assert solution.arrived.all()
        errors.append((solution.end[:, :2] - EXACT).abs().max().item())
    assert [math.log2(a / b) for a, b in pairwise(errors)][-1] == pytest.approx(4, abs=0.3)


def test_dopri5_meets_its_tolerance_on_either_sense(generator: Generator) -> None:
    solver = Dopri5(rtol=1e-8, atol=1e-8)
    field = Between(helix, UNLIKE)
    there = solver.solve(field, X, generator)
    assert (there.end[:, :2] - EXACT).abs().max() < 1e-6
    assert (there.end[:, 2] == 1).all()
    back = solver.solve(field.reverse(), field.drop(there.end), generator)
    assert (back.end[:, :2] - X).abs().max() < 1e-6
    assert (back.end[:, 2] == 0).all()


def test_leaving_and_meeting_are_counted(generator: Generator) -> None:
    field = Between(helix, UP)
    field.leaving, field.meeting = 5, 7
    assert RK4(steps=3).solve(field, X, generator).evaluations.tolist() == [24] * 5


@pytest.mark.parametrize("solver", [RK4(200), Dopri5(1e-8, 1e-8)])
def test_lines_that_turn_are_reported(solver, generator: Generator) -> None:
    # Circles about (0, 0.2): those from x = -2 and -1.5 rise to the plate, the others turn.
    x = torch.tensor([[-2.0], [-0.3], [-1.5], [1.0], [3.0]], dtype=torch.float64)
    field = Between(circles((0.0, 0.2)), UP, backwards=lambda y: y[:, 0] == 3)
    solution = solver.solve(field, x, generator, save=6)
    assert solution.stop.tolist() == [0, Stop.TURNED, 0, Stop.TURNED, Stop.TURNED]
    exact = -(x[[0, 2], 0] ** 2 + 0.15**2 - 0.75**2).sqrt()
    assert torch.allclose(solution.end[[0, 2], 0], exact, atol=1e-5)
    # A lost line stands where it was: at its top, at its start, behind its start.
    radius = math.hypot(0.3, 0.15)
    assert solution.end[1, 1] < 0.2 + radius + 0.02
    assert torch.allclose(solution.end[3], torch.tensor([1.0, 0.05], dtype=torch.float64))
    assert torch.allclose(solution.end[4], torch.tensor([3.0, -0.05], dtype=torch.float64))
    assert solution.path is not None
    assert solution.path.isfinite().all()
    assert torch.equal(solution.path[0], field.lift(x))
    assert torch.equal(solution.path[-1], solution.end)
    assert (solution.path[:, 0, 1].diff() > 0).all()
    # Only lines that reached the surface ahead are asked whether they arrived.
    assert torch.cat(field.met)[:, 1].tolist() == [0.95, 0.95]


def test_a_line_that_passes_the_plate_has_not_arrived(generator: Generator) -> None:
    field = Between(helix, UP, arrives=lambda y: y[:, 0] > 0)
    solution = Euler(steps=20).solve(field, X, generator)
    assert 0 < int(solution.arrived.sum()) < 5
    assert set(solution.stop.tolist()) == {int(Stop.ARRIVED), int(Stop.TURNED)}
    assert (solution.end[~solution.arrived, 2] == 0.95).all()
