"""The promised accuracy, at every distance from the plates and for awkward clouds."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from transportkit_efm.coulomb import coulomb_field, weighty
from transportkit_efm.coulomb.matrices import product

FAST = {2: 1e-5, 8: 1e-5, 32: 1e-5, 784: 5e-4, 3072: 5e-4}
WAYS = {
    2: ["unrolled", "tiled", "differences", "products"],
    8: ["unrolled", "tiled", "differences", "products"],
    32: ["tiled", "products"],
    784: ["products"],
    3072: ["products"],
}


def sample(kind: str, count: int, dimension: int, seed: int) -> Tensor:
    """A cloud: round, ten tight clusters, a curved sheet of rank 8, far off the origin, with heavy
    tails, of zeros and ones, along a line, two shells, or a few charges over and over."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, dimension, generator=generator)
    if kind == "clusters":
        centres = 4 * torch.randn(10, dimension, generator=generator)
        return centres[torch.randint(10, (count,), generator=generator)] + 0.01 * noise
    if kind == "sheet":
        sheet = torch.randn(8, dimension, generator=generator)
        return torch.tanh(torch.randn(count, 8, generator=generator) @ sheet)
    if kind == "tails":
        return noise * torch.exp(torch.randn(count, 1, generator=generator))
    if kind == "binary":
        return (noise > 1).float()
    if kind == "line":
        return noise[:, :1] * noise[:1] + 1e-3 * noise
    if kind == "shells":
        inner = 1 - 0.3 * (torch.arange(count) % 10 == 0)
        return inner[:, None] * torch.nn.functional.normalize(noise) * dimension**0.5
    if kind == "repeated":
        return noise[: count // 20 + 2].repeat(20, 1)[:count]
    return noise + 1000.0 * (kind == "offset")


def lifted(flat: Tensor, height: float) -> Tensor:
    return torch.cat([flat, torch.full((len(flat), 1), height)], 1)


def plates(kind: str, dimension: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    count = 250 if dimension < 500 else 60
    gap = 6 * math.sqrt(dimension) if dimension > 8 else 6.0
    source, target = (sample(kind, count, dimension, seed + i) for i in range(2))
    charges = torch.cat([lifted(source, 0.0), lifted(target, gap)])
    weights = torch.cat([torch.ones(count), -torch.ones(count)]) / count
    points = [lifted(source[:5], 1e-3), lifted(target[:5], gap - 1e-3)]
    fresh = sample(kind, 8, dimension, seed + 2)
    points += [lifted(fresh, z) for z in (-1.0, -1e-3, 1e-3, 0.1, gap / 2, gap - 0.1, gap + 1)]
    generator = torch.Generator().manual_seed(seed)
    for radius in (10.0, 1e2, 1e4):
        ray = torch.randn(5, dimension + 1, generator=generator)
        ray = ray / torch.linalg.vector_norm(ray, dim=1, keepdim=True)
        points.append(charges.mean(0) + radius * gap * ray)
    return torch.cat(points), charges, weights


def truth(points: Tensor, charges: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Direction and log magnitude in float64 and log space, one point at a time, independently."""
    width = points.shape[1]
    directions, logs = [], []
    for point in points.double():
        steps = point - charges.double()
        log_terms = -width * torch.linalg.vector_norm(steps, dim=1).log()
        vector = (weights.double() * torch.exp(log_terms - log_terms.max())) @ steps
        norm = torch.linalg.vector_norm(vector)
        directions.append(vector / norm)
        logs.append(norm.log() + log_terms.max())
    area = math.log(2) + width / 2 * math.log(math.pi) - math.lgamma(width / 2)
    return torch.stack(directions), torch.stack(logs) - area


def largest_error(field: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> float:
    torch.testing.assert_close(field[1].double(), expected[1], rtol=1e-6, atol=1e-3)
    return float(torch.linalg.vector_norm(field[0].double() - expected[0], dim=1).max())


@pytest.mark.parametrize("kind", ["round", "clusters", "sheet", "offset"])
@pytest.mark.parametrize(("dimension", "way"), [(d, way) for d in WAYS for way in WAYS[d]])
def test_direction_error(dimension: int, way: str, kind: str) -> None:
    if way in ("unrolled", "tiled"):
        pytest.importorskip("numba")
    given_ = plates(kind, dimension, seed=dimension)
    expected = truth(*given_)
    fast = coulomb_field(*given_, method=way)
    accurate = coulomb_field(*given_, method=way, accuracy="accurate")
    assert largest_error(fast, expected) < FAST[dimension]
    assert largest_error(accurate, expected) < 1e-6


ANY = [(width, way) for width in (2, 3, 6, 9) for way in WAYS[2]]
ANY += [(d + 1, way) for d in (32, 784, 3072) for way in ("differences", *WAYS[d])]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    case=st.sampled_from(ANY),
    seed=st.integers(0, 10**6),
    log_length=st.floats(-12, 12),
    log_weight=st.floats(-30, 30),
    height=st.floats(-4, 5),
    kind=st.sampled_from(["round", "clusters", "sheet", "offset"]),
)
def test_any_unit_of_length_and_charge(
    case: tuple[int, str],
    seed: int,
    log_length: float,
    log_weight: float,
    height: float,
    kind: str,
) -> None:
    width, way = case
    if way in ("unrolled", "tiled"):
        pytest.importorskip("numba")
    charges = sample(kind, 40, width, seed) * 10**log_length
    points = sample(kind, 10, width, seed + 1) * 10**log_length
    points[5:] = charges[:5]
    points[:, -1] += 10**height * 10**log_length
    weights = sample("round", 40, 1, seed)[:, 0] * 10**log_weight
    assume(bool((points[:, None] != charges[None]).any(-1).all()))
    direction, log_magnitude = coulomb_field(points, charges, weights, method=way)
    expected, expected_log = truth(points, charges, weights)
    error = torch.linalg.vector_norm(direction.double() - expected, dim=1).max()
    assert float(error) < (1e-5 if width <= 65 else 5e-4)
    torch.testing.assert_close(log_magnitude.double(), expected_log, rtol=1e-6, atol=1e-4)


KINDS = ["round", "clusters", "sheet", "offset", "tails", "binary", "line", "shells", "repeated"]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    case=st.sampled_from(ANY + [(d + 1, "products") for d in (64, 200, 400)] + [(65, "tiled")]),
    seed=st.integers(0, 10**6),
    kinds=st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS)),
    count=st.sampled_from([5, 40, 300]),
    log_gap=st.floats(-0.5, 1.5),
    signed=st.booleans(),
)
def test_points_between_charges(
    case: tuple[int, str],
    seed: int,
    kinds: tuple[str, str],
    count: int,
    log_gap: float,
    signed: bool,
) -> None:
    """Halfway between two charges all hangs on their two distances, and partly cancels."""
    width, way = case
    if way in ("unrolled", "tiled"):
        pytest.importorskip("numba")
    generator = torch.Generator().manual_seed(seed)
    gap = 10**log_gap * width**0.5
    source, target = (sample(kind, count, width - 1, seed + i) for i, kind in enumerate(kinds))
    charges = torch.cat([lifted(source, 0.0), lifted(target, gap)])
    weights = torch.cat([torch.ones(count), -torch.ones(count)]) / count
    if signed:
        weights = torch.randn(2 * count, generator=generator)
    one, other = (source[torch.randint(count, (8,), generator=generator)] for _ in range(2))
    near = 0.1 * torch.randn(8, width - 1, generator=generator)
    # At their mean no product of coordinates is left, but what all differ by rounds as well.
    flat = [(one + other) / 2, one + near, source.mean(0) + 0.01 * near]
    heights = (1e-3, 1e-1, 10.0, gap / 2)
    points = torch.cat([lifted(some, height) for some in flat for height in heights])
    expected = truth(points, charges, weights)
    steps = points.double()[:, None] - charges.double()
    logs = -width * torch.linalg.vector_norm(steps, dim=2).log()
    lengths = torch.exp(logs - logs.amax(1, keepdim=True))
    terms = weights.double() * lengths
    norm = torch.linalg.vector_norm(torch.einsum("mn,mnp->mp", terms, steps), dim=1)
    told = (terms.abs() * torch.linalg.vector_norm(steps, dim=2)).sum(1) < 1e7 * norm
    for accuracy in ("fast", "accurate"):
        found = coulomb_field(points, charges, weights, method=way, accuracy=accuracy)[0]
        error = torch.linalg.vector_norm(found.double() - expected[0], dim=1)[told]
        bound = 1e-6 if accuracy == "accurate" else 1e-5 if width <= 65 else 5e-4
        assert not len(error) or float(error.max()) < bound


@pytest.mark.parametrize(
    ("dimension", "way"), [(8, "unrolled"), (64, "tiled"), (100, "products"), (784, "products")]
)
@pytest.mark.parametrize("count", [1, 200])
def test_charges_on_all_sides(dimension: int, way: str, count: int) -> None:
    """What they cancel to is a fiftieth to a half of their fields, and their errors remain."""
    if way in ("unrolled", "tiled"):
        pytest.importorskip("numba")
    generator = torch.Generator().manual_seed(0)
    half = torch.randn(count, dimension, generator=generator)
    charges = lifted(torch.cat([half, -half]), 0.0)
    weights = torch.ones(2 * count) / count
    points = torch.zeros(300, dimension + 1)
    points[:, :-1] = 1e-3 * torch.randn(300, dimension, generator=generator) / dimension
    points[:, -1] = dimension**0.5 / torch.linspace(2, 50, 300)
    expected = truth(points, charges, weights)
    for accuracy in ("fast", "accurate"):
        found = coulomb_field(points, charges, weights, method=way, accuracy=accuracy)
        bound = 1e-6 if accuracy == "accurate" else 1e-5 if dimension <= 64 else 5e-4
        assert largest_error(found, expected) < bound


@pytest.mark.parametrize("dimension", [100, 784])
def test_a_point_amid_a_shell_and_some_nearer_charges(dimension: int) -> None:
    charges = lifted(sample("shells", 300, dimension, seed=1), 0.0)
    weights = torch.ones(300) / 300
    points = lifted(charges[:, :-1].mean(0) + torch.zeros(3, 1), 0.1)
    points[:, -1] *= torch.tensor([1.0, 10.0, 100.0])
    expected = truth(points, charges, weights)
    found = coulomb_field(points, charges, weights, method="products", accuracy="accurate")
    assert largest_error(found, expected) < 1e-6


@pytest.mark.parametrize("dimension", [100, 784, 3072])
@pytest.mark.parametrize("kind", ["round", "sheet", "binary"])
def test_products_round_no_more_than_is_reckoned_with(dimension: int, kind: str) -> None:
    x, y = (sample(kind, n, dimension, seed=n) for n in (200, 300))
    x, y = x - x.mean(0), y - y.mean(0)
    error = 2 * (product(x, y).double() - x.double() @ y.double().T)
    lengths = [torch.linalg.vector_norm(each.double(), dim=1) for each in (x, y)]
    roundings = error / (lengths[0][:, None] * lengths[1]) * 2**24
    assert float(roundings.square().mean().sqrt()) < weighty._ROUNDINGS


def test_two_charges_over_and_over() -> None:
    """In the accurate mode: too many weigh to be measured again one by one."""
    few = torch.randn(2, 784, generator=torch.Generator().manual_seed(0))
    charges = lifted(few.repeat(300, 1), 0.0)
    weights = torch.ones(600) / 600
    across = torch.linalg.qr(torch.stack([few[0] - few[1], torch.ones(784)], 1))[0][:, 1]
    points = lifted(few.mean(0) + torch.linspace(1, 40, 8)[:, None] * across, 1.0)
    expected = truth(points, charges, weights)
    found = coulomb_field(points, charges, weights, method="products", accuracy="accurate")
    assert largest_error(found, expected) < 3e-7


@pytest.mark.parametrize("kind", ["round", "clusters", "offset"])
def test_direction_error_of_the_fast_multipole_method(kind: str) -> None:
    """The same points and promise; also with a charge on a point, and where all terms cancel."""
    pytest.importorskip("numba")
    pytest.importorskip("fmm3dpy", reason="the extra fmm is not installed")
    points, charges, weights = plates(kind, 2, seed=2)
    expected = truth(points, charges, weights)
    for accuracy, bound in (("fast", 1e-5), ("accurate", 1e-6)):
        found = coulomb_field(points, charges, weights, method="fmm", accuracy=accuracy)
        assert largest_error(found, expected) < bound
    touching = coulomb_field(charges[:9], charges, weights, method="fmm")
    torch.testing.assert_close(touching, coulomb_field(charges[:9], charges, weights))
    pair = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])
    none = coulomb_field(torch.zeros(1, 3), pair, torch.ones(2), method="fmm")
    assert torch.equal(none.direction, torch.zeros(1, 3))


def test_loose_product_settings_do_not_spoil_the_field() -> None:
    given_ = plates("round", 784, seed=5)
    expected = coulomb_field(*given_, method="products")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu"):
            found = coulomb_field(*given_, method="products")
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert torch.equal(found.direction, expected.direction)
