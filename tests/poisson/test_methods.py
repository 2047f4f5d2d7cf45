"""The Poisson flow methods, from samples to moved points."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor

from tests.efm.samples import eight, normal, ratio
from transportkit import Budget, Empirical, Midpoint, Problem, Transport, derive
from transportkit.report.scene import look
from transportkit_poisson import PoissonParams, PoissonPlusParams
from transportkit_poisson.field import PoissonField
from transportkit_poisson.kernel import posterior_mean
from transportkit_poisson.matching import Poisson, PoissonFlow, PoissonFlowPlusPlus

SMALL = {"width": 64, "batch": 256, "charges": 256, "lr": 5e-3}
METHODS: dict[str, Poisson] = {
    "pfgm": PoissonFlow(PoissonParams(**SMALL)),
    "pfgm++": PoissonFlowPlusPlus(PoissonPlusParams(**SMALL)),
}
both = pytest.mark.parametrize("name", METHODS)


def problem() -> Problem:
    return Problem(Empirical(normal(1500, 2, "p")), Empirical(eight(1500, "q")))


@cache
def fitted(name: str, steps: int = 400, seed: int = 3) -> PoissonField:
    method = METHODS[name]
    objective = method.objective(problem(), derive(seed, "objective"))
    model = method.trainer().fit(objective, Budget(steps=steps), derive(seed, "fit")).model
    assert isinstance(model, PoissonField)
    return model


def pushed(field: PoissonField, x: Tensor, steps: int = 50, reverse: bool = False) -> Tensor:
    return Transport(field, Midpoint(steps)).push(x, derive(3, "push"), reverse=reverse).points


class ExactField(PoissonField):
    """The same lines in the field of the charges themselves."""

    charges: Tensor

    def slope(self, x: Tensor, sigma: Tensor) -> Tensor:
        return (x - posterior_mean(x, sigma, self.charges, self.extra)) / sigma[:, None]


@pytest.mark.parametrize("extra", [1, 64])
def test_lines_of_the_exact_field_carry_the_prior_onto_the_charges(extra: int) -> None:
    field = ExactField((2,), extra=extra, largest=80.0, smallest=0.005, width=4, depth=1)
    field.scale.fill_(3.5)
    field.charges = field.from_data(eight(800, "q"))
    assert ratio(pushed(field, normal(800, 2, "x"), steps=40), eight) < 1.3


def test_lines_are_seen_where_they_are() -> None:
    """Those of one charge are rays: as far from it as the radius says, and on it at their end."""
    field = ExactField((2,), extra=1, largest=80.0, smallest=0.005, width=4, depth=1)
    field.charges, charge = torch.zeros(1, 2), torch.tensor([3.0, -1.0])
    field.mean.copy_(charge)
    x = normal(20, 2, "x")
    samples = dict.fromkeys(("source", "moved", "target"), x.numpy())
    scene = look("", field, Midpoint(200), samples, 20, derive(3, "plot"))
    ways = torch.from_numpy(scene.tracks[..., :2]) - charge
    share = torch.linspace(0, 1, ways.shape[1], dtype=torch.float64)
    rays = ways[:, :1] * (field.sigma(share)[0] / 80)[:, None]
    torch.testing.assert_close(ways[:, :-1], rays[:, :-1], rtol=2e-2, atol=2e-3)
    assert float(ways[:, -1].abs().max()) < 1e-6
    assert scene.elsewhere
    for back in (field.reverse(), field.reverse().reverse()):
        torch.testing.assert_close(back.along(x), x + charge)
    for share_, text in field.axis.marks:
        assert float(field.sigma(torch.tensor(share_))[0]) == pytest.approx(float(text), rel=1e-3)


@pytest.mark.parametrize(("name", "most"), [("pfgm", 4.0), ("pfgm++", 2.0)])
def test_a_short_fit_generates(name: str, most: float) -> None:
    assert ratio(pushed(fitted(name), normal(1000, 2, "x")), eight) < most


@both
def test_there_and_back(name: str) -> None:
    x = normal(200, 2, "x")
    there = pushed(fitted(name), x, steps=200)
    back = pushed(fitted(name), there, steps=200, reverse=True)
    # The last step, onto the data, cannot be undone: that much is lost.
    assert float((back - x).norm(dim=1).median()) < 0.1


def test_one_extra_dimension_is_the_first_of_any_number() -> None:
    plus = PoissonFlowPlusPlus(PoissonPlusParams(**SMALL, extra=1))
    objective = plus.objective(problem(), derive(3, "objective"))
    model = plus.trainer().fit(objective, Budget(steps=5), derive(3, "fit")).model
    x = normal(50, 2, "x")
    assert torch.equal(pushed(model, x), pushed(fitted("pfgm", 5), x))


@both
def test_a_source_that_is_not_standard_normal_is_refused(name: str) -> None:
    target = Empirical(eight(1500, "q"))
    for source in (2 * normal(1500, 2, "p"), normal(1500, 2, "p") + 0.5, eight(1500, "p")):
        reason = METHODS[name].refuses(Problem(Empirical(source), target))
        assert reason is not None
        assert "N(0, I)" in reason
    assert METHODS[name].refuses(problem()) is None


def test_radii_in_the_wrong_order_are_refused() -> None:
    method = PoissonFlow(PoissonParams(smallest=2.0, largest=1.0))
    assert "below the largest" in str(method.refuses(problem()))
