"""The lines of a capacitor: what theory says of them, and what they do to samples."""

from __future__ import annotations

import math
from statistics import fmean

import pytest
import torch
from torch import Tensor

from tests.efm.samples import eight, modes, normal, plane, ratio
from transportkit import Lines, Moved, Transport, derive
from transportkit.metrics.energy_distance import EnergyDistance
from transportkit.metrics.exact import W2
from transportkit_efm.capacitor import inner_share
from transportkit_efm.charges import ChargedPlates

RULES = ("plate", "forward")


def plates(
    p: Tensor, q: Tensor, distance: float | None = None, rule: str = "plate", **more: object
):
    return ChargedPlates.of(
        p, q, (p.shape[1],), distance=distance, offset=more.get("offset"), rule=rule
    )


def push(field: ChargedPlates, x: Tensor, **more: object) -> Moved:
    return Transport(field, Lines()).push(x, derive(7, "push"), **more)


@pytest.mark.parametrize("law", [eight, modes])
@pytest.mark.parametrize("distance", [2.0, 6.0, 30.0])
def test_lines_carry_the_source_onto_the_target(law, distance: float) -> None:
    n, draws = 800, range(3)
    field = plates(normal(3000, 2, "p"), law(3000, "q"), distance)
    # How many points fall to each mode is chance, in a single draw most of the distance.
    moved = [push(field, normal(n, 2, "x", i)) for i in draws]
    assert all(m.finished >= 0.98 for m in moved)
    for metric, most in ((W2(), 1.6), (EnergyDistance(), 1.6**2)):
        ratios = [ratio(m.points, law, i, metric) for m, i in zip(moved, draws, strict=True)]
        assert fmean(ratios) <= most


def test_starting_forward_only_and_stopping_at_first_contact_fails_for_near_plates() -> None:
    n = 800
    p, q, x = normal(n, 2, "p"), eight(n, "q"), normal(n, 2, "x")
    exact = ratio(push(plates(p, q, 2.0), x).points, eight)
    forward = ratio(push(plates(p, q, 2.0, "forward"), x).points, eight)
    assert exact < 1.6
    assert forward > 2.5


def test_a_line_that_leads_away_from_the_target_ends_where_it_meets_the_plate() -> None:
    p, q = 0.1 * normal(200, 2, "p") + torch.tensor([4.0, 0.0]), 0.1 * normal(200, 2, "q")
    field = plates(p, q, 2.0, "forward")
    # Beyond the source, whose charges push it outwards more than the target's hold it.
    edge = torch.tensor([6.0, 0.0])
    height = torch.tensor([field.gap - field.offsets[1]])
    y = torch.cat([(edge - field.mean) / field.scale, height])[None]
    assert field.direction(y)[0, 0] > 0
    landed = field.touch(y, 1.0).y[:, :-1] * field.scale + field.mean
    assert (landed - edge).norm() < 0.5


def test_forward_lines_become_right_as_the_plates_move_apart() -> None:
    n = 800
    p, q, x = normal(n, 2, "p"), eight(n, "q"), normal(n, 2, "x")
    near, far = (ratio(push(plates(p, q, d, "forward"), x).points, eight) for d in (2.0, 60.0))
    assert far < 0.5 * near


@pytest.mark.parametrize(
    ("distance", "share"), [(0.1, 0.97), (1.0, 0.78), (2.0, 0.67), (6.0, 0.55), (30.0, 0.503)]
)
def test_the_share_of_flux_that_leaves_inwards(distance: float, share: float) -> None:
    """For P = Q = N(0, I) in two dimensions the mean of (1 + q_L / p) / 2, at most 1."""
    n = 20_000
    field = plates(normal(n, 2, "p"), normal(n, 2, "q"), distance, offset=0.02)
    x = (normal(1000, 2, "x") - field.mean) / field.scale
    inner = inner_share(field.own_part(x, target=False)[0])
    assert float(inner.mean()) == pytest.approx(share, abs=0.03)


def test_half_of_the_flux_leaves_backwards_in_high_dimension() -> None:
    field = plates(normal(2000, 32, "p"), normal(2000, 32, "q"), 6.0, offset=1.0)
    inner = inner_share(field.own_part(normal(500, 32, "x"), target=False)[0])
    assert float(inner.mean()) == pytest.approx(0.5, abs=0.03)


def clusters(n: int, share: float, name: str) -> Tensor:
    """Two clusters at -3 and 3, the first of them with this share."""
    x = 0.5 * normal(n, 2, name)
    x[:, 0] += torch.where(torch.arange(n) < share * n, -3.0, 3.0)
    return x


def test_near_plates_that_overlap_keep_the_target_s_shares() -> None:
    """Most lines meet the target at the cluster that has a tenth of it, where a share of them ends:
    all would be nine times too many, none would leave it empty."""
    n = 2000
    field = plates(clusters(n, 0.9, "p"), clusters(n, 0.1, "q"), 1.0)
    moved = push(field, clusters(1000, 0.9, "x"))
    assert moved.finished == 1
    assert float((moved.points[:, 0] < 0).float().mean()) == pytest.approx(0.1, abs=0.03)


def test_near_plates_that_overlap_keep_the_target_s_tails() -> None:
    n = 4000
    field = plates(normal(n, 2, "p"), normal(n, 2, "q"), 1.0)
    radii = push(field, normal(2000, 2, "x")).points.norm(dim=1)
    for radius in (1.5, 2.0):
        share = math.exp(-(radius**2) / 2)
        assert float((radii > radius).float().mean()) == pytest.approx(share, abs=0.025)


