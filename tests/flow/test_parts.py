"""The parts of flow matching: couplings and paths."""

import torch
from scipy.optimize import linear_sum_assignment

from transportkit import derive
from transportkit_flow.coupling import Coupling, Independent
from transportkit_flow.minibatch import MinibatchOT
from transportkit_flow.paths import Straight


def draws(n: int, *shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    g = derive(0, "draws")
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


def test_a_straight_path_joins_its_points_at_constant_velocity():
    x, y = draws(10, 2, 2)
    for time, state in ((0.0, x), (1.0, y), (0.25, 0.75 * x + 0.25 * y)):
        point = Straight().at(torch.full((10,), time), x, y, derive(0))
        assert torch.allclose(point.state, state, atol=1e-6)
        assert torch.equal(point.velocity, y - x)


def test_sigma_is_the_standard_deviation_about_the_path():
    x, y = torch.zeros(20_000, 1), torch.ones(20_000, 1)
    state = Straight(0.3).at(torch.full((20_000,), 0.5), x, y, derive(0)).state
    assert abs(float(state.mean()) - 0.5) < 0.01
    assert abs(float(state.std()) - 0.3) < 0.01
