"""The learned field between distant plates, and the coordinates that it is learned in."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.efm.samples import eight, normal, plane, ratio
from transportkit import Budget, Empirical, Midpoint, Problem, Transport, derive
from transportkit_efm import EfmParams
from transportkit_efm.coulomb import coulomb_field
from transportkit_efm.method import Efm
from transportkit_efm.passage import Passage
from transportkit_efm.rising import ExactRisingField
from transportkit_efm.slopes import STATIONS, LearnedRisingField, SlopeRegression

SMALL = EfmParams(steps=400, lines=1500, charges=1500)


def objective(params: EfmParams = SMALL) -> SlopeRegression:
    p, q = normal(1500, 2, "p"), eight(1500, "q")
    return Efm(params).objective(Problem(Empirical(p), Empirical(q)), derive(3, "objective"))


def fitted(params: EfmParams = SMALL) -> LearnedRisingField:
    model = Efm(params).trainer().fit(objective(params), Budget(), derive(3, "fit")).model
    assert isinstance(model, LearnedRisingField)
    return model


def test_plates_too_near_for_lines_that_only_rise_are_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    objective(replace(SMALL, lines=10, charges=50))
    assert not caplog.text
    objective(replace(SMALL, lines=10, charges=50, distance=1.0))
    assert "take efm-plates" in caplog.text


@pytest.fixture(scope="module")
def field() -> LearnedRisingField:
    return fitted()


@pytest.fixture(scope="module")
def passage() -> Passage:
    made = Passage(gap=11.0, near=(0.2, 0.2)).double()
    made.set_samples(0.5 * normal(500, 2, "a").double(), 1.3 * normal(500, 2, "b").double())
    return made


def test_heights_run_from_plate_to_plate_evenly_on_both_sides(passage: Passage) -> None:
    s = torch.linspace(0, 1, 21, dtype=torch.float64)
    z = passage.height(s)
    assert float(z[0]) == pytest.approx(0, abs=1e-9)
    assert float(z[-1]) == pytest.approx(11.0)
    torch.testing.assert_close(z, 11.0 - z.flip(0), atol=1e-9, rtol=0)
    assert bool((z.diff() > 0).all())


def test_heights_over_both_plates_are_exact_and_follow_their_own_scale() -> None:
    narrow = Passage(gap=11.0, near=(0.2, 1e-4))
    s = torch.linspace(0, 1, 101)
    below, left = narrow.heights(s)
    torch.testing.assert_close(below + left, torch.full_like(s, 11.0))
    torch.testing.assert_close(narrow.level(below[:50]), s[:50], atol=1e-5, rtol=1e-4)
    steps = -left.diff()[-3:]
    assert bool((steps > 0).all())
    assert bool((steps < 3e-4).all())


def test_a_narrow_law_is_reached_and_left() -> None:
    """N(0, I) to the same a hundred times smaller: on exact lines the map is that dilation."""
    p, q = normal(1500, 2, "p"), 0.01 * normal(1500, 2, "narrow")
    problem = Problem(Empirical(p), Empirical(q))
    exact = Efm(EfmParams(lines=1, charges=1500)).objective(problem, derive(3, "objective")).exact
    x = normal(400, 2, "x")
    transport = Transport(exact, Midpoint(steps=10))
    there = transport.push(x, derive(0)).points
    back = transport.push(0.01 * x, derive(0), reverse=True).points
    for moved, start in ((100 * there, x), (back, x)):
        error = (moved - start).norm(dim=1) / start.norm(dim=1)
        # What these samples leave open, however many the steps, is .11 to .14.
        assert float(error.median()) < 0.2


def test_a_straight_line_has_the_velocity_of_its_coordinates(passage: Passage) -> None:
    """x = a + b z, differentiated by numbers and by the formula."""
    a, b = normal(50, 2, "at").double(), normal(50, 2, "slope").double()
    s = torch.linspace(0.02, 0.98, 50, dtype=torch.float64)

    def u(s: Tensor) -> Tensor:
        return passage.relative(a + b * passage.height(s)[:, None], s)

    small = 1e-6
    by_numbers = (u(s + small) - u(s - small)) / (2 * small)
    torch.testing.assert_close(passage.velocity(u(s), s, b), by_numbers, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(passage.place(u(s), s), a + b * passage.height(s)[:, None])


@pytest.mark.parametrize("shift", [0.0, 10.0])
def test_exact_lines_that_rise_transport_and_keep_the_way_back(shift: float) -> None:
    """Forward lines are enough where plates are distant and face each other, whatever their shift:
    without a network, and there and back again."""
    p, q = normal(1500, 2, "p"), eight(1500, "q") + shift
    field = ExactRisingField.of(p, q, (2,), distance=None, offset=None, spacing=2.0)
    there = Transport(field, Midpoint(steps=40))
    x = normal(500, 2, "x")
    moved = there.push(x, derive(3, "push")).points
    assert ratio(moved - shift, eight) < 1.6
    back = there.push(moved, derive(3, "push"), reverse=True).points
    assert float((back - x).norm(dim=1).median()) < 0.05


def test_a_short_fit_transports_in_twenty_evaluations(field: LearnedRisingField) -> None:
    moved = Transport(field, Midpoint(steps=10)).push(normal(1000, 2, "x"), derive(3, "push"))
    assert float(moved.evaluations.double().mean()) == 20
    assert ratio(moved.points, eight) < 2.5


def test_and_back_again(field: LearnedRisingField) -> None:
    transport, x = Transport(field, Midpoint(steps=20)), normal(1000, 2, "x")
    moved = transport.push(eight(1000, "x"), derive(3, "push"), reverse=True)
    assert ratio(moved.points, plane) < 3.5
    there = transport.push(x, derive(3, "push")).points
    back = transport.push(there, derive(3, "push"), reverse=True).points
    assert float((back - x).norm(dim=1).median()) < 0.1


@pytest.mark.parametrize("dim", [5, 8])
def test_where_samples_are_sparse_new_points_keep_their_spread_both_ways(dim: int) -> None:
    """N(0, I) to itself. By lines from charges in their own field it was .8, and 1.27 back."""
    p, q = normal(1500, dim, "p"), normal(1500, dim, "q")
    params = replace(SMALL, width=64, depth=2, lines=1000)
    method, problem = Efm(params), Problem(Empirical(p), Empirical(q))
    objective = method.objective(problem, derive(3, "objective"))
    model = method.trainer().fit(objective, Budget(steps=200), derive(3, "fit")).model
    transport = Transport(model, Midpoint(steps=10))
    for reverse in (False, True):
        x = normal(1000, dim, "new", reverse)
        moved = transport.push(x, derive(3, "push"), reverse=reverse).points
        assert float(moved.std()) == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("dim", [3, 4])
def test_lines_come_to_narrow_directions_of_the_target_as_narrow(dim: int) -> None:
    """Read at the source's offset, that plate was a third wider."""
    width = torch.tensor([1.0, 1.0] + [0.2] * (dim - 2))
    p, q = normal(1500, dim, "p"), width * normal(1500, dim, "q")
    made = Efm(replace(SMALL, lines=1000)).objective(
        Problem(Empirical(p), Empirical(q)), derive(3, "objective")
    )
    u, s = (each[made.pool.s > 0.999] for each in (made.pool.u, made.pool.s))
    ends = made.exact.data(made.exact.passage.place(u, s), s)
    assert float(ends[:, 2:].std()) == pytest.approx(0.2, abs=0.03)


