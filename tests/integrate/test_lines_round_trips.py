"""Field lines that pass the far plate, turn, return from behind, graze, leave or fail."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor

from tests.toys import Between, circles, unit
from transportkit import Lines, Plate, Stop

PLATE = Plate(start=0.0, end=1.0, offsets=(0.05, 0.05), reach=20.0)
SCHEMES = ["heun2", "bosh3", "dopri5"]


def column(*x: float) -> Tensor:
    return torch.tensor(x, dtype=torch.float64)[:, None]


def over_the_top() -> Between:
    """Circles about (0, 1), up through the far plate on their left and down from behind it."""
    return Between(circles((0.0, 1.0)), PLATE, arrives=lambda y: y[:, 0] > 0)


@pytest.mark.parametrize(
    ("scheme", "tolerance"), [("heun2", 1e-3), ("bosh3", 1e-5), ("dopri5", 1e-8)]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_lines_pass_the_plate_and_arrive_from_behind(scheme, tolerance, dtype, generator) -> None:
    x = -torch.linspace(0.5, 8, 9, dtype=dtype)[:, None]
    field = over_the_top()
    tolerance = max(tolerance, 1e-5) if dtype == torch.float32 else tolerance
    solution = Lines(scheme, tolerance=tolerance).solve(field, x, generator, save=9)
    assert solution.arrived.all()
    # The circle through where the line left, z = 0.05, met again at z = 1.05; passing straight
    # through from 0.95 to 1.05 at one x keeps to the circle.
    landing = (x[:, 0] ** 2 + 0.95**2 - 0.05**2).sqrt()
    assert torch.allclose(solution.end[:, 0], landing, atol=100 * tolerance)
    assert (solution.end[:, 1] == 1).all()
    front, back = torch.tensor([0.95, 1.05], dtype=dtype)
    heights = torch.cat(field.met)[:, 1]
    assert ((heights == front) | (heights == back)).all()
    assert int((heights == back).sum()) == 9


def test_lines_that_leave_backwards_run_round(generator: Generator) -> None:
    # Circles about (3, 0.5): from the left down behind the source, through the plane of its plate
    # on the right, and up to the target.
    field = Between(
        lambda y: -circles((3.0, 0.5))(y),
        PLATE,
        backwards=lambda y: y[:, 0] < 3,
        arrives=lambda y: y[:, 1] > 0.5,
    )
    solution = Lines("dopri5", tolerance=1e-9).solve(field, column(0.0, 1.0), generator)
    # Back at z = -0.05 the line is as far on the right; it passes straight up to z = 0.05, from
    # where the circle is met again at z = 0.95.
    right = torch.tensor([6.0, 5.0], dtype=torch.float64)
    assert solution.arrived.all()
    assert torch.allclose(solution.end[:, 0], right, atol=1e-6)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("step", [None, 0.02])
def test_shallow_arches_over_the_plate_come_back(scheme, step, generator: Generator) -> None:
    # Straight up to the plate, and from behind it over an arch as wide as 2 x and as steep as x,
    # down to one whose height is nothing in float64.
    def arched(y: Tensor) -> Tensor:
        up = torch.tensor([0.0, 1.0], dtype=y.dtype)
        return torch.where(y[:, 1:] < 1, up, circles((0.0, 0.5))(y))

    x = -torch.tensor([1.0, 0.1, 1e-2, 1e-3, 1e-5, 1e-8], dtype=torch.float64)[:, None]
    field = Between(arched, PLATE, arrives=lambda y: (y[:, 1] > 1) & (y[:, 0] > -1e-7))
    tolerance = {"heun2": 1e-3, "bosh3": 1e-4, "dopri5": 1e-7}[scheme]
    solver = Lines(scheme, tolerance=tolerance, step=step, max_steps=500)
    solution = solver.solve(field, x, generator)
    assert solution.arrived.all()
    assert int(solution.evaluations.max()) < 2000
    assert torch.allclose(solution.end[1:, 0], -x[1:, 0], atol=3e-3 if step else 10 * tolerance)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("step", [None, 0.3])
def test_tangents_of_the_surface_end_with_a_status(scheme, step, generator: Generator) -> None:
    # Circles whose tops lie below, almost on and above the front surface of the plate.
    above = torch.tensor([-1e-1, -1e-3, -1e-9, 0.0, 1e-9, 1e-3, 1e-1], dtype=torch.float64)
    x = -((0.65 + above) ** 2 - 0.25**2).sqrt()[:, None]
    field = Between(circles((0.0, 0.3)), PLATE, arrives=lambda y: y[:, 1] > 0.5)
    tolerance = {"heun2": 1e-3, "bosh3": 1e-4, "dopri5": 1e-7}[scheme]
    settings = Lines(scheme, tolerance=tolerance, step=step, max_steps=300)
    solution = settings.solve(field, x, generator)
    assert solution.end.isfinite().all()
    assert set(solution.stop.tolist()) <= {int(Stop.ARRIVED), int(Stop.STEP_LIMIT)}
    if step is None:
        assert int(solution.stop[0]) == Stop.STEP_LIMIT
        assert int(solution.stop[-1]) == Stop.ARRIVED


def test_lines_that_leave_the_box_say_so(generator: Generator) -> None:
    aside = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    field = Between(lambda y: aside[(y[:, 0] > 0).long()], PLATE)
    solution = Lines(step=0.5).solve(field, column(-1.0, 1.0), generator)
    assert solution.stop.tolist() == [Stop.ARRIVED, Stop.LEFT_BOX]
    assert 20 < solution.end[1, 0] <= 20.5


def test_a_line_that_never_arrives_uses_up_its_steps(generator: Generator) -> None:
    aside = torch.tensor([1.0, 0.0], dtype=torch.float64)
    field = Between(lambda y: aside.expand_as(y), PLATE)
    solution = Lines(step=0.1, max_steps=37).solve(field, column(-0.2, 2.0), generator)
    assert int(solution.stop[0]) == Stop.STEP_LIMIT
    # One slope at the start, then three stages a step.
    assert int(solution.evaluations[0]) == 1 + 37 * 3


@pytest.mark.parametrize("step", [None, 0.1])
def test_a_field_that_is_not_finite_stops_its_line_alone(step, generator: Generator) -> None:
    def holed(y: Tensor) -> Tensor:
        up = unit(torch.stack([0.1 * torch.ones_like(y[:, 0]), torch.ones_like(y[:, 0])], 1))
        hole = (y[:, 0] > 1) & (y[:, 1] > 0.5)
        return torch.where(hole[:, None], math.nan, up)

    x = column(0.0, 2.0, math.nan, 0.5)
    solution = Lines(step=step).solve(Between(holed, PLATE), x, generator, save=4)
    apart = Lines(step=step).solve(Between(holed, PLATE), x[[0, 3]], generator)
    assert solution.stop.tolist() == [Stop.ARRIVED, Stop.NOT_FINITE, Stop.NOT_FINITE, Stop.ARRIVED]
    assert torch.equal(solution.end[[0, 3]], apart.end)
    # It stands at its last finite state, at most a step before the hole.
    assert solution.end[1].isfinite().all()
    assert 0.5 - (step or 1e-5) < solution.end[1, 1] <= 0.5
    assert solution.path is not None
    assert solution.path[:, [0, 1, 3]].isfinite().all()


def test_a_contact_that_is_not_finite_is_a_status(generator: Generator) -> None:
    class Bad(Between):
        def meet(self, y: Tensor):
            contact = super().meet(y)
            contact.y[0] = math.nan
            return contact

    up = Bad(lambda y: unit(torch.ones_like(y)), PLATE)
    solution = Lines(step=0.2).solve(up, column(0.0, 1.0), generator)
    assert solution.stop.tolist() == [Stop.NOT_FINITE, Stop.ARRIVED]
    assert solution.end.isfinite().all()


def test_a_field_with_a_jump_beyond_the_plate_is_landed_on(generator: Generator) -> None:
    # As at a charged plate: beyond it the field points back.
    def facing(y: Tensor) -> Tensor:
        up = torch.stack([0.3 * torch.ones_like(y[:, 0]), (1 - y[:, 1]).sign()], 1)
        return unit(up)

    x = column(*torch.linspace(-3, 3, 50).tolist())
    for solver in (Lines(), Lines(step=0.3), Lines("dopri5", tolerance=1e-6)):
        solution = solver.solve(Between(facing, PLATE), x, generator)
        assert solution.arrived.all()
        assert torch.allclose(solution.end[:, 0], x[:, 0] + 0.27, atol=1e-3)


def test_a_field_may_carry_a_far_line_on_at_once(generator: Generator) -> None:
    class Leaping(Between):
        def leap(self, y: Tensor, slope: Tensor) -> Tensor:
            mirrored = torch.stack([-y[:, 0], y[:, 1]], 1)
            lost = torch.full_like(y, math.nan)
            far = (y[:, 1:] > 3) & (slope[:, 1:] > 0)
            there = torch.where(y[:, :1] > -1, lost, mirrored)
            return torch.where(far, there, y)

    # Up on the left without end and down on the right, so that a line comes back by a leap only.
    def columns(y: Tensor) -> Tensor:
        return torch.stack([torch.zeros_like(y[:, 0]), -y[:, 0].sign()], 1)

    field = Leaping(columns, PLATE, arrives=lambda y: y[:, 0] > 0)
    solution = Lines(max_steps=200).solve(field, column(-2.0, -0.5), generator, save=9)
    assert solution.stop.tolist() == [Stop.ARRIVED, Stop.LEFT_BOX]
    assert solution.end[0].tolist() == [2.0, 1.0]
    assert solution.path is not None
    assert solution.path.isfinite().all()
    assert solution.path[:, 0, 1].max() > 3
