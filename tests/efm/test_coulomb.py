"""The Coulomb field against closed forms and its laws."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from transportkit import derive
from transportkit_efm.charges import ChargedPlates
from transportkit_efm.coulomb import choose, choose_once, coulomb_field, multipole, prepare

DOUBLE = torch.float64
WAYS = ["unrolled", "tiled", "differences", "products"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    if request.param in ("unrolled", "tiled"):
        pytest.importorskip("numba")
    return str(request.param)


def cloud(count: int, number: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(count + number + width)
    shapes = (count, width), (number, width), (number,)
    points, charges, weights = (
        torch.randn(shape, generator=generator, dtype=DOUBLE) for shape in shapes
    )
    return points, charges, weights


def vectors(points: Tensor, charges: Tensor, weights: Tensor, way: str = "auto") -> Tensor:
    direction, log_magnitude = coulomb_field(points, charges, weights, method=way)
    return direction * log_magnitude.exp()[:, None]


@pytest.mark.parametrize("width", [2, 3, 9])
def test_one_charge_has_the_field_of_its_formula(way: str, width: int) -> None:
    charge = torch.full((1, width), 7.0, dtype=DOUBLE)
    step = torch.arange(1.0, width + 1, dtype=DOUBLE)[None]
    distance = float(step.norm())
    area = 2 * math.pi ** (width / 2) / math.gamma(width / 2)
    direction, log_magnitude = coulomb_field(
        charge + step, charge, torch.full((1,), -3.0, dtype=DOUBLE), method=way
    )
    torch.testing.assert_close(direction, -step / distance)
    assert float(log_magnitude) == pytest.approx(math.log(3 / area / distance ** (width - 1)))


def test_a_far_dipole_falls_with_one_power_more(way: str) -> None:
    half = 1e-3
    charges = torch.tensor([[0, 0, half], [0, 0, -half]], dtype=DOUBLE)
    weights = torch.tensor([1.0, -1.0], dtype=DOUBLE)
    angle = torch.linspace(0, math.pi, 7, dtype=DOUBLE)
    radial = torch.stack([angle.sin(), torch.zeros_like(angle), angle.cos()], 1)
    axis = torch.tensor([0.0, 0.0, 1.0], dtype=DOUBLE)
    expected = 2 * half / (4 * math.pi) * (3 * angle.cos()[:, None] * radial - axis)
    found = vectors(radial, charges, weights, way)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * float(expected.norm(dim=1)[0]))


def test_a_disc_on_its_axis(way: str) -> None:
    """Uniform density s on a disc of radius R: E_z = s/2 (1 - z / sqrt(z^2 + R^2))."""
    rings, spokes, radius = 200, 32, 5.0
    r = (torch.arange(rings, dtype=DOUBLE) + 0.5) * radius / rings
    turn = torch.arange(spokes, dtype=DOUBLE) * 2 * math.pi / spokes
    flat = torch.stack([torch.outer(r, turn.cos()), torch.outer(r, turn.sin())], -1).reshape(-1, 2)
    charges = torch.cat([flat, torch.zeros(len(flat), 1, dtype=DOUBLE)], 1)
    weights = (r * radius / rings * 2 * math.pi / spokes).repeat_interleave(spokes)
    height = torch.tensor([0.5, 2.0, 10.0], dtype=DOUBLE)
    points = torch.stack([0 * height, 0 * height, height], 1)
    expected = 0.5 * (1 - height / (height**2 + radius**2).sqrt())
    found = vectors(points, charges, weights, way)
    torch.testing.assert_close(found[:, 2], expected, rtol=2e-4, atol=0)
    assert float(found[:, :2].abs().max()) < 1e-12


def test_flux_out_of_a_closed_surface_is_the_charge_inside(way: str) -> None:
    """Gauss's law over a unit sphere, Gauss-Legendre in cos and even steps in angle."""
    numpy = pytest.importorskip("numpy")
    nodes, node_weights = numpy.polynomial.legendre.leggauss(40)
    cosine, share = torch.tensor(nodes), torch.tensor(node_weights)
    turn = torch.arange(80, dtype=DOUBLE) * 2 * math.pi / 80
    sine = (1 - cosine**2).sqrt()
    normal = torch.stack(
        [
            torch.outer(sine, turn.cos()),
            torch.outer(sine, turn.sin()),
            cosine[:, None].expand(-1, 80),
        ],
        -1,
    ).reshape(-1, 3)
    patch = (share * 2 * math.pi / 80).repeat_interleave(80)
    _, charges, weights = cloud(1, 12, 3)
    charges = charges / charges.norm(dim=1, keepdim=True)
    charges = charges * torch.where(torch.arange(12) < 7, 0.5, 2.0)[:, None]
    flux = (vectors(normal, charges, weights, way) * normal).sum(1) @ patch
    assert float(flux) == pytest.approx(float(weights[:7].sum()), abs=1e-6)


