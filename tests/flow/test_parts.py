"""The parts of flow matching: couplings and paths."""

import math
from pathlib import Path as File
from typing import Any

import pytest
import torch
from scipy.optimize import linear_sum_assignment

from transportkit import Budget, Diverged, Empirical, Midpoint, Problem, Transport, derive
from transportkit_flow import FlowParams, UnbalancedFlowParams
from transportkit_flow.couplings import sinkhorn
from transportkit_flow.couplings.coupling import Coupling, Independent
from transportkit_flow.couplings.entropic import EntropicOT
from transportkit_flow.couplings.exact import MinibatchOT
from transportkit_flow.couplings.sinkhorn import _warn, plan, squared_distances
from transportkit_flow.couplings.unbalanced import UnbalancedOT
from transportkit_flow.paths.bridge import Bridge
from transportkit_flow.paths.constant import Constant
from transportkit_flow.paths.linear import Linear
from transportkit_flow.paths.path import Path
from transportkit_flow.paths.trigonometric import Trigonometric


def draws(n: int, *shape: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    g = derive(seed, "draws")
    return torch.randn(n, *shape, generator=g), 2 * torch.randn(n, *shape, generator=g) + 3


def mean_cost(pair: tuple[torch.Tensor, torch.Tensor]) -> float:
    return float((pair[0] - pair[1]).flatten(1).square().sum(1).mean())


def rows(x: torch.Tensor) -> list[list[float]]:
    return sorted(x.flatten(1).tolist())


def test_minibatch_ot_costs_what_the_exact_assignment_costs():
    x, y = draws(256, 2)
    cost = torch.cdist(x, y).square()
    least = float(cost[linear_sum_assignment(cost.numpy())].mean())
    assert least <= mean_cost(MinibatchOT(0.01).pair(x, y, derive(0))) * (1 + 1e-5)
    assert mean_cost(MinibatchOT(0.01).pair(x, y, derive(0))) <= 1.01 * least
    assert least < 0.9 * mean_cost(Independent().pair(x, y, derive(0)))


@pytest.mark.parametrize("dim", [2, 10])
def test_points_that_are_not_finite_have_no_pairs(dim):
    x, y = draws(16, dim)
    x[3, 0] = math.nan
    with pytest.raises(Diverged, match="finite points"):
        MinibatchOT().pair(x, y, derive(0))


def test_an_unfinished_plan_warns_once(caplog):
    x, y = draws(64, 2)
    _warn.cache_clear()
    for _ in range(2):
        plan(squared_distances(x, y), 1e-6, None)
    assert len(caplog.records) == 1
    assert "raise sigma" in caplog.text


def test_a_plan_of_little_entropy_holds_its_marginals_within_some_tens_of_iterations(
    caplog, monkeypatch
):
    monkeypatch.setattr(sinkhorn, "_MOST_ITERATIONS", 120)
    _warn.cache_clear()
    x, y = draws(256, 24)
    cost = squared_distances(x - x.mean(0), y - y.mean(0))
    weights = plan(cost, 1e-3 * float(cost.mean()), None)
    assert not caplog.records
    for side in (0, 1):
        assert float((weights.sum(side) / 256 - 1).abs().mean()) < 0.01


def test_couplings_only_rearrange_the_batch():
    x, y = draws(100, 3, 2)
    couplings: list[Coupling] = [Independent(), MinibatchOT(), MinibatchOT(chunk=32)]
    for coupling in couplings:
        a, b = coupling.pair(x, y, derive(0))
        assert a.shape == b.shape == (100, 3, 2)
        assert rows(a) == rows(x)
        assert rows(b) == rows(y)


def test_pairs_do_not_depend_on_a_shift():
    x, y = draws(64, 2)
    near = MinibatchOT(0.001).pair(x, y, derive(0))[1]
    far = MinibatchOT(0.001).pair(x, y + 64, derive(0))[1] - 64
    assert (near - far).abs().amax() < 1e-4


def test_a_cut_batch_is_paired_piece_by_piece():
    x, y = draws(96, 2)
    whole = MinibatchOT(chunk=48).pair(x, y, derive(0))[1]
    assert torch.equal(whole[48:], MinibatchOT().pair(x[48:], y[48:], derive(0))[1])


@pytest.mark.parametrize("latent", [5, 128])
def test_many_dimensions_are_paired_to_within_a_percent_of_the_least_cost(latent: int) -> None:
    """Pieces would do where points fill their space, and not where they lie near a flat one."""
    turn = torch.linalg.qr(torch.randn(128, 128, generator=derive(0, "turn")))[0][:latent]
    x, y = (side @ turn for side in draws(4096, latent))
    fitted = MinibatchOT().fitted(Problem(Empirical(x), Empirical(y)), derive(0, "fit"))
    x, y = (side @ turn for side in draws(1024, latent, seed=1))
    least, cut, chosen = (
        # Of centred sides: a shift costs the same under every pairing.
        mean_cost(way.pair(x - x.mean(0), y - y.mean(0), derive(0)))
        for way in (MinibatchOT(1e-3), MinibatchOT(chunk=512), fitted)
    )
    assert chosen <= 1.012 * least
    assert (cut > 1.05 * least) == (latent == 5)


def test_the_coupling_and_the_path_of_the_page_are_what_they_say() -> None:
    page = (File(__file__).parents[2] / "docs" / "methods.md").read_text()
    (block,) = (b for b in page.split("```python\n")[1:] if "(Coupling)" in b)
    names: dict[str, Any] = {"__name__": "page"}
    exec(block.split("```")[0], names)
    x, y = draws(200, 2)
    a, b = names["Ranked"]().pair(x, y, derive(0))
    assert rows(a) == rows(x)
    assert rows(b) == rows(y)
    assert mean_cost((a, b)) < 0.9 * mean_cost((x, y))
    state = at(Path(names["Smooth"](), Constant()), 1.0, x, y).state
    assert torch.allclose(state, y)
    problem = Problem(Empirical(x), Empirical(y))
    method = names["RankedFlow"](FlowParams(width=32, depth=2, lr=1e-2, batch=128))
    game = method.objective(problem, derive(1))
    field = method.trainer().fit(game, Budget(steps=100), derive(2)).model
    moved = Transport(field, Midpoint(10)).push(x, derive(3)).points
    assert (moved.mean(0) - y.mean(0)).norm() < 0.5
    assert (moved.std(0) - y.std(0)).norm() < 0.5


def at(path: Path, time: float, x: torch.Tensor, y: torch.Tensor, seed: int = 0):
    return path.at(torch.full((len(x),), time, dtype=x.dtype), x, y, derive(seed, "path"))


@pytest.mark.parametrize("mean", [Linear(), Linear(0.1), Trigonometric()])
@pytest.mark.parametrize("noise", [Constant(0.3), Bridge(0.7), Constant()])
def test_the_velocity_is_the_rate_of_the_state(mean, noise):
    x, y = (p.double() for p in draws(50, 2, 2))
    path, h = Path(mean, noise), 1e-5
    before, now, after = (at(path, 0.3 + step, x, y) for step in (-h, 0.0, h))
    assert torch.allclose(now.velocity, (after.state - before.state) / (2 * h), atol=1e-6)


@pytest.mark.parametrize("mean", [Linear(), Trigonometric()])
def test_a_path_joins_its_points(mean):
    x, y = draws(10, 2, 2)
    assert torch.allclose(at(Path(mean, Constant()), 0.0, x, y).state, x, atol=1e-6)
    assert torch.allclose(at(Path(mean, Constant()), 1.0, x, y).state, y, atol=1e-6)


def test_lipmans_path_ends_in_noise_of_the_smallest_size():
    x, y = torch.randn(20_000, 1, generator=derive(0)), torch.full((20_000, 1), 3.0)
    for t in (0.0, 0.5, 1.0):
        state = at(Path(Linear(0.1), Constant()), t, x, y).state
        assert abs(float(state.mean()) - 3 * t) < 0.03
        assert float(state.std()) == pytest.approx(1 - 0.9 * t, rel=0.03)


def test_the_trigonometric_path_keeps_the_variance_of_independent_points():
    g = derive(0)
    x, y = torch.randn(20_000, 1, generator=g), torch.randn(20_000, 1, generator=g)
    state = at(Path(Trigonometric(), Constant()), 0.4, x, y).state
    assert float(state.var()) == pytest.approx(1, rel=0.03)


@pytest.mark.parametrize(("noise", "std"), [(Constant(0.3), 0.3), (Bridge(2.0), 2 * 0.75**0.5 / 2)])
def test_the_noise_about_the_middle_has_its_size(noise, std):
    x, y = torch.zeros(20_000, 1), torch.ones(20_000, 1)
    state = at(Path(Linear(), noise), 0.25, x, y).state
    assert abs(float(state.mean()) - 0.25) < 0.02
    assert float(state.std()) == pytest.approx(std, rel=0.03)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_bridges_between_entropic_pairs_are_the_schroedinger_bridge(sigma):
    # Between N(-m, 1) and N(m, 1) its variance is known (Mallasto, Gerolin and Minh 2022).
    g = derive(0)
    x, y = (torch.randn(1500, 1, generator=g, dtype=torch.float64) + m for m in (-1, 1))
    x, y = (x - x.mean()) / x.std() - 1, (y - y.mean()) / y.std() + 1
    pairs = [EntropicOT(2 * sigma**2, chunk=1500).pair(x, y, derive(1, i)) for i in range(8)]
    a, b = (torch.cat(side) for side in zip(*pairs, strict=True))
    for t in (0.25, 0.5):
        variance = float(at(Path(Linear(), Bridge(sigma)), t, a, b).state.var())
        truth = (1 - t) ** 2 + t**2 + t * (1 - t) * math.sqrt(4 + sigma**4)
        assert variance == pytest.approx(truth, rel=0.04)


def test_entropic_pairs_keep_both_marginals():
    x, y = draws(400, 2)
    pairs = [EntropicOT(0.5).pair(x, y, derive(i)) for i in range(60)]
    assert all(torch.equal(a, x) for a, _ in pairs)
    mean = torch.stack([b.mean(0) for _, b in pairs]).mean(0)
    assert torch.allclose(mean, y.mean(0), atol=0.03)


@pytest.mark.parametrize("dim", [2, 300])
def test_unbalanced_pairs_tend_to_optimal_ones_as_the_penalty_grows(dim):
    x, y = draws(200, dim)
    least = mean_cost(MinibatchOT(0.001).pair(x, y, derive(0)))

    def paired(penalty: float) -> tuple[float, int]:
        a, b = UnbalancedOT(0.002, penalty).pair(x, y, derive(0))
        return mean_cost((a, b)), len(torch.unique(a, dim=0))

    costs, kept = zip(*(paired(p) for p in (0.05, 1.0, 1000.0)), strict=True)
    assert costs[0] < costs[1] < costs[2] * 1.05
    assert costs[2] == pytest.approx(least, rel=0.05)
    assert kept[0] < 0.9 * 200
    assert kept[2] >= 190


def test_by_default_outliers_are_cut_and_clean_batches_kept():
    default = UnbalancedFlowParams()
    coupling = UnbalancedOT(default.epsilon, default.penalty)
    x, y = draws(400, 2)
    clean = torch.stack(coupling.pair(x, y, derive(0)))
    kept = clean.var(1).sum(1) / torch.stack([x, y]).var(1).sum(1)
    assert kept.tolist() == pytest.approx([1, 1], abs=0.05)
    y[:20] += 40
    _, b = coupling.pair(x, y, derive(0))
    # Balanced pairs must carry 20 in 400 there.
    assert (b[:, 0] > 20).float().mean() < 0.01


def test_far_points_are_left_out_at_a_small_penalty():
    x, y = draws(200, 2)
    x[:20] += 30
    a, _ = UnbalancedOT(0.01, 0.1).pair(x, y, derive(0))
    assert (a[:, 0] > 15).float().mean() < 0.01
    a, _ = UnbalancedOT(0.01, 100.0).pair(x, y, derive(0))
    assert (a[:, 0] > 15).float().mean() > 0.08