def test_without_some_charges_the_field_is_that_of_the_others() -> None:
    p, q = normal(60, 3, "p"), normal(50, 3, "q")
    whole = ExactRisingField.of(p, q, (3,), distance=20.0, offset=0.1, spacing=2.0)
    part = whole.without(torch.arange(0, 60, 4))
    kept = torch.arange(60) % 4 > 0
    charges = torch.cat([whole.plates.charges[:60][kept], whole.plates.charges[60:]])
    weights = torch.cat([torch.full((45,), 1 / 45), torch.full((50,), -1 / 50)])
    u, s = normal(20, 3, "u"), torch.linspace(0, 1, 20)
    z = whole.passage.height(s).clamp(*(0.1 / whole.scale, whole.passage.gap - 0.1 / whole.scale))
    y = torch.cat([whole.passage.place(u, s), z[:, None]], 1)
    direction = coulomb_field(y, charges, weights).direction
    slope = direction[:, :-1] / direction[:, -1:]
    torch.testing.assert_close(part.velocity(s, u), whole.passage.velocity(u, s, slope))
    x = normal(9, 3, "x")
    assert torch.equal(part.lift(x), whole.lift(x))


@pytest.mark.parametrize(("count", "lines"), [(1, 30), (2, 30), (12, 30), (12, 1)])
def test_few_samples_and_few_lines_have_states_too(count: int, lines: int) -> None:
    p, q = normal(count, 6, "p"), normal(count, 6, "q")
    params = replace(SMALL, lines=lines)
    made = Efm(params).objective(Problem(Empirical(p), Empirical(q)), derive(3, "objective"))
    assert len(made.pool.s) == lines * (2 * STATIONS + 3)