@pytest.mark.parametrize("distance", [1e5, 1e7, 1e8, 1e9])
def test_far_away_it_is_the_field_of_all_charge_in_one_place(way: str, distance: float) -> None:
    """Where float32 holds the terms, where it holds some bits of them, and where it holds none."""
    point = torch.zeros(1, 6)
    point[0, 0] = distance
    charges = cloud(1, 40, 6)[1].float()
    direction, log_magnitude = coulomb_field(point, charges, torch.ones(40), method=way)
    assert float(direction[0, 0]) == pytest.approx(1.0)
    expected = math.log(40 / (math.pi**3)) - 5 * math.log(distance)
    assert float(log_magnitude) == pytest.approx(expected, abs=1e-4 + 20 / distance)


@pytest.mark.parametrize("width", [2, 3, 4, 7, 9])
@pytest.mark.parametrize("step", [1e-17, 1e-14, 1e-11, 1e-8, 1e-6, 1e-4])
def test_very_near_a_charge_it_is_the_field_of_that_one(way: str, width: int, step: float) -> None:
    """Where powers of the distance leave the range of float32, of the length of a term or after."""
    charges = torch.zeros(2, width)
    charges[1, 0] = 1.0
    point = torch.full((1, width), step)
    direction, log_magnitude = coulomb_field(point, charges, torch.ones(2), method=way)
    unit = torch.full((1, width), width**-0.5)
    torch.testing.assert_close(direction, unit, rtol=0, atol=1e-3 if step > 1e-5 else 1e-5)
    area = math.log(2 * math.pi ** (width / 2) / math.gamma(width / 2))
    expected = -(width - 1) * math.log(step * width**0.5) - area
    assert float(log_magnitude) == pytest.approx(expected, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("distance", [1e4, 1e5, 1e6])
def test_weights_are_not_rounded_where_charges_cancel(way: str, distance: float) -> None:
    generator = torch.Generator().manual_seed(0)
    charges = torch.randn(500, 3, generator=generator)
    weights = torch.cat([torch.full((200,), 1 / 200), torch.full((300,), -1 / 300)])
    points = torch.nn.functional.normalize(torch.randn(9, 3, generator=generator)) * distance
    found = coulomb_field(points, charges, weights, method=way, accuracy="accurate")
    given = [t.double() for t in (points, charges, weights)]
    expected = coulomb_field(*given, method="differences")
    error = torch.linalg.vector_norm(found.direction - expected.direction, dim=1).max()
    assert float(error) < 1e-6


def test_points_far_beyond_the_range_of_squares(way: str) -> None:
    points = torch.tensor([[1e200, 0, 0], [0, -1e200, 0]], dtype=DOUBLE)
    charges = torch.tensor([[0, 0, 0], [0, 0, 1e-200]], dtype=DOUBLE)
    direction, _ = coulomb_field(points, charges, torch.ones(2, dtype=DOUBLE), method=way)
    torch.testing.assert_close(direction, points / 1e200)


def test_fields_add(way: str) -> None:
    points, charges, weights = cloud(40, 60, 5)
    parts = [
        vectors(points, charges[part], weights[part], way) for part in (slice(25), slice(25, 60))
    ]
    torch.testing.assert_close(vectors(points, charges, weights, way), parts[0] + parts[1])


def test_lengths_scale_by_the_power_of_the_dimension(way: str) -> None:
    points, charges, weights = cloud(20, 30, 6)
    direction, log_magnitude = coulomb_field(points, charges, weights, method=way)
    scaled = coulomb_field(points * 1e-40, charges * 1e-40, weights * 1e-30, method=way)
    torch.testing.assert_close(scaled.direction, direction)
    shift = 5 * 40 * math.log(10) - 30 * math.log(10)
    torch.testing.assert_close(scaled.log_magnitude, log_magnitude + shift)


@pytest.mark.parametrize("width", [3, 8, 9])
def test_all_ways_agree(width: int) -> None:
    pytest.importorskip("numba")
    points, charges, weights = cloud(300, 700, width)
    fields = [coulomb_field(points, charges, weights, method=name) for name in WAYS]
    for field in fields[1:]:
        torch.testing.assert_close(field, fields[0], rtol=1e-9, atol=1e-9)


def test_a_charge_on_the_point_is_left_out(way: str) -> None:
    _, charges, weights = cloud(1, 6, 3)
    for dtype in (DOUBLE, torch.float32):
        y, w = charges.to(dtype), weights.to(dtype)
        found = vectors(y, y, w, way)
        for i in range(6):
            rest = torch.arange(6) != i
            torch.testing.assert_close(found[i : i + 1], vectors(y[i : i + 1], y[rest], w[rest]))


@pytest.mark.parametrize("which", ["no charges", "no weight", "only on the point", "cancelled"])
def test_no_field_is_zero_direction_and_minus_infinity(way: str, which: str) -> None:
    points = torch.zeros(2, 3)
    charges = {"cancelled": torch.ones(2, 3)}.get(which, torch.zeros(2, 3))
    weights = torch.tensor([1.0, -1.0]) * (which != "no weight")
    if which == "no charges":
        charges, weights = charges[:0], weights[:0]
    direction, log_magnitude = coulomb_field(points, charges, weights, method=way)
    assert torch.equal(direction, torch.zeros(2, 3))
    assert torch.equal(log_magnitude, torch.full((2,), -torch.inf))


def test_no_points_no_rows() -> None:
    direction, log_magnitude = coulomb_field(torch.ones(0, 3), torch.ones(4, 3), torch.ones(4))
    assert direction.shape == (0, 3)
    assert log_magnitude.shape == (0,)


def test_the_same_call_gives_the_same_bits(way: str) -> None:
    points, charges, weights = (t.float() for t in cloud(200, 500, 7))
    first, second = (coulomb_field(points, charges, weights, method=way) for _ in range(2))
    assert torch.equal(first.direction, second.direction)
    assert torch.equal(first.log_magnitude, second.log_magnitude)


@pytest.mark.parametrize("compiled", ["unrolled", "tiled"])
def test_a_point_does_not_depend_on_its_batch(compiled: str) -> None:
    pytest.importorskip("numba")
    points, charges, weights = (t.float() for t in cloud(200, 500, 7))
    whole = coulomb_field(points, charges, weights, method=compiled)
    part = coulomb_field(points[50:53], charges, weights, method=compiled)
    # Points done again by the finer ways would differ in float64's last bits: none, as float32.
    torch.testing.assert_close(part.direction, whole.direction[50:53], rtol=0, atol=0)
    torch.testing.assert_close(part.log_magnitude, whole.log_magnitude[50:53], rtol=0, atol=0)


@pytest.mark.parametrize("width", [2, 3, 6])
def test_gradients(width: int) -> None:
    inputs = [t.requires_grad_() for t in cloud(4, 6, width)]
    assert torch.autograd.gradcheck(lambda *given: tuple(coulomb_field(*given)), inputs)


def test_second_derivatives_are_refused() -> None:
    points, charges, weights = cloud(4, 6, 3)
    field = coulomb_field(points.requires_grad_(), charges, weights)
    with pytest.raises(RuntimeError, match="first derivatives only"):
        torch.autograd.grad(field.log_magnitude.sum(), points, create_graph=True)


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"coordinates": 1}, ValueError, "2 coordinates or more"),
        ({"coordinates": "3"}, ValueError, "whole number"),
        ({"accuracy": "exact"}, ValueError, "'fast' or 'accurate'"),
        ({"dtype": torch.float16}, TypeError, "float32 or float64"),
        ({"device": "meta"}, ValueError, "numba for tensors on the CPU"),
    ],
)
def test_what_cannot_be_prepared_is_refused(
    asked: dict[str, object], error: type, says: str
) -> None:
    with pytest.raises(error, match=says):
        prepare(**({"coordinates": 3} | asked))  # type: ignore[arg-type]