def test_where_a_line_ends_does_not_depend_on_what_is_moved_beside_it() -> None:
    field = plates(clusters(500, 0.9, "p"), clusters(500, 0.1, "q"), 1.0)
    inside = torch.cat(
        [clusters(400, 0.9, "x"), torch.full((400, 1), field.gap - field.offsets[1])], 1
    )
    whole = field.meet(inside)
    part = field.meet(inside[100:150])
    assert 0.02 < float(whole.arrived.float().mean()) < 0.98
    assert torch.equal(part.arrived, whole.arrived[100:150])


def test_exchanging_the_plates_mirrors_the_field() -> None:
    p, q = normal(200, 2, "p"), eight(200, "q")
    there, back = plates(p, q, 6.0), plates(q, p, 6.0)
    y = torch.randn(500, 3, generator=derive(7, "y")) * 3
    mirrored = torch.cat([y[:, :-1], there.gap - y[:, -1:]], 1)
    flipped = back.direction(mirrored) * torch.tensor([-1.0, -1.0, 1.0])
    torch.testing.assert_close(there.direction(y), flipped, atol=2e-5, rtol=0)


def test_lines_lead_back_from_the_target_to_the_source() -> None:
    n = 800
    field = plates(normal(n, 2, "p"), eight(n, "q"), 6.0)
    moved = push(field, eight(n, "x"), reverse=True)
    assert moved.finished >= 0.98
    assert ratio(moved.points, plane) <= 1.6


@pytest.mark.parametrize(("width", "shift"), [(0.01, 3.0), (1.0, 1e4)])
def test_narrow_laws_and_laws_far_apart_are_reached_and_left(width: float, shift: float) -> None:
    """N(0, I) to N(s, w^2 I): the quantiles of lengths, of which |x|^2 / 2 is exponential."""
    n, shares = 400, torch.tensor([0.25, 0.5, 0.75, 0.9])
    true = (-2 * (1 - shares).log()).sqrt()
    field = plates(normal(2000, 2, "p"), shift + width * normal(2000, 2, "q"))
    there = push(field, normal(n, 2, "x"))
    back = push(field, shift + width * normal(n, 2, "y"), reverse=True)
    assert there.finished == back.finished == 1
    for lengths in ((there.points - shift).norm(dim=1) / width, back.points.norm(dim=1)):
        torch.testing.assert_close(lengths.quantile(shares), true, rtol=0.2, atol=0)


def test_a_line_and_its_reverse_meet() -> None:
    """With forward lines and distant plates the way back ends where the way out began."""
    field = plates(normal(400, 2, "p"), eight(400, "q"), 60.0, "forward", offset=0.3)
    x = normal(200, 2, "x")
    there = Transport(field, Lines(tolerance=1e-4)).push(x, derive(7, "push"))
    back = Transport(field, Lines(tolerance=1e-4)).push(
        there.points, derive(7, "push"), reverse=True
    )
    error = (back.points - x).norm(dim=1)
    assert float(error.median()) < 0.2


def test_units_do_not_matter() -> None:
    p, q, x = normal(500, 2, "p"), eight(500, "q"), normal(300, 2, "x")
    plain = push(plates(p, q, 6.0), x).points
    other = push(plates(p * 1000 - 7000, q * 1000 - 7000, 6000.0), x * 1000 - 7000).points
    close = ((other + 7000) / 1000 - plain).norm(dim=1) < 0.05
    # A line near a watershed may fall to its other side by rounding: 2 to 6% of them, over samples.
    assert float(close.float().mean()) > 0.9


def test_a_state_far_outside_comes_back_at_its_mirror_image() -> None:
    field = plates(normal(400, 2, "p"), eight(400, "q"), 6.0)
    out = -field.dipole[None] * 1.1 * field.radius + field.centre
    away = torch.nn.functional.normalize(out - field.centre, dim=1)
    back = field.leap(out, away)
    assert torch.equal(field.leap(out, -away), out)
    torch.testing.assert_close(back, 2 * field.centre - out)
    inside = field.centre[None] + 0.5 * (out - field.centre)
    assert torch.equal(field.leap(inside, away), inside)


@pytest.mark.parametrize("rule", RULES)
def test_saved_and_loaded_it_moves_points_to_the_same_place(rule: str) -> None:
    field = plates(normal(200, 2, "p"), eight(200, "q"), None, rule)
    again = ChargedPlates(**field.config)
    again.load_state_dict(field.state_dict())
    x = normal(100, 2, "x")
    assert torch.equal(push(field, x).points, push(again, x).points)


def test_points_of_any_shape_are_moved() -> None:
    p, q = normal(300, 16, "p").view(-1, 1, 4, 4), normal(300, 16, "q").view(-1, 1, 4, 4) + 1
    field = ChargedPlates.of(
        p.flatten(1), q.flatten(1), (1, 4, 4), distance=None, offset=None, rule="plate"
    )
    moved = push(field, normal(50, 16, "x").view(-1, 1, 4, 4))
    assert moved.points.shape == (50, 1, 4, 4)
    assert moved.finished >= 0.98
    assert float(moved.points.mean()) == pytest.approx(1.0, abs=0.25)


def test_in_many_dimensions_lines_leave_in_all_directions_and_none_ends_beside_the_target() -> None:
    p, q = normal(400, 32, "p"), 0.5 * normal(400, 32, "q") + 1
    field = ChargedPlates.of(p, q, (32,), distance=None, offset=None, rule=None)
    assert field.rule == "sphere"
    left = field.leave(field.lift(normal(2000, 32, "x")), derive(7, "leave")).y
    assert float((left[:, -1] > 0).float().mean()) == pytest.approx(0.5, abs=0.05)
    moved = push(field, normal(300, 32, "x"))
    assert moved.finished == 1
    assert (moved.points - 1).norm(dim=1).max() < 1.5 * (q - 1).norm(dim=1).max()
