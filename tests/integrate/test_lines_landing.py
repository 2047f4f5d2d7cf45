"""Field lines between plates land exactly, at the order of their scheme."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator

from tests.toys import Between, Flow, cosine, helix, turned
from transportkit import Lines, Plate, Refusal, Stop

UP = Plate(start=0.0, end=1.0, offsets=(0.05, 0.05), reach=50.0)
DOWN = Plate(start=2.0, end=-0.7, offsets=(0.1, 0.02), reach=50.0)
ORDERS = [("heun2", 2), ("bosh3", 3), ("dopri5", 5)]


def points(count: int = 6, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(count, 2, dtype=dtype, generator=Generator().manual_seed(1))


@pytest.mark.parametrize(("scheme", "order"), ORDERS)
def test_landing_keeps_the_order(scheme, order, generator: Generator) -> None:
    x = points()
    exact = turned(x, UP.distance - sum(UP.offsets))
    errors = []
    # Steps that never divide the way, so that every landing is a part of a step.
    for step in (0.31, 0.31 / 2, 0.31 / 4):
        solution = Lines(scheme=scheme, step=step).solve(Between(helix, UP), x, generator)
        assert solution.arrived.all()
        errors.append((solution.end[:, :2] - exact).abs().max().item())
    measured = math.log2(errors[0] / errors[2]) / 2
    assert measured == pytest.approx(order, abs=0.5)


@pytest.mark.parametrize("scheme", ["heun2", "bosh3", "dopri5"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("plate", [UP, DOWN], ids=["up", "down"])
@pytest.mark.parametrize("step", [None, 0.2])
def test_lines_meet_the_surface_to_the_last_bit(scheme, dtype, plate, step, generator) -> None:
    sense = plate.sense
    field = Between(lambda y: sense * helix(y), plate)
    solution = Lines(scheme=scheme, step=step).solve(field, points(40, dtype), generator)
    assert solution.arrived.all()
    assert solution.end.dtype == dtype
    surface = torch.tensor(plate.end - sense * plate.offsets[1], dtype=dtype)
    assert all((met[:, -1] == surface).all() for met in field.met)
    assert (solution.end[:, -1] == plate.end).all()


@pytest.mark.parametrize(
    ("scheme", "tolerance"),
    [("heun2", 1e-2), ("heun2", 1e-4), ("bosh3", 1e-3), ("bosh3", 1e-5), ("dopri5", 1e-8)],
)
def test_adaptive_steps_meet_their_tolerance(scheme, tolerance, generator: Generator) -> None:
    x = points(20)
    solution = Lines(scheme=scheme, tolerance=tolerance).solve(Between(helix, UP), x, generator)
    error = (solution.end[:, :2] - turned(x, 0.9)).norm(dim=1).max()
    # What is bounded is a step's error over its length: a line of some length and few steps.
    assert error < 5 * tolerance
    assert solution.arrived.all()


def test_swapped_plates_carry_back(generator: Generator) -> None:
    x = points()
    solver = Lines(scheme="dopri5", tolerance=1e-9)
    field = Between(helix, UP)
    there = solver.solve(field, x, generator).end
    back = solver.solve(field.reverse(), field.drop(there), generator)
    assert torch.allclose(field.drop(back.end), x, atol=1e-7)
    assert (back.end[:, -1] == UP.start).all()


@pytest.mark.parametrize(
    ("scheme", "cost"),
    # Per step: heun2 evaluates its second stage and the next slope, the others all but the first.
    [("heun2", 2), ("bosh3", 3), ("dopri5", 6)],
)
def test_every_evaluation_is_counted(scheme, cost, generator: Generator) -> None:
    field = Between(lambda y: torch.tensor([[0.0, 0.0, 1.0]]).double().expand_as(y), UP)
    field.leaving, field.meeting = 5, 7
    solution = Lines(scheme=scheme, step=0.25).solve(field, points(3), generator)
    # From 0.05 to 0.95: three whole steps, one that crosses, and the same redone in z.
    stages = {"heun2": 2, "bosh3": 4, "dopri5": 7}[scheme]
    expected = 5 + 1 + 3 * cost + (stages - 1) + (stages - 1) + 7
    assert solution.evaluations.tolist() == [expected] * 3


def test_the_path_begins_on_the_source_plate_and_ends_at_the_end(generator: Generator) -> None:
    x = points()
    field = Between(helix, UP)
    solution = Lines(tolerance=1e-6).solve(field, x, generator, save=30)
    assert solution.path is not None
    assert solution.times is not None
    assert solution.path.shape == (30, 6, 3)
    assert torch.equal(solution.path[0], field.lift(x))
    assert torch.equal(solution.path[-1], solution.end)
    z = solution.path[..., 2]
    assert (z.diff(dim=0) > 0).all()
    assert torch.allclose(solution.times.diff(dim=0).std(0), torch.zeros(6).double(), atol=1e-12)
    # In between, the states lie near the line: x has turned by the height above the surface.
    angle = (z[10] - UP.offsets[0]).unsqueeze(1)
    exact = x * angle.cos() + torch.stack([-x[:, 1], x[:, 0]], 1) * angle.sin()
    assert torch.allclose(solution.path[10, :, :2], exact, atol=2e-2)


def test_one_line_does_not_depend_on_the_others_to_the_bit(generator: Generator) -> None:
    # The field rounds each row alike in any batch; a matrix product in a network need not.
    x = points(300)
    for solver in (Lines(), Lines(scheme="dopri5", tolerance=1e-7), Lines("heun2", step=0.07)):
        whole = solver.solve(Between(helix, UP), x, generator)
        for rows in ([0], [17], [5, 299, 3], list(range(100, 207))):
            part = solver.solve(Between(helix, UP), x[rows], generator)
            assert torch.equal(part.end, whole.end[rows])
            assert torch.equal(part.evaluations, whole.evaluations[rows])


def test_refusals_come_before_the_first_step(generator: Generator) -> None:
    class Untouchable(Between):
        def leave(self, y, generator):
            raise AssertionError("a line was started")

    near = Untouchable(helix, Plate(0.0, 30.0, (1e-3, 1e-6), 50.0))
    with pytest.raises(Refusal, match=r"too small for torch\.float32"):
        Lines().solve(near, points(3, torch.float32), generator)
    with pytest.raises(Refusal, match="tolerance"):
        Lines().with_evaluations(20)


def test_an_interval_is_refused(generator: Generator) -> None:
    field = Flow(cosine)
    with pytest.raises(Refusal, match="euler, midpoint, rk4 or dopri5"):
        Lines().solve(field, points(), generator)
    assert field.calls == 0


def test_no_lines(generator: Generator) -> None:
    solution = Lines().solve(Between(helix, UP), points(0), generator, save=3)
    assert solution.end.shape == (0, 3)
    assert solution.shares()[Stop.ARRIVED.label] == 0
