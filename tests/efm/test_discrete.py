"""Lines from charge to charge: Gauss's law, followed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.efm.samples import eight, modes, normal, ratio
from transportkit import Budget, Empirical, Lines, Midpoint, Problem, Refusal, Transport, derive
from transportkit.metrics.exact import W2
from transportkit.metrics.slices import SlicedW2
from transportkit_efm import EfmExactParams
from transportkit_efm.charges import ChargedPlates
from transportkit_efm.discrete import PointCharges
from transportkit_efm.exact import EfmExact


def charges(p: Tensor, q: Tensor, distance: float | None = 6.0) -> PointCharges:
    field = PointCharges.of(p, q, p.shape[1:], distance=distance, offset=None, rule="discrete")
    assert isinstance(field, PointCharges)
    return field


def captures(ends: Tensor, places: Tensor) -> Tensor:
    """How many lines ended at each of the charges at `places`; they end nowhere else."""
    distance, which = (ends[:, None] - places).norm(dim=2).min(1)
    assert float(distance.max()) < 1e-5
    return torch.bincount(which, minlength=len(places)).double()


def chi_square(counts: Tensor) -> float:
    """Pearson's statistic against equal counts, per degree of freedom."""
    expected = counts.mean()
    return float(((counts - expected).square() / expected).sum() / (len(counts) - 1))


@pytest.mark.parametrize("distance", [0.5, 6.0, 30.0])
@pytest.mark.parametrize("reverse", [False, True])
def test_every_charge_captures_the_same_share_of_lines(distance: float, reverse: bool) -> None:
    # At one of the distances one sample is a hundredth as wide as the other.
    p, q = normal(40, 2, "p"), eight(40, "q") * (0.01 if distance == 6 else 1.0)
    starts, ends = (q, p) if reverse else (p, q)
    moved = Transport(charges(p, q, distance), Lines()).push(
        starts.repeat(40, 1), derive(7, "push"), reverse=reverse
    )
    assert moved.finished == 1
    # Six standard deviations of a chi-square of 39 degrees of freedom; a charge that captured
    # twice its share would alone add one to it.
    assert chi_square(captures(moved.points, ends)) < 1 + 6 * (2 / 39) ** 0.5


def test_lines_of_a_very_narrow_law_leave_its_plate() -> None:
    """The height of a small ball is a few roundings of that of the plate, which many starts had:
    within the plate, where 2 lines in 300 stayed."""
    p, q = normal(300, 2, "p"), 1e-3 * eight(300, "q")
    field = charges(p, q)
    left = field.reverse().leave(field.reverse().lift(q.repeat(20, 1)), derive(7, "leave")).y
    assert bool((left[:, -1] != field.gap).all())
    upper = float((left[:, -1] > field.gap).double().mean())
    # Six standard deviations of a share of 6000.
    assert abs(upper - 0.5) < 6 * 0.5 / 6000**0.5
    moved = Transport(field, Lines()).push(q, derive(7, "push"), reverse=True)
    assert moved.finished == 1


def test_one_charge_on_each_plate() -> None:
    field = charges(torch.zeros(1, 2), torch.tensor([[1.0, 2.0]]))
    moved = Transport(field, Lines()).push(torch.zeros(100, 2), derive(7, "push"))
    assert moved.finished == 1
    torch.testing.assert_close(moved.points, torch.tensor([[1.0, 2.0]]).expand(100, 2))


def test_the_numbers_of_charges_need_not_agree() -> None:
    p, q = normal(60, 2, "p"), eight(20, "q")
    moved = Transport(charges(p, q), Lines()).push(p.repeat(20, 1), derive(7, "push"))
    assert moved.finished == 1
    assert chi_square(captures(moved.points, q)) < 1 + 6 * (2 / 19) ** 0.5


def test_lines_end_at_charges_in_many_dimensions() -> None:
    p, q = normal(60, 16, "p"), normal(60, 16, "q") + 1
    moved = Transport(charges(p, q, None), Lines()).push(p.repeat(10, 1), derive(7, "push"))
    assert moved.finished >= 0.99
    arrived = moved.points[moved.stop == 0]
    assert chi_square(captures(arrived, q)) < 1 + 6 * (2 / 59) ** 0.5


