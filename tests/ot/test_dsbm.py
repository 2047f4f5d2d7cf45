import pytest
import torch

from tests.ot.fits import fitted
from transportkit import Empirical, EulerMaruyama, Midpoint, Problem, derive
from transportkit_ot.bridge import DSBMParams
from transportkit_ot.bridge.drifts import BridgeField
from transportkit_ot.bridge.matching import DSBM

SMALL = {"width": 32, "depth": 2, "batch": 256, "lr": 5e-3, "pairs": 2048, "simulation": 20}


@pytest.fixture(scope="module")
def bridge() -> BridgeField:
    """From N(-2, 1) to N(2, 1) with noise of variance 1 for the unit of time."""
    x, y = (torch.randn(4000, 1, generator=derive(i)) for i in range(2))
    params = {**SMALL, "epsilon": 1.0, "unit": "data", "rounds": 5}
    model = fitted("dsbm", x - 2, y + 2, params, steps=400)
    assert isinstance(model, BridgeField)
    return model


def test_gaussians_are_bridged_as_in_the_closed_form(bridge):
    x = torch.randn(4000, 1, generator=derive(7)) - 2
    solution = EulerMaruyama(steps=50).solve(bridge, x, derive(8), save=3)
    assert solution.path is not None
    half, y = solution.path[1], solution.end
    # (1-t)^2 + t^2 + t(1-t) sqrt(4 + sigma^4), of which independent pairs have 0.75 at t = 1/2.
    assert float(half.var()) == pytest.approx(0.5 + 0.25 * 5**0.5, abs=0.1)
    assert float(y.mean()) == pytest.approx(2, abs=0.12)
    assert float(y.var()) == pytest.approx(1, abs=0.15)
    cross = ((x - x.mean()) * (y - y.mean())).mean()
    assert float(cross) == pytest.approx((1 + 1 / 4) ** 0.5 - 1 / 2, abs=0.1)


def test_it_runs_backwards_and_along_lines_to_the_same_laws(bridge):
    y = torch.randn(4000, 1, generator=derive(7)) + 2
    x = EulerMaruyama(steps=50).solve(bridge.reverse(), y, derive(8)).end
    assert float(x.mean()) == pytest.approx(-2, abs=0.12)
    assert float(x.var()) == pytest.approx(1, abs=0.15)
    line = Midpoint(steps=20).solve(bridge, y - 4, derive(8)).end
    assert float(line.mean()) == pytest.approx(2, abs=0.12)
    assert float(line.var()) == pytest.approx(1, abs=0.15)
    assert bridge.reverse().reverse() is bridge


def test_rounds_fit_in_any_budget_and_are_resumed():
    x, y = torch.randn(100, 2, generator=derive(0)), torch.rand(100, 2, generator=derive(1))
    method = DSBM(DSBMParams(rounds=4, first=0.5, pairs=50, simulation=3, width=8, depth=1))
    game = method.objective(Problem(Empirical(x), Empirical(y)), derive(0))
    seen = []
    for share in (0.0, 0.49, 0.5, 0.7, 0.99):
        game.proceed(share)
        game.draw(4, derive(1))
        seen.append(game.made)
    assert seen == [0, 0, 1, 2, 4]
    other = method.objective(Problem(Empirical(x), Empirical(y)), derive(0))
    other.restore(game.state())
    other.proceed(0.99)
    first, second = game.draw(8, derive(2)), other.draw(8, derive(2))
    assert torch.equal(first.onwards.x, second.onwards.x)
    # Each drift learns from pairs whose end on the side it leads to is true.
    assert torch.isin(game.field.frame.to_target(first.onwards.y), y).float().mean() > 0.9
    assert not torch.isin(first.backwards.y, first.onwards.y).any()


def test_times_keep_off_the_ends(monkeypatch):
    """A time of 0 leaves the backward drift no time to make for its end."""
    monkeypatch.setattr(torch, "rand", lambda n, **_: torch.zeros(n))
    x = torch.randn(100, 2, generator=derive(0))
    game = DSBM(DSBMParams(width=8, depth=1)).objective(
        Problem(Empirical(x), Empirical(x)), derive(0)
    )
    batch = game.draw(4, derive(1))
    assert all(game.loss(player, batch, derive(2)).isfinite() for player in game.players)
