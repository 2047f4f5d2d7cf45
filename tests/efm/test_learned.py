"""The learned field of a capacitor."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from tests.efm.samples import eight, normal, plane, ratio
from transportkit import Budget, Empirical, Lines, Problem, Transport, derive
from transportkit_efm import EfmPlatesParams
from transportkit_efm.learned import EfmPlates, LearnedPlates

SMALL = EfmPlatesParams(steps=400, lines=400, charges=1500)


def problem(n: int = 1500) -> Problem:
    return Problem(Empirical(normal(n, 2, "p")), Empirical(eight(n, "q")))


def fitted(params: EfmPlatesParams = SMALL, seed: int = 3) -> LearnedPlates:
    method = EfmPlates(params)
    objective = method.objective(problem(), derive(seed, "objective"))
    model = method.trainer().fit(objective, Budget(), derive(seed, "fit")).model
    assert isinstance(model, LearnedPlates)
    return model


@pytest.fixture(scope="module")
def field() -> LearnedPlates:
    return fitted()


def test_a_short_fit_already_transports(field: LearnedPlates) -> None:
    moved = Transport(field, Lines()).push(normal(1000, 2, "x"), derive(3, "push"))
    assert moved.finished >= 0.98
    assert ratio(moved.points, eight) < 2.5


def test_and_back_again(field: LearnedPlates) -> None:
    moved = Transport(field, Lines()).push(eight(1000, "x"), derive(3, "push"), reverse=True)
    assert moved.finished >= 0.95
    assert ratio(moved.points, plane) < 2.5


def test_a_narrow_law_is_reached_and_left() -> None:
    """N(0, I) to N(3, I / 10,000), by few steps: the median of |x|^2 in the plane is 2 log 2."""
    p, q = normal(800, 2, "p"), 3 + 0.01 * normal(800, 2, "q")
    method = EfmPlates(replace(SMALL, steps=120, lines=100, width=64))
    objective = method.objective(Problem(Empirical(p), Empirical(q)), derive(3, "objective"))
    transport = Transport(
        method.trainer().fit(objective, Budget(), derive(3, "fit")).model, Lines()
    )
    there = transport.push(normal(200, 2, "x"), derive(3, "push")).points
    back = transport.push(3 + 0.01 * normal(200, 2, "y"), derive(3, "push"), reverse=True).points
    for lengths in (100 * (there - 3).norm(dim=1), back.norm(dim=1)):
        assert float(lengths.median()) == pytest.approx((2 * math.log(2)) ** 0.5, rel=0.3)


def test_directions_have_length_one_inside_and_far_outside(field: LearnedPlates) -> None:
    y = torch.randn(500, 3, generator=derive(3, "y")) * torch.logspace(-2, 4, 500)[:, None]
    torch.testing.assert_close(field.direction(y).norm(dim=1), torch.ones(500))


def test_far_outside_the_field_is_a_dipole(field: LearnedPlates) -> None:
    """On the axis it points along the dipole's reverse moment, on the equator against it."""
    axis, far = field.dipole[None], 50 * field.radius
    on_axis = field.direction(field.centre + far * axis)
    torch.testing.assert_close(on_axis, -axis, atol=1e-2, rtol=0)
    sideways = torch.linalg.svd(axis).Vh[1:2]
    on_equator = field.direction(field.centre + far * sideways)
    torch.testing.assert_close(on_equator, axis, atol=1e-2, rtol=0)


def test_the_same_seed_gives_the_same_field() -> None:
    short = replace(SMALL, steps=5, lines=50)
    one, two, other = fitted(short), fitted(short), fitted(short, seed=4)
    y = torch.randn(50, 3, generator=derive(3, "y"))
    assert torch.equal(one.direction(y), two.direction(y))
    assert not torch.equal(one.direction(y), other.direction(y))


def test_new_lines_are_followed_as_training_goes_on() -> None:
    method = EfmPlates(replace(SMALL, lines=50, refresh=3))
    objective = method.objective(problem(), derive(3, "objective"))
    first = objective.states
    for _ in range(3):
        objective.draw(4, derive(3, "draw"))
    assert torch.equal(objective.states, first)
    objective.draw(4, derive(3, "draw"))
    renewed = objective.states
    assert not torch.equal(renewed, first)
    again = method.objective(problem(), derive(3, "objective"))
    again.restore(objective.state())
    assert torch.equal(again.states, renewed)


def test_saved_and_loaded_it_is_the_same(field: LearnedPlates) -> None:
    again = EfmPlates(SMALL).blank(field.config)
    again.load_state_dict(field.state_dict())
    x = normal(100, 2, "x")
    one, two = (Transport(f, Lines()).push(x, derive(3, "push")) for f in (field, again.eval()))
    assert torch.equal(one.points, two.points)


def test_the_forward_rule_starts_every_line_inwards() -> None:
    model = fitted(replace(SMALL, steps=5, lines=50, rule="forward"))
    left = model.leave(model.lift(normal(100, 2, "x")), derive(3, "leave"))
    assert (left.y[:, -1] > 0).all()
