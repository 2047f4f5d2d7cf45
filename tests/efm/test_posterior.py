"""The field between distant plates in many dimensions, as posterior means."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.efm.samples import normal
from transportkit import (
    Budget,
    Callback,
    Empirical,
    Fit,
    Midpoint,
    Problem,
    Progress,
    Refusal,
    Transport,
    derive,
)
from transportkit_efm import EfmParams
from transportkit_efm.coulomb import coulomb_field
from transportkit_efm.method import Efm
from transportkit_efm.posterior import (
    Parts,
    PosteriorField,
    PosteriorRegression,
    cauchy,
    freedom,
    line_slope,
    shrinkage,
)
from transportkit_efm.slopes import SlopeRegression

GAP = 5.0
SCALE = 0.5 * torch.logspace(0.5, -0.5, 12, base=2)


def kernels(x: Tensor, charges: Tensor, height: Tensor) -> Tensor:
    """The Poisson kernel (B, N) of every charge (N, D) at x (B, D), `height` (B,) away."""
    squares = torch.cdist(x, charges).square() + height[:, None].square()
    return height[:, None] * squares ** (-(x.shape[1] + 1) / 2)


@pytest.mark.parametrize("dim", [2, 12])
def test_posterior_means_give_the_lines_of_the_summed_field(dim: int) -> None:
    p, q, x = (normal(n, dim, name).double() for n, name in ((40, "p"), (30, "q"), (50, "x")))
    z = torch.linspace(0.3, GAP - 0.3, 50, dtype=torch.float64)
    below, above = kernels(x, p, z) / len(p), kernels(x, q, GAP - z) / len(q)
    source, target = (k @ c / k.sum(1, keepdim=True) for k, c in ((below, p), (above, q)))
    share = below.sum(1) / (below.sum(1) + above.sum(1))

    charges = torch.cat(
        [torch.cat([c, torch.full_like(c[:, :1], at)], 1) for c, at in ((p, 0.0), (q, GAP))]
    )
    weights = torch.cat([torch.full((40,), 1 / 40), torch.full((30,), -1 / 30)]).double()
    field = coulomb_field(torch.cat([x, z[:, None]], 1), charges, weights).direction
    expected = field[:, :-1] / field[:, -1:]
    torch.testing.assert_close(line_slope(x, (z, GAP - z), source, target, share), expected)


def test_the_noise_is_the_poisson_kernel() -> None:
    drawn = cauchy(torch.empty(40_000, 12), derive(0, "noise"))
    # |c|^2 / (1 + |c|^2) ~ Beta(D/2, 1/2): its mean is D / (D + 1).
    share = drawn.square().sum(1) / (1 + drawn.square().sum(1))
    deviation = math.sqrt(12 / (13**2 * 7.5))
    assert float(share.mean()) == pytest.approx(12 / 13, abs=4 * deviation / 200)


@pytest.fixture(scope="module")
def problem() -> Problem:
    """N(0, I) to N(m, diag(1/2, ..., 1/8)) in 12 dimensions."""
    return Problem(Empirical(normal(4000, 12, "p")), Empirical(3 + SCALE * normal(4000, 12, "q")))


@pytest.fixture(scope="module")
def field(problem: Problem) -> PosteriorField:
    method = Efm(EfmParams(width=64, batch=256, lr=4e-3, ema=0.99))
    objective = method.objective(problem, derive(1, "objective"))
    assert isinstance(objective, PosteriorRegression)
    fit = method.trainer().fit(objective, Budget(steps=400), derive(1, "fit"))
    assert isinstance(fit.model, PosteriorField)
    return fit.model


def test_it_carries_one_law_onto_the_other_and_back(field: PosteriorField) -> None:
    x, y = normal(1000, 12, "new"), 3 + SCALE * normal(1000, 12, "other")
    moved = Transport(field, Midpoint(steps=10)).push(x, derive(0))
    # Two for the steps from the one plate and to the other.
    assert set(moved.evaluations.tolist()) == {2 * 10 + 2}
    there = moved.points
    back = Transport(field, Midpoint(steps=10)).push(y, derive(0), reverse=True).points
    for moved, mean, spread in ((there, 3.0, SCALE), (back, 0.0, torch.ones(12))):
        torch.testing.assert_close(moved.mean(0), torch.full((12,), mean), atol=0.2, rtol=0)
        # What 400 steps do; a point left where it was would have 2 or 1/2.
        assert float((moved.std(0) / spread).log().mean()) == pytest.approx(0, abs=0.2)


def test_a_shift_of_a_law_shifts_what_is_moved(caplog: pytest.LogCaptureFixture) -> None:
    """Lengths are those of centred samples, and lines begin and end as on the plates."""
    moved, starts = [], []
    x = normal(50, 9, "new")
    for shift in (0.0, 1000.0):
        made = Problem(Empirical(normal(300, 9, "p")), Empirical(shift + normal(300, 9, "q")))
        # What is of lines alone is said to be idle above eight dimensions.
        params = EfmParams(width=16, depth=1, lines=7)
        objective = Efm(params).objective(made, derive(1, "objective"))
        field = objective.model()
        moved.append(Transport(field, Midpoint(steps=5)).push(x, derive(0)).points - shift)
        starts.append(field.drop(field.lift(x)))
    torch.testing.assert_close(moved[0], moved[1], atol=2e-3, rtol=1e-3)
    torch.testing.assert_close(starts[0], starts[1], atol=1e-4, rtol=1e-4)
    assert "makes no use of lines" in caplog.text


def test_a_narrow_law_is_reached_and_left() -> None:
    """Also by few steps of training: what they miss near one plate they miss near the other."""
    p, q = normal(1000, 12, "p"), 0.03 * normal(1000, 12, "q")
    problem, params = Problem(Empirical(p), Empirical(q)), EfmParams(width=48, depth=2)
    objective = Efm(params).objective(problem, derive(1, "objective"))
    field = Efm(params).trainer().fit(objective, Budget(steps=300), derive(1, "fit")).model
    x = normal(300, 12, "x")
    transport = Transport(field, Midpoint(steps=10))
    there = transport.push(x, derive(0)).points / 0.03
    back = transport.push(0.03 * x, derive(0), reverse=True).points
    for moved in (there, back):
        assert 0.85 < float(moved.std()) < 1.15
        assert float(torch.nn.functional.cosine_similarity(moved, x).median()) > 0.9


@pytest.mark.parametrize("count", [1, 20])
def test_a_law_of_one_point_is_reached(count: int) -> None:
    problem = Problem(Empirical(normal(50, 9, "p")), Empirical(torch.full((count, 9), 3.0)))
    method = Efm(EfmParams(width=8, depth=1, batch=16))
    objective = method.objective(problem, derive(1, "objective"))
    field = method.trainer().fit(objective, Budget(steps=5), derive(1, "fit")).model
    moved = Transport(field, Midpoint(steps=4)).push(normal(20, 9, "x"), derive(0)).points
    torch.testing.assert_close(moved, torch.full_like(moved, 3.0), atol=0.05, rtol=0)


class Known(PosteriorField):
    """The field of given samples: N in the middle of the data, and one."""

    def __init__(self, source: Tensor, target: Tensor) -> None:
        super().__init__(
            source.shape[1:], gap=20.0, near=(0.12, 0.12), least=(0.05, 0.05), width=2, depth=1
        )
        self.samples = source, target
        self.passage.set_samples(source, target)

    def parts(self, x: Tensor, s: Tensor) -> Parts:
        below, above = (
            kernels(x, charges, height) / len(charges)
            for charges, height in zip(self.samples, self.heights(s), strict=True)
        )
        means = [
            k @ c / k.sum(1, keepdim=True)
            for k, c in zip((below, above), self.samples, strict=True)
        ]
        logit = below.sum(1).log() - above.sum(1).log()
        return Parts(*means, (torch.ones(1), torch.ones(1)), logit)


def test_lines_end_on_the_plate_and_not_at_a_height_above_it() -> None:
    """On a single sample, whichever way, and with none of the noise of the last height."""
    many, one = normal(40, 12, "p"), torch.zeros(1, 12)
    x = normal(30, 12, "x")
    for field, reverse in ((Known(many, one), False), (Known(one, many), True)):
        ways = field.reverse() if reverse else field
        moved = Transport(field, Midpoint(steps=10)).push(x, derive(0), reverse=reverse, save=3)
        assert moved.path is not None
        assert float(ways.along(moved.path[-1]).norm(dim=1).min()) > 0.01
        assert float(moved.points.norm(dim=1).max()) < 1e-5


@pytest.mark.parametrize("height", [0.02, 0.2, 2.0, 40.0])
def test_what_is_known_of_a_normal_sample_by_its_place(height: float) -> None:
    """Nothing is left to learn of its mean, and its error is as large as said at any height."""
    sample = normal(4000, 12, "sample")
    free = freedom(sample)
    assert float(free) == pytest.approx(12, rel=0.15)
    place = sample + height * cauchy(sample, derive(0, "noise"))
    size = place.square().mean(1, keepdim=True)
    kept, deviation = shrinkage(size, torch.full_like(size, height), torch.tensor(1.0), free)
    error = (sample - kept * place) / deviation
    assert float(error.square().mean()) == pytest.approx(1, abs=0.2)
    along = place / size.sqrt()
    assert float((error * along).mean()) == pytest.approx(0, abs=0.02)


def test_lines_are_straight_next_to_their_plate() -> None:
    """Twice as high they have gone twice as far, for x on the plate is m there."""
    one, heights = torch.ones(2, 1), torch.tensor([[0.05], [0.1]])
    kept, _ = shrinkage(one, heights, torch.tensor(1.0), torch.tensor(12.0))
    near, far = (1 / kept - 1).squeeze(1).tolist()
    assert far == pytest.approx(2 * near, rel=0.03)


class Linear(Known):
    """Posterior means of a law that is wide in some directions and narrow in the others."""

    kept = torch.tensor([0.99, 0.8]).repeat(6)

    def parts(self, x: Tensor, s: Tensor) -> Parts:
        return super().parts(x, s)._replace(source=self.kept * x, target=self.kept * x)


def test_the_step_from_a_plate_and_the_step_to_it_are_along_one_line() -> None:
    field = Linear(normal(40, 12, "p"), torch.zeros(1, 12))
    x = normal(30, 12, "x")
    returned = field.reverse().drop(field.lift(x))
    torch.testing.assert_close(returned, x, atol=0, rtol=1.01 * 0.2**2)
    torch.testing.assert_close(returned[:, ::2], x[:, ::2], atol=0, rtol=1.2e-4)


def test_lengths_that_are_given_are_those_of_the_data(problem: Problem) -> None:
    params = EfmParams(width=8, depth=1, distance=20.0, offset=0.5)
    field = Efm(params).objective(problem, derive(1)).model()
    assert isinstance(field, PosteriorField)
    lengths = torch.tensor([field.passage.gap, *field.least]) * field.scale
    torch.testing.assert_close(lengths, torch.tensor([20.0, 0.5, 0.5]))


@pytest.mark.parametrize("scales", [(1e-3, 1.0), (1.0, 1e-3)])
def test_lines_begin_and_end_about_the_mean_of_their_own_plate(scales: tuple[float, float]) -> None:
    """Also where the offset is beyond the middle of s, which a narrow sample moves."""
    p, q = scales[0] * normal(200, 12, "p") + 5, scales[1] * normal(200, 12, "q")
    params = EfmParams(width=8, depth=1, offset=0.8)
    field = Efm(params).objective(Problem(Empirical(p), Empirical(q)), derive(1)).model()
    for side, way in ((p, field), (q, field.reverse())):
        states = way.lift(side)
        flat = field.passage.place(states[:, :-1], states[:, -1]) * field.scale
        # A step further than on it, by a few of its spreads.
        assert float((flat - side + side.mean(0)).abs().max()) < 10 * float(side.std())


@pytest.mark.parametrize("distance", [1e-9, 1e30])
@pytest.mark.parametrize("dim", [2, 12])
def test_a_distance_at_which_nothing_is_left_of_the_field_is_refused(
    distance: float, dim: int
) -> None:
    made = Problem(Empirical(normal(50, dim, "p")), Empirical(normal(50, dim, "q")))
    with pytest.raises(Refusal, match=r"choose between .* and .*, or auto"):
        Efm(EfmParams(distance=distance)).objective(made, derive(1))


class Cut(KeyboardInterrupt):
    """A Ctrl-C of the test."""


def test_a_fit_that_was_cut_off_goes_on_to_the_same_numbers(
    problem: Problem, tmp_path: Path
) -> None:
    method = Efm(EfmParams(width=8, depth=1, batch=32))

    def fit(*callbacks: Callback) -> Fit:
        objective = method.objective(problem, derive(1, "objective"))
        file = tmp_path / "fit.checkpoint"
        return method.trainer().fit(objective, Budget(steps=8), derive(1), callbacks, file)

    def cut(progress: Progress) -> None:
        if progress.step == 5:
            raise Cut

    whole = fit()
    with pytest.raises(Cut):
        fit(cut)
    assert (tmp_path / "fit.checkpoint").exists()
    resumed = fit()
    for name, weight in resumed.model.state_dict().items():
        assert torch.equal(weight, whole.model.state_dict()[name]), name


def test_few_dimensions_learn_exact_lines() -> None:
    few = Problem(Empirical(normal(100, 8, "p")), Empirical(normal(100, 8, "q")))
    params = EfmParams(lines=10, charges=100)
    assert isinstance(Efm(params).objective(few, derive(0)), SlopeRegression)


def test_it_is_loaded_as_it_was(field: PosteriorField) -> None:
    again = Efm(EfmParams()).blank(field.config)
    assert isinstance(again, PosteriorField)
    again.load_state_dict(field.state_dict())
    x = normal(50, 12, "new")
    moved, same = (
        Transport(f, Midpoint(steps=5)).push(x, derive(0)).points for f in (field, again)
    )
    assert torch.equal(moved, same)


@pytest.mark.parametrize("dim", [2, 12])
def test_an_offset_that_is_nearer_to_the_other_plate_is_refused(dim: int) -> None:
    made = Problem(Empirical(normal(40, dim, "p")), Empirical(3 + normal(40, dim, "q")))
    with pytest.raises(
        Refusal, match=r"offset=2000 is too far from a plate.* choose at most"
    ) as no:
        Efm(EfmParams(offset=2000.0, lines=10)).objective(made, derive(1))
    allowed = float(str(no.value).split("at most ")[1].split(",")[0])
    Efm(EfmParams(offset=0.99 * allowed, lines=10)).objective(made, derive(1))