def test_lines_that_come_to_a_plate_beside_its_charges_are_counted(
    field: LearnedRisingField,
) -> None:
    there, transport = 2 * float(field.radii[1]), Transport(field, Midpoint(steps=10))
    states = torch.tensor([[there, 0, 1.0], [0, 0, 1.0], [there, 0, 0.5]])
    states[:, :2] = field.passage.relative(states[:, :2], states[:, 2])
    rim = field.at_rim(states)
    assert rim is not None
    # A line that is still under way has not come to the plate.
    assert rim.tolist() == [True, False, False]
    distance = (field.drop(states) - field.means[1]).norm(dim=1)
    assert float(distance[0]) == pytest.approx(float(field.radii[1] * field.scale), rel=1e-5)
    source = torch.tensor([[0.0, 0.0], [1e4, 0.0]])
    for reverse in (False, True):
        moved = transport.push(source, derive(3, "push"), reverse=reverse)
        assert moved.at_rim is not None
        assert (moved.at_rim.tolist(), moved.rim) == ([False, True], 0.5)


def test_no_point_ends_beside_the_target(field: LearnedRisingField) -> None:
    far = 4 * torch.nn.functional.normalize(normal(200, 2, "far"), dim=1)
    moved = Transport(field, Midpoint(steps=10)).push(far, derive(3, "push")).points
    reach = (eight(1500, "q") - eight(1500, "q").mean(0)).norm(dim=1).max()
    assert float((moved - eight(1500, "q").mean(0)).norm(dim=1).max()) <= float(reach) * 1.001


def test_a_drawing_names_the_plates_and_the_heights_between_them(
    field: LearnedRisingField,
) -> None:
    gap, axis = field.passage.gap * float(field.scale), field.axis
    assert axis.start.startswith("source plate")
    assert f"L = {gap:.3g}" in axis.end
    assert {"z = L/2", "z = 1", "L − 1"} <= {text for _, text in axis.marks}
    for share, text in axis.marks:
        z = float(field.passage.height(torch.tensor(share)) * field.scale)
        height = text.removeprefix("z = ").replace("−", "-").replace("L", str(gap))
        assert z == pytest.approx(eval(height), abs=1e-3 * gap), text


def test_new_lines_are_followed_as_training_goes_on() -> None:
    params = replace(SMALL, lines=20, refresh=3)
    one = objective(params)
    first = one.pool.u
    for _ in range(3):
        one.draw(4, derive(3, "draw"))
    assert torch.equal(one.pool.u, first)
    one.draw(4, derive(3, "draw"))
    assert not torch.equal(one.pool.u, first)
    again = objective(params)
    again.restore(one.state())
    assert torch.equal(again.pool.u, one.pool.u)


def test_saved_and_loaded_it_is_the_same(field: LearnedRisingField) -> None:
    again = Efm(SMALL).blank(field.config)
    again.load_state_dict(field.state_dict())
    x = normal(100, 2, "x")
    one, two = (
        Transport(f, Midpoint(steps=10)).push(x, derive(3, "push")) for f in (field, again.eval())
    )
    assert torch.equal(one.points, two.points)
