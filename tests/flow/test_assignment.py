import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from transportkit_flow.couplings.assignment import assign, assign_points


def squared_distances(n: int, dim: int, seed: int, levels: int | None = None) -> np.ndarray:
    """Costs between two clouds; on a grid of `levels` a side, where many are equal."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, dim)), 2 * rng.normal(size=(n, dim)) + 1
    if levels:
        x, y = (np.round(s * levels) / levels for s in (x, y))
    return np.square(x[:, None] - y[None]).sum(-1).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 60),
    dim=st.integers(1, 8),
    seed=st.integers(0, 10_000),
    levels=st.sampled_from([None, 1, 4]),
    tolerance=st.sampled_from([0.3, 0.05, 0.001]),
)
def test_the_cost_is_within_the_promised_tolerance_of_the_least(n, dim, seed, levels, tolerance):
    cost = squared_distances(n, dim, seed, levels)
    columns = assign(cost, tolerance)
    assert sorted(columns) == list(range(n))
    least = cost[linear_sum_assignment(cost)].mean()
    assert cost[np.arange(n), columns].mean() <= (1 + tolerance) * least + 1e-5


@settings(max_examples=20, deadline=None)
@given(
    n=st.integers(1, 200),
    dim=st.integers(1, 6),
    seed=st.integers(0, 10_000),
    grid=st.booleans(),
)
def test_coordinates_serve_as_the_matrix_of_their_distances(n, dim, seed, grid):
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=(n, dim)).astype(np.float32) for _ in range(2))
    if grid:
        x, y = np.round(x), np.round(y)
    cost = np.square(x[:, None] - y[None]).sum(-1)
    columns = assign_points(x, y, 0.05)
    assert sorted(columns) == list(range(n))
    least = cost[linear_sum_assignment(cost)].mean()
    assert cost[np.arange(n), columns].mean() <= 1.05 * least + 1e-4


@pytest.mark.parametrize("dim", [1, 2, 8, 64])
def test_a_batch_costs_at_most_one_percent_more_than_the_least(dim):
    cost = squared_distances(512, dim, 0)
    least = cost[linear_sum_assignment(cost)].mean()
    assert cost[np.arange(512), assign(cost, 0.05)].mean() <= 1.01 * least


def test_equal_points_are_paired_at_no_cost():
    points = np.random.default_rng(0).normal(size=(64, 3))
    order = np.random.default_rng(1).permutation(64)
    cost = np.square(points[:, None] - points[order][None]).sum(-1).astype(np.float32)
    assert cost[np.arange(64), assign(cost, 0.01)].mean() < 1e-5


def test_one_price_for_all_is_any_permutation():
    assert sorted(assign(np.ones((5, 5), np.float32), 0.1)) == list(range(5))


def test_costs_that_are_not_finite_or_not_square_are_refused():
    with pytest.raises(ValueError, match="finite"):
        assign(np.array([[0, np.nan], [1, 2]], np.float32), 0.1)
    with pytest.raises(ValueError, match="negative"):
        assign(np.array([[0, -1], [1, 2]], np.float32), 0.1)
    with pytest.raises(ValueError, match="square"):
        assign(np.zeros((2, 3), np.float32), 0.1)
