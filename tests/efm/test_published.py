"""The rule of the published code, as the baseline that it is."""

from __future__ import annotations

import torch

from tests.efm.samples import eight, normal, ratio
from transportkit import Budget, Empirical, Lines, Problem, Stop, Transport, derive
from transportkit_efm import EfmExactParams
from transportkit_efm.charges import ChargedPlates
from transportkit_efm.coulomb import coulomb_field
from transportkit_efm.exact import EfmExact
from transportkit_efm.published import UnitVectorPlates


def plates(distance: float, n: int = 1500) -> UnitVectorPlates:
    field = UnitVectorPlates.of(
        normal(n, 2, "p"), eight(n, "q"), (2,), distance=distance, offset=None, rule="published"
    )
    assert isinstance(field, UnitVectorPlates)
    return field


def test_each_plate_weighs_the_same_wherever_one_stands() -> None:
    field = plates(6.0, 200)
    y = torch.randn(100, 3, generator=derive(7, "y")) * 3
    ones = torch.full((200,), 1.0)
    source = coulomb_field(y, field.charges[:200], ones).direction
    target = coulomb_field(y, field.charges[200:], ones).direction
    expected = torch.nn.functional.normalize(source - target, dim=1)
    torch.testing.assert_close(field.direction(y), expected, atol=1e-4, rtol=0)


def test_all_lines_start_inwards() -> None:
    field = plates(6.0, 200)
    left = field.leave(field.lift(normal(100, 2, "x")), derive(7, "leave"))
    assert bool((left.y[:, -1] > 0).all())


def test_lines_park_behind_distant_plates_and_are_counted_as_lost() -> None:
    x = normal(300, 2, "x")
    near, far = (Transport(plates(d), Lines()).push(x, derive(7, "push")) for d in (2.0, 30.0))
    assert far.finished < 0.2 < near.finished
    for moved in (near, far):
        lost = moved.stop != int(Stop.ARRIVED)
        assert bool((moved.stop[lost] == int(Stop.STEP_LIMIT)).all())
        assert moved.finished + moved.stops[Stop.STEP_LIMIT.label] == 1


def test_it_does_not_carry_the_source_onto_the_target_where_the_lines_of_the_field_do() -> None:
    x = normal(500, 2, "x")
    for distance, worse in ((6.0, 1.1), (30.0, 3.0)):
        published = Transport(plates(distance), Lines()).push(x, derive(7, "push")).points
        exact = ChargedPlates.of(
            normal(1500, 2, "p"),
            eight(1500, "q"),
            (2,),
            distance=distance,
            offset=None,
            rule="plate",
        )
        moved = Transport(exact, Lines()).push(x, derive(7, "push")).points
        assert ratio(moved, eight) < 1.6
        assert ratio(published, eight) > worse * ratio(moved, eight)


def test_it_runs_backwards_and_counts_what_it_loses() -> None:
    moved = Transport(plates(2.0, 500), Lines()).push(
        eight(200, "x"), derive(7, "push"), reverse=True
    )
    assert bool(moved.points.isfinite().all())
    assert moved.finished + moved.stops[Stop.STEP_LIMIT.label] == 1


def test_the_method_takes_the_rule_by_name() -> None:
    method = EfmExact(EfmExactParams(rule="published", charges=50))
    problem = Problem(Empirical(normal(60, 2, "p")), Empirical(eight(60, "q")))
    model = method.trainer().fit(method.objective(problem, derive(7)), Budget(), derive(7)).model
    assert isinstance(model, UnitVectorPlates)
    assert isinstance(method.blank(model.config), UnitVectorPlates)
