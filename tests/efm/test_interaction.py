"""Interaction fields: the flux of tubes, their sum, and what its lines carry."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.efm.samples import eight, normal, ratio
from transportkit import Budget, Empirical, Lines, Midpoint, Problem, Transport, derive
from transportkit_efm import IfmParams
from transportkit_efm.interaction import Ifm, InteractionPlates
from transportkit_efm.tubes import Profile, tube_field

PROFILES = [Profile(0.3, 0.5), Profile(1.0, 0.1)]
A, B = torch.tensor([[-1.0, 0.5]]).double(), torch.tensor([[2.0, -1.0]]).double()
SMALL = IfmParams(steps=200, together=64, width=64, batch=256, lr=5e-3)


class ExactTubes(InteractionPlates):
    """The same plates, joined by the tubes of given pairs."""

    pairs: tuple[Tensor, Tensor]
    profile = Profile(0.3, 0.5)

    def slope(self, x: Tensor, t: Tensor) -> Tensor:
        return tube_field(x, t, *self.pairs, self.profile).slope


def exact(source: Tensor, target: Tensor, gap: float = 6.0) -> ExactTubes:
    field = ExactTubes(tuple(source.shape[1:]), gap=gap, width=4, depth=1)
    field.pairs = source, target
    return field


def grid(t: float, half: float = 7.0, n: int = 281) -> tuple[Tensor, Tensor, float]:
    """Points of the plane at t, and the area of one."""
    side = torch.linspace(-half, half, n).double()
    x = torch.cartesian_prod(side, side)
    return x, torch.full((len(x),), t).double(), float(side[1] - side[0]) ** 2


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("t", [0.06, 0.3, 0.5, 0.9])
def test_the_flux_of_a_pair_is_one_through_every_plane(profile: Profile, t: float) -> None:
    x, times, area = grid(t)
    flux = tube_field(x, times, A, B, profile).log_flux.exp()
    assert float(flux.sum() * area) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("profile", PROFILES)
def test_no_flux_leaves_a_closed_surface_without_charges(profile: Profile) -> None:
    """A box across the tube, which flux enters and leaves through every face."""
    low, high, n = -0.3, 0.4, 200
    t0, t1 = 0.3, 0.6
    mid = torch.linspace(low, high, n + 1).double()
    mid = (mid[1:] + mid[:-1]) / 2
    rise = torch.linspace(t0, t1, n + 1).double()
    rise = (rise[1:] + rise[:-1]) / 2
    cell, wall = ((high - low) / n) ** 2, (high - low) / n * (t1 - t0) / n

    def flux(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        field = tube_field(x, t, A, B, profile)
        density = field.log_flux.exp()
        return density, density[:, None] * field.slope

    floor = torch.cartesian_prod(mid, mid)
    through = [
        float(flux(floor, torch.full((n * n,), t).double())[0].sum()) * cell for t in (t0, t1)
    ]
    total = through[1] - through[0]
    for axis in (0, 1):
        for place, outwards in ((low, -1), (high, 1)):
            across, t = torch.cartesian_prod(mid, rise).T
            at = torch.full_like(across, place)
            x = torch.stack([at, across] if axis == 0 else [across, at], 1)
            total += outwards * float(flux(x, t)[1][:, axis].sum()) * wall
    assert max(through) > 0.02
    assert abs(total) < 1e-4


def test_a_line_of_a_pair_begins_and_ends_at_its_charges() -> None:
    """x = m(z) + c s(z): every line that leaves the one arrives at the other."""
    field = exact(A, B).double()
    offset = field.profile.at(torch.tensor(0.01))[0]
    x = A + offset * normal(50, 2, "c").double()
    moved = Transport(field, Lines(tolerance=1e-6)).push(x, derive(3, "push"), save=9)
    assert moved.finished == 1
    assert (moved.points - B).norm(dim=1).max() < 8 * offset
    # Forwards only.
    assert (moved.path[1:, :, -1] - moved.path[:-1, :, -1]).min() > 0
    inside = moved.path[2:-2]
    t = inside[..., -1] / field.gap
    away = inside[..., :-1] - torch.lerp(A, B, t[..., None])
    shape = away / field.profile.at(t)[0][..., None]
    # Between the steps that were taken a path is drawn straight.
    torch.testing.assert_close(shape, shape[:1].expand_as(shape), atol=2e-3, rtol=2e-3)


M = torch.tensor([2.0, -1.0])


def gaussian_slope(x: Tensor, t: Tensor, profile: Profile) -> Tensor:
    """For P = N(0, I) and Q = N(m, I / 4) paired independently the field at t is N(t m, v I), with
    v = (1 - t)^2 + t^2 / 4 + s^2, and its slope m + (x - t m) v' / 2v."""
    s, rate = profile.at(t)
    v = (1 - t).square() + t.square() / 4 + s.square()
    dv = -2 * (1 - t) + t / 2 + 2 * s * rate
    return M + (x - t[:, None] * M) * (dv / (2 * v))[:, None]


