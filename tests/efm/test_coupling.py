"""How exact lines pair samples: with fewer charges afar, ends by flux, and by assignment."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

from tests.efm.samples import eight, normal, ratio
from transportkit import Diverged, Empirical, Game, derive
from transportkit_efm.condensed import TOLERANCE
from transportkit_efm.coupling import (
    Ends,
    LineCoupling,
    assigned,
    drawn_ends,
    flux_shares,
    mean_ends,
)
from transportkit_efm.training import PooledGame


def coupling(p: Tensor, q: Tensor, ends: Ends) -> LineCoupling:
    return LineCoupling(p, q, Empirical(q), distance=None, offset=None, ends=ends)


def wide(n: int, dim: int, *purpose: str | int) -> Tensor:
    """Two Gaussians in many dimensions."""
    x = 0.5 * normal(n, dim, *purpose)
    x[:, 0] += 3 * torch.where(torch.arange(n) % 2 == 0, 1.0, -1.0)
    return x


@pytest.mark.parametrize(("dim", "shape"), [(2, (2,)), (12, (3, 4))])
def test_every_sample_is_assigned_equally_often(dim: int, shape: tuple[int, ...]) -> None:
    """In few dimensions and in many, with more lines than samples, in the shape of the data."""
    p, q = normal(300, dim, "p").view(-1, *shape), wide(150, dim, "q").view(-1, *shape)
    found = coupling(p, q, "assigned").pair(p, derive(3, "pair"))
    assert bool(found.arrived.all())
    _, counts = torch.unique(found.y, dim=0, return_counts=True)
    assert counts.tolist() == [2] * 150
    order = torch.cdist(found.x.flatten(1), p.flatten(1)).argmin(1)
    assert torch.equal(order.sort().values, torch.arange(300))


@pytest.mark.parametrize("dim", [12, 24])
def test_lines_from_spread_starts_carry_the_flux(dim: int) -> None:
    """By Gauss's law equally many lines end on each sample, at any offset: the expected number on
    each is 1, those on either of two groups are half of them, and their spread is the target's."""
    p, q = normal(800, dim, "p"), wide(800, dim, "q")
    made = coupling(p, q, "flux")
    found = made.pair(p, derive(3, "pair"))
    right = float((found.y[:, 0] > 0).double().mean())
    assert abs(right - 0.5) < 4 * math.sqrt(0.25 / 800)
    assert float(found.y[:, 1:].std() / q[:, 1:].std()) == pytest.approx(1, abs=0.04)


def test_lines_bring_points_nearer_to_their_partners() -> None:
    """In the plane the assignment has little left to do, and keeps the target."""
    p, q = normal(1000, 2, "p"), eight(1000, "q")
    found = coupling(p, q, "flux").pair(p, derive(3, "pair"))
    assert ratio(found.y[:800], eight) < 1.8
    way = float((found.y - found.x).square().sum(1).mean())
    chance = float((q[torch.randperm(1000, generator=derive(3, "r"))] - p).square().sum(1).mean())
    assert way < 0.65 * chance


def test_shares_are_those_of_the_poisson_kernel() -> None:
    """Two charges at distances 3 and 4, at height 1, in the plane: (10 / 17)^(-3/2) to 1."""
    charges = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    shares = flux_shares(torch.zeros(1, 2), charges, 1.0)[0]
    assert float(shares[0] / shares[1]) == pytest.approx((10 / 17) ** -1.5, rel=1e-5)
    ends = drawn_ends(torch.zeros(4000, 2), charges, 1.0, derive(3, "ends"))
    expected = float(shares[0] / shares.sum())
    deviation = math.sqrt(expected * (1 - expected) / 4000)
    assert abs(float((ends[:, 0] > 0).double().mean()) - expected) < 4 * deviation
    mean = mean_ends(torch.zeros(1, 2), charges, 1.0, derive(3, "ends"))
    torch.testing.assert_close(mean, (shares / shares.sum())[None] @ charges)


def test_an_assignment_undoes_a_small_displacement() -> None:
    q = wide(300, 3, "q")
    ends = q + 1e-4 * normal(300, 3, "move")
    assert torch.equal(assigned(ends, Empirical(q), derive(3, "pair")), q)


def test_cuts_cost_little_of_an_assignment() -> None:
    """With more ends than fit a group, and samples that are taken more than once."""
    q = wide(400, 2, "q")
    ends = wide(800, 2, "ends")
    found = assigned(ends, Empirical(q), derive(3, "pair"))
    _, counts = torch.unique(found, dim=0, return_counts=True)
    assert counts.tolist() == [2] * 400
    cost = torch.cdist(ends, q.repeat(2, 1)).square()
    least = float(cost[linear_sum_assignment(cost.numpy())].mean())
    assert float((found - ends).square().sum(1).mean()) < 1.5 * least


@pytest.mark.parametrize("dim", [2, 12])
def test_lines_hardly_notice_what_is_left_out_of_far_plates(dim: int) -> None:
    p, q = normal(1500, dim, "p"), wide(1500, dim, "q")
    field = coupling(p, q, "assigned").field
    assert field.condensed is not None
    for plate in field.condensed.plates:
        assert len(plate.parts[0].charges) == 1500
        assert len(plate.parts[-1].charges) < 250
    s = torch.linspace(0, 1, 200)
    x = field.passage.place(field.passage.relative(p[:200], 0 * s), s)
    y = torch.cat([x, field.passage.height(s)[:, None]], 1)[1:-1]
    error = (field.condensed.direction(y) - field.plates.direction(y)).norm(dim=1)
    assert 0 < float(error.square().mean().sqrt()) < TOLERANCE


class Lossy(PooledGame[None]):
    """Keeps what it is told to."""

    def __init__(self, good: Tensor) -> None:
        self.good = good

    players = Game.players
    model = Game.model
    loss = Game.loss

    def gather(self, generator: Generator) -> None:
        self.need(self.good, "field lines arrived")

    def pick(self, n: int, generator: Generator) -> None: ...


def test_examples_that_are_left_out_are_told(caplog: pytest.LogCaptureFixture) -> None:
    Lossy.__abstractmethods__ = frozenset()
    game = Lossy(torch.tensor([True, True, True, False]))
    game.start(5, torch.device("cpu"), derive(3, "start"))
    assert "3 of 4 field lines arrived" in caplog.text
    with pytest.raises(Diverged, match="0 of 4 field lines arrived, so there is nothing to train"):
        Lossy(torch.zeros(4, dtype=torch.bool)).gather(derive(3, "start"))