def test_gradients_skip_a_charge_on_the_point() -> None:
    points, charges, weights = cloud(3, 5, 3)
    points[0] = charges[2]
    weights.requires_grad_()
    direction, log_magnitude = coulomb_field(points, charges, weights)
    (direction.sum() + log_magnitude.sum()).backward()
    assert weights.grad is not None
    assert bool(torch.isfinite(weights.grad).all())


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"points": torch.ones(3)}, ValueError, "flatten"),
        ({"points": torch.ones(3, 4)}, ValueError, "plate coordinate"),
        ({"points": torch.ones(3, 1), "charges": torch.ones(2, 1)}, ValueError, "at least 2"),
        ({"weights": torch.ones(3)}, ValueError, "one weight per charge"),
        ({"points": torch.ones(3, 3, dtype=DOUBLE)}, TypeError, "same dtype"),
        ({"points": [[1.0, 2.0, 3.0]]}, TypeError, r"torch\.Tensor"),
        ({"charges": torch.full((2, 3), torch.nan)}, ValueError, "not finite"),
        ({"weights": torch.tensor([1.0, torch.inf])}, ValueError, "not finite"),
        ({"method": "magic"}, ValueError, "expected 'auto' or one of"),
        ({"accuracy": "exact"}, ValueError, "'fast' or 'accurate'"),
    ],
)
def test_misuse_is_refused(change: dict[str, object], error: type, says: str) -> None:
    given: dict[str, object] = {
        "points": torch.ones(3, 3),
        "charges": torch.zeros(2, 3),
        "weights": torch.ones(2),
    }
    with pytest.raises(error, match=says):
        coulomb_field(**(given | change))  # type: ignore[arg-type]


