"""Lines between two opposite point charges, the field of which has a known invariant."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from tests.toys import Between, unit
from transportkit import Contact, Lines, Plate, Stop

PLATE = Plate(start=0.0, end=1.0, offsets=(0.05, 0.05), reach=1e4)


def dipole(y: Tensor) -> Tensor:
    """Charge +1 at (0, 0, 0), -1 at (0, 0, 1): E is the sum of their fields in D + 1 = 3."""
    up = torch.tensor([0.0, 0.0, 1.0], dtype=y.dtype)
    return unit(sum(s * v / (v * v).sum(1, keepdim=True) ** 1.5 for s, v in ((1, y), (-1, y - up))))


def flux(y: Tensor) -> Tensor:
    """cos a - cos b, a and b the polar angles seen from the charges: constant along a line."""
    up = torch.tensor([0.0, 0.0, 1.0], dtype=y.dtype)
    return unit(y)[:, 2] - unit(y - up)[:, 2]


class Dipole(Between):
    """The exact rule: a line ends where E points to the plate from both of its sides."""

    def __init__(self) -> None:
        super().__init__(dipole, PLATE, backwards=lambda y: torch.arange(len(y)) % 2 == 1)
        self.meeting = 2

    def meet(self, y: Tensor) -> Contact:
        at, height = y.clone(), torch.tensor(PLATE.offsets[0]).to(y)
        ends = []
        for plate in (PLATE.start, PLATE.end):
            at[:, -1] = plate - height
            below = dipole(at)[:, 2]
            at[:, -1] = plate + height
            ends.append((below > 0) & (dipole(at)[:, 2] < 0))
        arrived = ends[1] & (y[:, 2] > 0.5)
        plate = (y[:, 2] > 0.5).to(y)
        z = torch.where(arrived, plate, plate - (y[:, 2] - plate))
        self.met.append(y)
        return Contact(torch.cat([y[:, :-1], z[:, None]], 1), arrived, self.meeting)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("scheme", "tolerance"), [("bosh3", 1e-3), ("dopri5", 1e-5)])
def test_lines_of_a_dipole_all_arrive(scheme, tolerance, dtype, generator: Generator) -> None:
    # Within the capture radius of the offset, so that a line starts inside the source's cone.
    radius = torch.linspace(0.002, 0.06, 12, dtype=dtype)
    angle = torch.arange(12, dtype=dtype)
    x = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    field = Dipole()
    solution = Lines(scheme, tolerance=tolerance).solve(field, x, generator)
    left = field.leave(field.lift(x), generator).y
    assert set(solution.shares().items()) == {(s.label, float(s == Stop.ARRIVED)) for s in Stop}
    assert (solution.end[:, 2] == 1).all()
    # The azimuth is kept, and the last contact is on the line that was left.
    cross = solution.end[:, 0] * x[:, 1] - solution.end[:, 1] * x[:, 0]
    assert cross.abs().max() < 50 * tolerance
    last = torch.stack([torch.cat(field.met)[_last(field.met, e)] for e in solution.end])
    assert (flux(last) - flux(left)).abs().max() < 100 * tolerance


def _last(met: list[Tensor], end: Tensor) -> int:
    """The row of the contact nearest to where a line ended."""
    every = torch.cat(met)
    near = (every[:, 2] - 1).abs() < 0.1
    distance = (every[:, :2] - end[:2]).norm(dim=1)
    return int(torch.where(near, distance, torch.inf).argmin())