class GaussianTubes(InteractionPlates):
    """Plates with that field."""

    def slope(self, x: Tensor, t: Tensor) -> Tensor:
        return gaussian_slope(x, t, PROFILES[0])


def test_the_slope_of_gaussians_is_that_of_the_sum_over_pairs() -> None:
    source, target = normal(20_000, 2, "p"), M + 0.5 * normal(20_000, 2, "q")
    t, profile = torch.linspace(0.25, 0.75, 11), Profile(0.5, 0.5)
    x = t[:, None] * M + 0.7 * normal(11, 2, "x")
    found = tube_field(x, t, source, target, profile).slope
    assert (found - gaussian_slope(x, t, profile)).norm(dim=1).mean() < 0.1


@pytest.mark.parametrize("gap", [2.0, 30.0])
def test_its_lines_are_the_map_between_gaussians_at_any_distance_and_back(gap: float) -> None:
    field = GaussianTubes((2,), gap=gap, width=4, depth=1).double()
    x = normal(200, 2, "x").double()
    for integrator in (Midpoint(50), Lines(tolerance=1e-3)):
        moved = Transport(field, integrator).push(x, derive(3, "push"))
        assert moved.finished == 1
        torch.testing.assert_close(moved.points, M + x / 2, atol=0.02, rtol=0)
        back = Transport(field, integrator).push(moved.points, derive(3), reverse=True)
        torch.testing.assert_close(back.points, x, atol=0.05, rtol=0)


def test_the_summed_field_of_pairs_carries_source_onto_target() -> None:
    field = exact(normal(600, 2, "p"), eight(600, "q"))
    moved = Transport(field, Midpoint(20)).push(normal(500, 2, "x"), derive(3, "push"))
    assert moved.finished == 1
    assert ratio(moved.points, eight) < 1.8


def fitted(params: IfmParams, problem: Problem) -> InteractionPlates:
    game = Ifm(params).objective(problem, derive(3, "objective"))
    model = Ifm(params).trainer().fit(game, Budget(), derive(3, "fit")).model
    assert isinstance(model, InteractionPlates)
    return model


def test_few_pairs_at_a_time_teach_the_slope_of_all() -> None:
    params = IfmParams(**{**vars(SMALL), "together": 16, "steps": 400})
    problem = Problem(Empirical(normal(4000, 2, "p")), Empirical(M + normal(4000, 2, "q") / 2))
    model = fitted(params, problem)
    moved = Transport(model, Midpoint(15)).push(normal(500, 2, "x"), derive(3, "push"))
    error = (moved.points - (M + normal(500, 2, "x") / 2)).norm(dim=1)
    assert float(error.mean()) < 0.1


@pytest.mark.parametrize("pairs", ["independent", "minibatch"])
def test_a_short_fit_transports(pairs: str) -> None:
    problem = Problem(Empirical(normal(1500, 2, "p")), Empirical(eight(1500, "q")))
    model = fitted(IfmParams(**{**vars(SMALL), "pairs": pairs}), problem)
    moved = Transport(model, Midpoint(15)).push(normal(1000, 2, "x"), derive(3, "push"))
    assert moved.finished == 1
    assert ratio(moved.points, eight) < 2.5
