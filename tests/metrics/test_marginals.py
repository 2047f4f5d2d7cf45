"""One coordinate that is wrong among many."""

from __future__ import annotations

import pytest
import torch

from transportkit import Evidence, derive
from transportkit.metrics.coordinates import Marginals
from transportkit.metrics.energy_distance import EnergyDistance


def value(a: torch.Tensor, b: torch.Tensor) -> float:
    return Marginals().distance(a, b, derive(0))


def remark(a: torch.Tensor, b: torch.Tensor) -> str:
    return Marginals().remark(Evidence(a, a, b), derive(0))


@pytest.fixture
def points() -> torch.Tensor:
    return torch.randn(500, 3, generator=derive(0, "points")) * torch.tensor([1e-3, 1.0, 1e3])


def test_a_shift_counts_in_standard_deviations_of_its_coordinate(points: torch.Tensor) -> None:
    assert value(points, points) == 0
    moved = points.clone()
    moved[:, 0] += 5e-4
    deviation = float(points[:, 0].std(correction=0))
    assert value(moved, points) == pytest.approx(5e-4 / deviation, rel=0.01)
    assert remark(moved, points) == "largest in coordinate 1 of 3"


def test_shapes_and_sizes(points: torch.Tensor) -> None:
    images = points[:, :, None].expand(500, 3, 4).clone()
    moved = images[:250].clone()
    moved[:, 1, 2] += 9
    assert remark(moved, images) == "largest in coordinate (2, 3) of (3, 4)"
    deviation = float(points[:, 1].std(correction=0))
    assert value(moved, images) == pytest.approx(9 / deviation, rel=0.1)
    assert remark(points[:, :1], points[:, :1]) == ""


def test_where_the_target_is_constant_the_other_coordinates_are_the_unit() -> None:
    b = torch.randn(500, 4, generator=derive(0, "points"))
    b[:, 2] = 0
    a = b.clone()
    a[:, 2] = 0.1
    assert value(a, b) == pytest.approx(0.1 / (3 / 4) ** 0.5, rel=0.1)
    assert value(torch.ones(9, 2), torch.ones(9, 2)) == 0


def test_one_shrunk_coordinate_of_fifty_is_seen() -> None:
    a, b, c = (torch.randn(2000, 50, generator=derive(0, "points", i)) for i in range(3))
    shrunk = a.clone()
    shrunk[:, 6] *= 0.7
    assert value(shrunk, b) > 2 * value(c, b)
    assert remark(shrunk, b) == "largest in coordinate 7 of 50"
    energy = EnergyDistance()
    assert energy.distance(shrunk, b, derive(0)) < 1.3 * energy.distance(c, b, derive(0))
