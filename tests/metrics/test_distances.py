"""Distances between samples against closed forms, and their floors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from transportkit import DistributionMetric
from transportkit.metrics import pairs
from transportkit.metrics.energy_distance import EnergyDistance
from transportkit.metrics.exact import W2
from transportkit.metrics.kernels import MMD, median_distance
from transportkit.metrics.pairs import mean_over_pairs
from transportkit.metrics.slices import SlicedW2, directions, quantile_cost

DISTANCES = [W2(), SlicedW2(), EnergyDistance(), MMD()]
names = pytest.mark.parametrize("metric", DISTANCES, ids=lambda m: type(m).__name__)


def normal(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=Generator().manual_seed(seed))


@names
@pytest.mark.parametrize("shape", [(300, 2), (300, 12), (60, 1, 8, 8)])
def test_equal_samples_are_at_distance_zero(
    metric: DistributionMetric, shape: tuple[int, ...], generator: Generator
) -> None:
    x = torch.randn(shape, generator=generator)
    shuffled = x[torch.randperm(len(x), generator=generator)]
    # MMD is a root of differences that are exact to single precision.
    assert 0 <= metric.distance(x, x, generator) < 5e-4
    assert 0 <= metric.distance(x, shuffled, generator) < 5e-4


@names
def test_different_samples_are_not(metric: DistributionMetric, generator: Generator) -> None:
    x = normal(300, 2)
    near = metric.distance(x, normal(300, 2, 1), generator)
    middle = metric.distance(x, normal(300, 2, 1) + 0.5, generator)
    far = metric.distance(x, normal(300, 2, 1) + 2, generator)
    assert 0 < near < middle < far


@names
def test_floors_shrink_with_the_sample(metric: DistributionMetric, generator: Generator) -> None:
    def floor(n: int) -> float:
        values = [
            metric.distance(normal(n, 2, 2 * k), normal(n, 2, 2 * k + 1), generator)
            for k in range(6)
        ]
        return sum(values) / len(values)

    assert 0 < floor(400) < 0.8 * floor(60)


@names
def test_one_generator_state_gives_one_value(metric: DistributionMetric) -> None:
    x, y = normal(2010, 3), normal(600, 3, 1)
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (metric.distance(x, y, Generator().manual_seed(5)) for _ in range(2))
    assert first == second
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002


@names
def test_lost_points_make_the_value_nan(metric: DistributionMetric, generator: Generator) -> None:
    x = normal(50, 2)
    x[3, 1] = math.inf
    assert math.isnan(metric.distance(x, normal(50, 2, 1), generator))


@names
def test_a_far_common_offset_changes_nothing(
    metric: DistributionMetric, generator: Generator
) -> None:
    x, y = normal(200, 3).double(), normal(200, 3, 1).double() + 1
    here = metric.distance(x, y, Generator().manual_seed(0))
    there = metric.distance(x + 1e5, y + 1e5, Generator().manual_seed(0))
    assert there == pytest.approx(here, rel=1e-5)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_w2_between_translated_copies_is_the_shift(d: int, generator: Generator) -> None:
    shift = torch.linspace(1, 2, d)
    x = normal(250, d)
    assert W2().distance(x, x + shift, generator) == pytest.approx(shift.norm().item(), rel=1e-5)


def test_w2_on_a_line_couples_quantiles(generator: Generator) -> None:
    x, y = normal(211, 1).double(), normal(140, 1, 1).double().exp()
    expected = quantile_cost(x.T.sort().values, y.T.sort().values).sqrt().item()
    assert W2().distance(x, y, generator) == pytest.approx(expected, rel=1e-9)
    assert SlicedW2().distance(x, y, generator) == pytest.approx(expected, rel=1e-12)


def test_w2_between_gaussians_is_near_the_closed_form(generator: Generator) -> None:
    """N(0, I) against N(3, 4 I) in the plane: W2^2 = 9 + 9 + 1 + 1."""
    value = W2().distance(normal(1000, 2), 2 * normal(1000, 2, 1) + 3, generator)
    assert value == pytest.approx(math.sqrt(20), rel=0.05)


def test_w2_draws_at_most_its_limit(generator: Generator) -> None:
    x = normal(300, 2)
    y = x + torch.tensor([3.0, 0.0])
    value = W2(limit=60).distance(x, y, generator)
    assert value == pytest.approx(3, rel=0.2)
    assert value != pytest.approx(3, rel=1e-6)
    assert W2(limit=300).distance(x, y, generator) == pytest.approx(3, rel=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=7), st.integers(1, 7), st.integers(1, 7))
def test_unequal_sizes_are_coupled_exactly(values: list[int], copies: int, other: int) -> None:
    """Repeating every point of a sample leaves its law, and so every distance, as it was."""
    a = torch.tensor([sorted(values)], dtype=torch.float64)
    b = torch.linspace(-2, 5, other, dtype=torch.float64)[None]
    once = quantile_cost(a, b).item()
    assert quantile_cost(a.repeat_interleave(copies, 1), b).item() == pytest.approx(once, abs=1e-9)
    common = a.repeat_interleave(other, 1) - b.repeat_interleave(len(values), 1)
    assert once == pytest.approx(common.square().mean().item(), abs=1e-9)


@pytest.mark.parametrize("d", [1, 2, 3, 64])
def test_sliced_w2_of_a_shift_is_the_shift_over_root_d(d: int, generator: Generator) -> None:
    x, shift = normal(100, d).double(), torch.linspace(1, 3, d).double()
    metric = SlicedW2(projections=d * math.ceil(100 / d))
    expected = shift.norm().item() / math.sqrt(d)
    assert metric.distance(x, x + shift, generator) == pytest.approx(expected, rel=1e-9)


def test_sliced_w2_of_isotropic_gaussians(generator: Generator) -> None:
    """N(0, I) against N(0, 9 I): every slice is |3 - 1|."""
    value = SlicedW2().distance(normal(20_000, 4), 3 * normal(20_000, 4, 1), generator)
    assert value == pytest.approx(2, rel=0.01)


def test_projection_noise_is_far_below_the_floor() -> None:
    for d in (2, 16):
        x, y = normal(1000, d), normal(1000, d, 1)
        values = [SlicedW2().distance(x, y, Generator().manual_seed(k)) for k in range(8)]
        assert np.std(values) < 0.02 * np.mean(values)


def test_directions_are_uniform_unit_vectors(generator: Generator) -> None:
    for d in (2, 3, 10):
        w = directions(30 * d, d, generator)
        assert torch.allclose(w.norm(dim=1), torch.ones(30 * d).double())
        assert torch.allclose(w.T @ w / (30 * d), torch.eye(d).double() / d, atol=1e-12)


def test_energy_distance_of_points_is_by_hand(generator: Generator) -> None:
    """{0, 1} against {3}: 2 * 2.5 - 0.5 - 0."""
    a, b = torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0]])
    assert EnergyDistance().distance(a, b, generator) == pytest.approx(4.5, rel=1e-6)


def test_energy_distance_on_a_line_is_the_gap_of_distribution_functions(
    generator: Generator,
) -> None:
    """2 times the integral of (F - G)^2 (Szekely and Rizzo 2013)."""
    x, y = normal(80, 1), normal(50, 1, 1) + 0.5
    grid = torch.cat([x, y]).double().flatten().sort().values
    f, g = ((s.double() <= grid[:-1]).double().mean(0) for s in (x, y))
    expected = 2 * ((f - g).square() * grid.diff()).sum().item()
    assert EnergyDistance().distance(x, y, generator) == pytest.approx(expected, rel=1e-4)


def test_floor_of_energy_distance_is_as_documented(generator: Generator) -> None:
    n = 200
    values = [
        EnergyDistance().distance(normal(n, 2, 2 * k), normal(n, 2, 2 * k + 1), generator)
        for k in range(40)
    ]
    # E|Y - Y'| is sqrt(pi) for N(0, I) in the plane.
    assert np.mean(values) == pytest.approx(2 * math.sqrt(math.pi) / n, rel=0.3)


def test_mmd_of_points_is_by_hand(generator: Generator) -> None:
    a, b, h = torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 2.0]]), 1.7
    kernel = np.mean([math.exp(-5 / (2 * (s * h) ** 2)) for s in (0.5, 1, 2, 4)])
    value = MMD(bandwidth=h).distance(a, b, generator)
    assert value == pytest.approx(math.sqrt(2 - 2 * kernel), rel=1e-5)


def test_bandwidth_is_the_target_s_alone(generator: Generator) -> None:
    y = normal(500, 2)
    h = median_distance(y.double())
    assert h == pytest.approx(math.sqrt(4 * math.log(2)), rel=0.05)
    for x in (normal(500, 2, 1), 1000 * normal(500, 2, 1)):
        auto, fixed = (m.distance(x, y, generator) for m in (MMD(), MMD(bandwidth=h)))
        assert auto == pytest.approx(fixed, rel=1e-5)
    assert median_distance(torch.ones(5, 2).double()) == 1


@pytest.mark.parametrize("d", [2, 12])
def test_blocks_do_not_change_the_value(
    d: int, generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = normal(523, d), normal(310, d, 1) + 0.3
    whole = [m.distance(x, y, generator) for m in (EnergyDistance(), MMD())]
    for blocks in ((1, 1000), (7, 13), (64, 16), (16, 64), (310, 310), (2000, 2000)):
        monkeypatch.setitem(pairs._BLOCKS, "cpu", blocks)
        parts = [m.distance(x, y, generator) for m in (EnergyDistance(), MMD())]
        assert parts == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize("d", [1, 2, 8, 9, 40])
def test_means_over_pairs_match_all_pairs_at_once(d: int) -> None:
    x, y = normal(700, d).double(), normal(600, d, 1).double()
    for left, right in ((x, y), (y, x), (x, x)):
        all_pairs = (left[:, None] - right).norm(dim=2).mean().item()
        assert mean_over_pairs(torch.Tensor.sqrt_, left, right) == pytest.approx(
            all_pairs, rel=3e-7
        )


def test_the_number_of_threads_is_left_as_it_was() -> None:
    before = torch.get_num_threads()
    EnergyDistance().distance(normal(10, 2), normal(10, 2, 1), Generator())
    assert torch.get_num_threads() == before


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@names
def test_values_agree_on_a_device(metric: DistributionMetric) -> None:
    x, y = normal(1500, 3), normal(1200, 3, 1) + 1
    here = metric.distance(x, y, Generator().manual_seed(0))
    there = metric.distance(x.cuda(), y.cuda(), Generator().manual_seed(0))
    assert there == pytest.approx(here, rel=1e-4)
