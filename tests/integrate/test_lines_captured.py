"""Lines that end where the field captures them, and lines that it gives up."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.toys import Between, circles, helix
from transportkit import Contact, Lines, Midpoint, Plate, Refusal, Stop

FREE = Plate(start=0.0, end=1.0, offsets=(0.05, 0.05), reach=50.0, surfaces=False)


class Pit(Between):
    """Circles about (2, 0) that end where x passes `edge`, on its line."""

    def __init__(self, edge: float) -> None:
        super().__init__(circles((2.0, 0.0)), FREE)
        self.edge = edge

    def capture(self, y: Tensor) -> Contact:
        inside = y[:, 0] > self.edge
        end = torch.stack([torch.full_like(y[:, 0], 10.0), y[:, 1]], 1)
        return Contact(torch.where(inside[:, None], end, y), inside, 3)


def test_lines_cross_plates_without_surfaces_and_end_where_they_are_captured(generator) -> None:
    x = torch.linspace(-2, 0.5, 7).double()[:, None]
    # Radii 1.5 to 4 reach above z = 1, the target plate, and come down across it.
    field = Pit(edge=3.0)
    solution = Lines(tolerance=1e-4).solve(field, x, generator, save=50)
    assert solution.arrived.all()
    assert (solution.end[:, 0] == 10).all()
    assert not field.met
    assert solution.path is not None
    assert float(solution.path[..., 1].max()) > 1
    assert torch.equal(solution.path[-1], solution.end)


def test_the_evaluations_of_a_capture_are_counted(generator) -> None:
    x = torch.zeros(1, 1).double()
    one = Lines(step=0.1).solve(Pit(3.0), x, generator)
    # The first slope; three stages and the three of the capture for every step.
    assert one.evaluations.item() > 1
    assert (one.evaluations.item() - 1) % 6 == 0


def test_a_field_may_give_up_lines_that_meet_a_plate(generator) -> None:
    class Tired(Between):
        def meet(self, y: Tensor) -> Contact:
            met = super().meet(y)
            odd = torch.arange(len(y)) % 2 == 1
            return Contact(met.y, met.arrived & ~odd, met.evaluations, odd)

    field = Tired(
        lambda y: torch.tensor([[0.0, 1.0]]).double().expand_as(y), Plate(0, 1, (0.1, 0.1), 9)
    )
    solution = Lines().solve(field, torch.zeros(4, 1).double(), generator)
    assert solution.stop.tolist() == [int(Stop.ARRIVED), int(Stop.STEP_LIMIT)] * 2


def test_steps_in_height_are_refused_without_surfaces(generator) -> None:
    with pytest.raises(Refusal, match="charges"):
        Midpoint(steps=3).solve(Pit(3.0), torch.zeros(1, 1).double(), generator)


def test_reversed_plates_keep_that_they_have_no_surfaces() -> None:
    assert not FREE.reversed().surfaces


class Careful(Between):
    """A field whose lines may take no long steps."""

    def pace(self, y: Tensor) -> Tensor:
        return torch.full_like(y[:, 0], 0.05)


def test_no_step_is_longer_than_the_field_lets_it_be(generator) -> None:
    plate = Plate(start=0.0, end=1.0, offsets=(0.05, 0.05), reach=50.0)
    x = torch.randn(8, 2, generator=generator)
    taken = []
    for field in (Between(helix, plate), Careful(helix, plate)):
        solution = Lines().solve(field, x, generator)
        assert solution.arrived.all()
        taken.append(float(solution.evaluations.float().mean()))
    # At least 0.9 of height in steps of 0.05, of three evaluations each.
    assert taken[1] >= 3 * 0.9 / 0.05 > 2 * taken[0]
