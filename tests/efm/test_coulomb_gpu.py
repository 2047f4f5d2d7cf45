"""The Coulomb field on a CUDA device: the promise, the laws, and what is its own there."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.efm.test_coulomb_promise import FAST, largest_error, plates, truth
from transportkit_efm.coulomb import choose, coulomb_field, gpu, prepare

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
WAYS = [(2, way) for way in ("unrolled", "tiled", "differences", "products")]
WAYS += [(d, "unrolled") for d in (1, 3, 5, 8)]
WAYS += [(d, way) for d in (9, 32, 64, 96) for way in ("tiled", "products")]
WAYS += [(784, "products"), (3072, "products")]
FLOAT32 = [*WAYS, (784, "tiled"), (3072, "tiled")]


@pytest.fixture(autouse=True)
def _needs(request: pytest.FixtureRequest) -> None:
    """The loops need Triton, which comes with builds of torch for CUDA."""
    way = getattr(request.node, "callspec", None) and request.node.callspec.params.get("way")
    if way in ("unrolled", "tiled") and not gpu.usable(torch.device("cuda")):
        pytest.skip(f"'{way}' needs Triton and a device of capability 8.0")
    dimension = request.node.callspec.params.get("dimension", 1) if way else 1
    if way == "tiled" and dimension >= gpu.widest(torch.device("cuda"), torch.float32):
        pytest.skip("this device has no loop for so many dimensions")


def with_near(given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The same field, asked for very near some charges as well."""
    points, charges, weights = given
    steps = torch.tensor([1e-10, 1e-6, 1e-4, 1e-2])[:, None]
    return torch.cat([points, charges[:4] + steps]), charges, weights


def on_gpu(given: tuple[Tensor, ...], dtype: torch.dtype | None = None) -> list[Tensor]:
    return [t.to("cuda", dtype) for t in given]


def here(field: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return field[0].cpu(), field[1].cpu()


@pytest.mark.parametrize("kind", ["round", "clusters", "sheet", "offset"])
@pytest.mark.parametrize(("dimension", "way"), FLOAT32)
def test_direction_error(dimension: int, way: str, kind: str) -> None:
    given = with_near(plates(kind, dimension, seed=dimension))
    expected = truth(*given)
    fast = coulomb_field(*on_gpu(given), method=way)
    accurate = coulomb_field(*on_gpu(given), method=way, accuracy="accurate")
    assert fast.direction.is_cuda
    bound = next(FAST[d] for d in sorted(FAST) if d >= dimension)
    assert largest_error(here(fast), expected) < (1e-5 if dimension <= 64 else bound)
    assert largest_error(here(accurate), expected) < 1e-6


@pytest.mark.parametrize(("dimension", "way"), WAYS)
def test_float64_agrees_with_the_cpu(dimension: int, way: str) -> None:
    given = [t.double() for t in with_near(plates("round", dimension, seed=dimension))]
    expected = coulomb_field(*given, method="differences")
    found = here(coulomb_field(*on_gpu(tuple(given)), method=way))
    torch.testing.assert_close(found[0], expected.direction, rtol=0, atol=1e-8)
    torch.testing.assert_close(found[1], expected.log_magnitude, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("dimension", "way"), FLOAT32)
def test_the_same_call_gives_the_same_bits(dimension: int, way: str) -> None:
    points, charges, weights = on_gpu(plates("clusters", dimension, seed=1))
    points = torch.cat([points, charges + 1e-4])
    first, second = (coulomb_field(points, charges, weights, method=way) for _ in range(2))
    assert torch.equal(first.direction, second.direction)
    assert torch.equal(first.log_magnitude, second.log_magnitude)


@pytest.mark.parametrize(("dimension", "way"), WAYS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_charge_on_the_point_is_left_out(dimension: int, way: str, dtype: torch.dtype) -> None:
    bound = 1e-8 if dtype == torch.float64 else FAST[3072] if dimension > 64 else 1e-5
    _, charges, weights = on_gpu(plates("round", dimension, seed=3), dtype)
    found = coulomb_field(charges[:6], charges, weights, method=way)
    for i in range(6):
        rest = torch.arange(len(charges), device="cuda") != i
        alone = coulomb_field(
            charges[i : i + 1].cpu(), charges[rest].cpu(), weights[rest].cpu(), method="differences"
        )
        torch.testing.assert_close(found.direction[i].cpu(), alone.direction[0], rtol=0, atol=bound)


@pytest.mark.parametrize("way", ["unrolled", "tiled", "differences", "products"])
@pytest.mark.parametrize("which", ["no charges", "no weight", "only on the point", "cancelled"])
def test_no_field_is_zero_direction_and_minus_infinity(way: str, which: str) -> None:
    points = torch.zeros(2, 12 if way == "tiled" else 3)
    charges = torch.ones_like(points) if which == "cancelled" else torch.zeros_like(points)
    weights = torch.tensor([1.0, -1.0]) * (which != "no weight")
    if which == "no charges":
        charges, weights = charges[:0], weights[:0]
    direction, log_magnitude = coulomb_field(*on_gpu((points, charges, weights)), method=way)
    assert torch.equal(direction.cpu(), torch.zeros_like(points))
    assert torch.equal(log_magnitude.cpu(), torch.full((2,), -torch.inf))


@pytest.mark.parametrize(("dimension", "way"), FLOAT32)
def test_units_of_length_and_charge_do_not_matter(dimension: int, way: str) -> None:
    points, charges, weights = on_gpu(plates("round", dimension, seed=4))
    field = coulomb_field(points, charges, weights, method=way)
    other = coulomb_field(points * 2.0**-90, charges * 2.0**-90, weights * 2.0**-99, method=way)
    bound = FAST[3072] if dimension > 64 else 1e-5
    torch.testing.assert_close(other.direction, field.direction, rtol=0, atol=bound)


def test_gradients_agree_with_the_cpu() -> None:
    leaves = []
    for device in ("cpu", "cuda"):
        given = [t.to(device).requires_grad_() for t in plates("round", 3, seed=5)]
        direction, log_magnitude = coulomb_field(*given)
        (direction[:, 0].sum() + log_magnitude.sum()).backward()
        leaves.append([t.grad.cpu() for t in given if t.grad is not None])
    for found, expected in zip(leaves[1], leaves[0], strict=True):
        torch.testing.assert_close(
            found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max())
        )


@pytest.mark.parametrize(("width", "way"), [(3, "unrolled"), (33, "tiled")])
def test_auto_compiles_once_it_pays(width: int, way: str) -> None:
    if not gpu.usable(torch.device("cuda")):
        pytest.skip("needs Triton and a device of capability 8.0")
    some, many = torch.zeros(10, width).cuda(), torch.zeros(1, width).cuda().expand(10**7, width)
    assert choose(many, many) == way
    assert prepare(width, device="cuda") > 0
    assert choose(some, some) == way


@pytest.mark.parametrize(
    ("width", "way"),
    [(3, "unrolled"), (3, "differences"), (33, "tiled"), (33, "products"), (785, "products")],
)
def test_memory_stays_far_below_the_pairs(width: int, way: str) -> None:
    points, charges = torch.randn(2, 20_000, width, device="cuda").unbind(0)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    coulomb_field(points, charges, torch.ones(20_000, device="cuda"), method=way)
    peak = torch.cuda.max_memory_allocated() - before
    assert peak < 20_000 * 20_000 * 4 / 2