def test_charges_on_one_place_share_a_ball() -> None:
    p, q = normal(20, 2, "p"), eight(10, "q").repeat(2, 1)
    field = charges(p, q)
    assert bool((field.balls > 0).all())
    moved = Transport(field, Lines()).push(p.repeat(10, 1), derive(7, "push"))
    assert moved.finished == 1


@pytest.mark.parametrize("law", [eight, modes])
@pytest.mark.parametrize("distance", [2.0, 30.0])
def test_the_coupling_carries_sample_onto_sample(law, distance: float) -> None:
    p, q = normal(1500, 2, "p"), law(1500, "q")
    moved = Transport(charges(p, q, distance), Lines()).push(p[:600], derive(7, "push"))
    assert moved.finished >= 0.999
    for metric in (W2(), SlicedW2()):
        assert ratio(moved.points, law, 0, metric) < 2


def test_a_fresh_point_starts_as_its_nearest_charge() -> None:
    p, q = normal(30, 2, "p"), eight(30, "q")
    field = charges(p, q)
    x = normal(200, 2, "x")
    left = field.leave(field.lift(x), derive(7, "leave")).y
    nearest = torch.cdist(x, p).argmin(1)
    away = left - field.charges[: len(p)][nearest]
    torch.testing.assert_close(away.norm(dim=1), field.balls[nearest])
    assert float((away[:, -1] > 0).double().mean()) == pytest.approx(0.5, abs=0.15)


def test_the_path_ends_on_the_charge() -> None:
    p, q = normal(20, 2, "p"), eight(20, "q")
    field = charges(p, q)
    moved = Transport(field, Lines()).push(p, derive(7, "push"), save=10)
    assert moved.path is not None
    assert torch.equal(moved.path[0], field.lift(p))
    ends = (moved.path[-1][:, None] - field.charges[20:]).norm(dim=2).amin(1)
    assert float(ends.max()) == 0


def test_an_integrator_that_steps_in_height_is_refused() -> None:
    with pytest.raises(Refusal, match="'lines'"):
        Transport(charges(normal(5, 2, "p"), eight(5, "q")), Midpoint(steps=5))


def exact(p: Tensor, q: Tensor) -> ChargedPlates:
    method = EfmExact(EfmExactParams())
    objective = method.objective(Problem(Empirical(p), Empirical(q)), derive(7, "o"))
    field = method.trainer().fit(objective, Budget(), derive(7, "fit")).model
    assert isinstance(field, ChargedPlates)
    return field


def test_samples_that_are_no_density_are_taken_from_charge_to_charge() -> None:
    p, q = normal(800, 2, "p"), normal(800, 2, "q")
    assert exact(p, q).rule == "plate"
    assert exact(p, (10 * q).round() / 10).rule == "plate"
    constant, follows, label = q.clone(), q.clone(), q.clone()
    constant[:, 1], follows[:, 1] = 3.0, 2 * q[:, 0] - 1
    label[:, 1] = (q[:, 1] > 0).float()
    for sample in (q.round(), constant, follows, label, q[:1]):
        assert exact(p, sample).rule == exact(sample, p).rule == "discrete"


def test_a_law_of_four_points_is_reached_and_left() -> None:
    p, corners = normal(500, 2, "p"), (normal(500, 2, "q") > 0).float()
    transport = Transport(exact(p, corners), Lines())
    there = transport.push(normal(500, 2, "x"), derive(7, "push")).points
    torch.testing.assert_close(there, there.round(), atol=1e-6, rtol=0)
    torch.testing.assert_close(there.mean(0), corners.mean(0), atol=0.1, rtol=0)
    back = transport.push(corners, derive(7, "push"), reverse=True).points
    torch.testing.assert_close(back.std(0), p.std(0), atol=0.1, rtol=0)


def test_fitted_saved_and_loaded_it_is_the_same() -> None:
    method = EfmExact(EfmExactParams(rule="discrete"))
    problem = Problem(Empirical(normal(50, 2, "p")), Empirical(eight(50, "q")))
    objective = method.objective(problem, derive(7, "objective"))
    field = method.trainer().fit(objective, Budget(), derive(7, "fit")).model
    again = method.blank(field.config)
    again.load_state_dict(field.state_dict())
    x = normal(50, 2, "x")
    one, two = (Transport(f, Lines()).push(x, derive(7, "push")) for f in (field, again))
    assert torch.equal(one.points, two.points)
    assert isinstance(again, PointCharges)
