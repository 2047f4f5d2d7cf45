"""The built-in problems: their moments, their randomness and their specs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Generator

from transportkit import Problem, registry

PLANAR = [
    "gaussians",
    "gaussians:modes=5,radius=3,std=0.2,dim=4",
    "modes",
    "swissroll",
    "swissroll:definition=ffjord",
    "swissroll:definition=dsb",
    "moons",
    "moons:definition=dsb",
    "moons-gaussians",
    "moons-gaussians:definition=dsb",
    "scurve",
    "scurve:definition=dsb",
    "checkerboard",
    "checkerboard:definition=dsb",
    "gaussian-pair",
    "gaussian-pair:dim=1",
    "gaussian-pair:dim=16,instance=3",
    "gaussians-moons",
    "moons:definition=runner",
    "scurve:definition=runner",
    "radial",
    "radial:dim=30,inner=0,radius=6",
    "quantile-1d:target=logistic",
    "quantile-product:dim=5",
    "lse:dim=16",
    "icnn:dim=4",
    "entropic-pair:dim=3",
    "digits",
    "digits:source=3,target=8",
]


def make(text: str) -> Problem:
    return registry.make("problem", registry.parse_choice("problem", text))


@pytest.mark.parametrize("text", PLANAR)
def test_same_seed_gives_the_same_points_and_no_global_state_is_touched(text: str) -> None:
    before = torch.random.get_rng_state()
    first, second = make(text), make(text)
    for side in ("source", "target"):
        one = getattr(first, side).sample(50, Generator().manual_seed(7))
        two = getattr(second, side).sample(50, Generator().manual_seed(7))
        other = getattr(second, side).sample(50, Generator().manual_seed(8))
        assert one.dtype == torch.float32
        assert one.shape == (50, *first.event_shape)
        assert torch.equal(one, two)
        assert not torch.equal(one, other)
    assert torch.equal(before, torch.random.get_rng_state())
    assert first.about["definition"]


@pytest.mark.parametrize("text", PLANAR)
def test_target_variance_is_the_truth_s(text: str, generator: Generator) -> None:
    problem = make(text)
    if problem.truth is None:
        pytest.skip("not stated for this problem")
    sample = problem.target.sample(50_000, generator).double()
    assert sample.var(0).sum().item() == pytest.approx(problem.truth.target_variance, rel=0.02)


@pytest.mark.parametrize("text", ["swissroll", "moons", "scurve"])
def test_standardised_curves_have_standard_deviation_seven(text: str, generator: Generator) -> None:
    x = make(f"{text}:definition=dsb").target.sample(100_000, generator).double()
    assert x.mean().item() == pytest.approx(0, abs=0.1)
    assert x.std().item() == pytest.approx(7, rel=0.01)


def test_ring_has_equal_modes_where_they_should_be(generator: Generator) -> None:
    x = make("gaussians").target.sample(40_000, generator)
    sector = (torch.atan2(x[:, 1], x[:, 0]) / (torch.pi / 4)).round().long() % 8
    counts = sector.bincount(minlength=8)
    assert counts.min() > 4700
    assert counts.max() < 5300
    for mode in range(8):
        inside = x[sector == mode]
        assert inside.mean(0).norm().item() == pytest.approx(5, abs=0.05)
        assert inside.std(0).mean().item() == pytest.approx(0.5, abs=0.02)


def test_stratified_modes_have_equal_counts_in_random_order(generator: Generator) -> None:
    x = make("modes:stratified=true").target.sample(1001, generator)
    right = x[:, 0] > 0
    assert right.sum().item() in (500, 501)
    assert 200 < right[:500].sum().item() < 300


@pytest.mark.parametrize("name", ["gaussians:stratified=true,dim=3", "modes:stratified=true,dim=1"])
def test_a_stratified_source_is_normal_with_equal_counts_before_every_mode(
    name: str, generator: Generator
) -> None:
    problem = make(name)
    x = problem.source.sample(8 * 2000 + 3, generator)
    if x.shape[1] == 1:
        counts = (x[:, 0] > 0).long().bincount(minlength=2)
    else:
        sector = (torch.atan2(x[:, 1], x[:, 0]) / (torch.pi / 4)).round().long() % 8
        counts = sector.bincount(minlength=8)
    assert counts.max() - counts.min() <= 8
    assert x.var(0).tolist() == pytest.approx([1] * x.shape[1], abs=0.06)
    first = x[: len(x) // 2, : min(2, x.shape[1])]
    assert first.mean(0).norm() > 1e-3, "the order is random, so half of a draw is not balanced"


def test_checkerboard_fills_alternate_squares_evenly(generator: Generator) -> None:
    x = make("checkerboard").target.sample(16_000, generator)
    square = (x / 2).floor().long() + 2
    assert (square.sum(1) % 2 == 0).all()
    counts = (4 * square[:, 0] + square[:, 1]).bincount(minlength=16)
    assert (counts > 0).sum() == 8
    assert counts[counts > 0].min() > 1800


def test_moons_lie_on_their_half_circles(generator: Generator) -> None:
    x = (make("moons").target.sample(5000, generator).double() + 1) / 3
    # The noise moves a point along the diagonal by up to 0.2 in each coordinate.
    steps = torch.linspace(0, 0.2, 101, dtype=torch.float64)[:, None, None]
    back = x - steps
    outer = (back.norm(dim=2) - 1).abs()
    inner = ((back - torch.tensor([1.0, 0.5], dtype=torch.float64)).norm(dim=2) - 1).abs()
    assert torch.minimum(outer, inner).min(0).values.max() < 0.005


@pytest.mark.parametrize("choice", ["dim=1", "dim=2,condition=100", "dim=16,shift=0", "dim=64"])
def test_bures_map_carries_the_law_at_the_stated_cost(choice: str, generator: Generator) -> None:
    problem = make(f"gaussian-pair:{choice}")
    truth = problem.truth
    assert truth is not None
    assert truth.map is not None
    x = problem.source.sample(100_000, generator).double()
    y = problem.target.sample(100_000, generator).double()
    moved = truth.map(x)
    assert moved.dtype == x.dtype
    scale = truth.target_variance / problem.dim
    assert (moved.T.cov() - y.T.cov()).abs().max() < 0.05 * max(scale, 1)
    assert (moved.mean(0) - y.mean(0)).abs().max() < 0.05 * max(scale, 1)
    assert (moved - x).square().sum(1).mean().item() == pytest.approx(truth.cost, rel=0.03)


def test_bures_map_is_the_gradient_of_a_convex_function() -> None:
    """Symmetric and positive definite: this is what makes it optimal (Brenier 1991)."""
    from transportkit.core.gaussians import bures_cost
    from transportkit.problems.bures import bures_map

    g = Generator().manual_seed(1)
    a, b = (
        m @ m.T + 0.1 * torch.eye(5, dtype=torch.float64)
        for m in torch.randn(2, 5, 5, dtype=torch.float64, generator=g)
    )
    m = bures_map(a, b)
    assert torch.equal(m, m.T)
    assert torch.linalg.eigvalsh(m).min() > 0
    assert torch.allclose(m @ a @ m, b, atol=1e-10)
    gap = m - torch.eye(5, dtype=torch.float64)
    assert bures_cost(a, b).item() == pytest.approx((gap @ a @ gap).trace().item(), rel=1e-10)


def test_commuting_gaussians_have_the_textbook_cost() -> None:
    from transportkit.core.gaussians import bures_cost

    a, b = torch.tensor([9.0, 0.09]).double(), torch.tensor([1.0, 4.0]).double()
    expected = (a.sqrt() - b.sqrt()).square().sum().item()
    assert bures_cost(a.diag(), b.diag()).item() == pytest.approx(expected, rel=1e-12)


def test_instances_differ_and_do_not_depend_on_the_run() -> None:
    costs = {make(f"gaussian-pair:dim=8,instance={i}").truth.cost for i in (0, 1, 2)}
    assert len(costs) == 3
    assert make("gaussian-pair:dim=8").truth.cost in costs


def test_digits_are_images_within_their_range(generator: Generator) -> None:
    problem = make("digits:source=4,target=9")
    assert problem.event_shape == (1, 8, 8)
    assert problem.about["image"] == [1, 8, 8]
    assert problem.source.size == 181
    assert problem.target.size == 180
    images = problem.target.points(1000, generator)
    assert images.min() == -1
    assert images.max() == 1
    assert make("digits").source.size is None
    assert make("digits").target.size == 1797


@pytest.mark.parametrize("text", PLANAR)
def test_every_problem_splits(text: str, generator: Generator) -> None:
    split = make(text).split(100, generator)
    assert split.source.size is not None
    assert split.held_out is not None


def test_specs_load_neither_torch_nor_numpy() -> None:
    code = (
        "import transportkit.problems, transportkit.metrics, sys;"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("kind", ["problem", "metric"])
def test_implementations_do_not_hide_the_specs(kind: str) -> None:
    """A module of the same name as a spec would replace it once imported."""
    for entry in registry.entries(kind):
        if entry.distribution == "transportkit":
            loaded = registry.describe(kind, entry.name)
            registry.implementation(loaded)
            assert entry.load() is loaded.spec