def test_integers_are_refused() -> None:
    whole = torch.ones(2, 3, dtype=torch.int64)
    with pytest.raises(TypeError, match="float32 or float64"):
        coulomb_field(whole, whole, whole[:, 0])


def test_unrolled_refuses_many_dimensions() -> None:
    with pytest.raises(ValueError, match="up to 9 coordinates"):
        choose(torch.ones(2, 20), torch.ones(2, 20), method="unrolled")


@pytest.mark.parametrize(
    ("installed", "points", "says"),
    [
        (False, torch.ones(2, 3), r"pip install 'transportkit\[fmm\]'"),
        (True, torch.ones(2, 4), "serves float32 points in 3 coordinates"),
        (True, torch.ones(2, 3, dtype=DOUBLE), "these are torch.float64"),
    ],
)
def test_the_fast_multipole_method_says_what_it_lacks(
    installed: bool, points: Tensor, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multipole, "_installed", lambda: installed)
    with pytest.raises(ValueError, match=says):
        coulomb_field(points, points, points[:, 0], method="fmm")


def test_the_fast_multipole_method_is_chosen_for_many_pairs_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("numba")
    many, few = torch.zeros(1, 3).expand(10**6, 3), torch.zeros(10, 3)
    monkeypatch.setattr(multipole, "_installed", lambda: True)
    assert choose(many, many) == "fmm"
    assert choose(few, many) != "fmm"
    monkeypatch.setattr(multipole, "_installed", lambda: False)
    assert choose(many, many) == "unrolled"


def test_a_small_field_in_high_dimension_is_by_products() -> None:
    assert choose(torch.ones(2, 785), torch.ones(2, 785)) == "products"


def plates(count: int, dim: int) -> ChargedPlates:
    p, q = (torch.randn(count, dim, generator=derive(0, side)) for side in "pq")
    return ChargedPlates.of(p, q, (dim,), distance=6.0, offset=0.1, rule="forward")


@pytest.mark.parametrize("dim", [2, 16])
def test_a_run_of_few_charges_waits_for_no_compiler(
    dim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compiler(*given: object) -> None:
        raise AssertionError("a loop was compiled")

    monkeypatch.setattr("transportkit_efm.coulomb.compiled.superpose", compiler)
    y = torch.randn(10, dim + 1, generator=derive(0, "y"))
    field = plates(50, dim)
    assert bool(field.direction(y).isfinite().all())
    assert bool(field.own_part(y[:, :-1], target=False)[0].isfinite().all())


@pytest.mark.parametrize(("dim", "many"), [(2, "unrolled"), (16, "tiled"), (784, "products")])
def test_the_way_of_a_run_does_not_look_at_what_was_compiled(
    dim: int, many: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    cpu, seen = torch.device("cpu"), []
    y = torch.randn(10, dim + 1, generator=derive(0, "y"))
    for compiled_already in (False, True):
        monkeypatch.setattr(
            "transportkit_efm.coulomb.compiled.ready", lambda *way, is_=compiled_already: is_
        )
        assert choose_once(dim + 1, 20_000, cpu) == many
        assert choose_once(dim + 1, 100, cpu) in ("differences", "products")
        seen.append(plates(50, dim).direction(y))
    assert torch.equal(*seen)
