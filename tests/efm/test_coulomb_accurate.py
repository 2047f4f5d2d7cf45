"""The accurate loops in few coordinates: written out for AVX-512, and what serves elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.efm.test_coulomb_promise import lifted, sample, truth
from transportkit_efm.coulomb import compiled, coulomb_field, prepare

numba = pytest.importorskip("numba")
from numba.core.errors import TypingError  # noqa: E402

from transportkit_efm.coulomb import eights, kernels, passes, vectors  # noqa: E402

AVX_512 = pytest.mark.skipif(not vectors.usable(), reason="this processor has no AVX-512")
LOOPS = [pytest.param("written out", marks=AVX_512), "by the compiler"]
COUNTS = [1, 2, 7, 8, 9, 63, 300, 511, 513, 1030]
"""Charges about the sizes of a vector and of a tile."""


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    use(str(request.param), monkeypatch)
    return str(request.param)


def use(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "usable", lambda: loop == "written out")


def weighed(kind: str, count: int, generator: torch.Generator) -> Tensor:
    """Weights of one size or many, of which a second half is negative, or every other one."""
    weights = torch.ones(count)
    if kind != "even plates":
        weights = torch.rand(count, generator=generator) + 0.01
    if kind == "mixed":
        weights[::2] *= -1
    else:
        half = count // 2
        weights[half:] *= -1
        if kind == "neutral" and half:
            weights[half:] *= weights[:half].sum() / -weights[half:].sum()
    return weights


@pytest.mark.parametrize("loop", LOOPS)
@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    dimension=st.sampled_from([1, 2, 3, 5, 8]),
    count=st.sampled_from(COUNTS),
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(["round", "clusters", "sheet", "offset"]),
    weights=st.sampled_from(["even plates", "plates", "neutral", "mixed"]),
    gap=st.sampled_from([1e-2, 1.0, 6.0, 50.0]),
    near=st.sampled_from([1e-6, 1e-3, 0.03]),
    far=st.sampled_from([10.0, 1e2, 1e4]),
)
def test_within_a_millionth_everywhere(
    loop: str,
    dimension: int,
    count: int,
    seed: int,
    kind: str,
    weights: str,
    gap: float,
    near: float,
    far: float,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    half = count // 2
    flat = sample(kind, count, dimension, seed)
    charges = torch.cat([lifted(flat[:half], 0.0), lifted(flat[half:], gap)])
    w = weighed(weights, count, generator)
    above = charges[torch.randint(count, (4,), generator=generator)].clone()
    above[:, -1] += near
    ray = torch.randn(3, dimension + 1, generator=generator)
    ray /= torch.linalg.vector_norm(ray, dim=1, keepdim=True)
    extent = max(float((charges - charges[0]).abs().max()), gap)
    points = torch.cat(
        [
            above,
            lifted(sample(kind, 3, dimension, seed + 1), near),
            lifted(sample(kind, 3, dimension, seed + 2), gap / 2),
            lifted(sample(kind, 2, dimension, seed + 3), gap - near),
            charges.mean(0) + far * extent * ray,
        ]
    )
    points = points[(points[:, None] != charges).any(-1).all(1)]
    expected, _ = truth(points, charges, w)
    well = condition(points, charges, w) < 1e8
    with pytest.MonkeyPatch.context() as patch:
        use(loop, patch)
        found = coulomb_field(points, charges, w, method="unrolled", accuracy="accurate")
    error = torch.linalg.vector_norm(found.direction.double() - expected, dim=1)
    assert bool((error[well] < 1e-6).all())


def condition(points: Tensor, charges: Tensor, weights: Tensor) -> Tensor:
    """How many times rounding is amplified at each point, in float64."""
    steps = points.double()[:, None] - charges.double()
    lengths = torch.linalg.vector_norm(steps, dim=2)
    relative = lengths / lengths.amin(dim=1, keepdim=True)
    terms = weights.double() * relative ** -points.shape[1]
    total = torch.linalg.vector_norm((terms[..., None] * steps).sum(1), dim=1)
    return (terms.abs() * lengths).sum(1) / total


@AVX_512
@pytest.mark.parametrize("width", range(2, 10))
def test_a_term_is_exact_to_its_last_bits(width: int) -> None:
    """At squared distances over one period of the rough root, where each of its errors occurs."""
    squares = torch.linspace(1, 4, 4001, dtype=torch.float64)
    points = torch.zeros(len(squares), width, dtype=torch.float64)
    points[:, 0] = squares.sqrt()
    out = torch.zeros(len(squares), width + 1, dtype=torch.float64)
    given_ = points.numpy(), torch.zeros(width, 1).double().numpy(), torch.ones(1).double().numpy()
    eights.unrolled(width)(*given_, out.numpy(), 0, len(squares))
    exact = points[:, 0] ** (1 - width)
    assert float((out[:, 0] / exact - 1).abs().max()) < 2e-14
    assert float((out[:, -1] / exact - 1).abs().max()) < 6e-4


@AVX_512
@pytest.mark.parametrize("width", [2, 3, 5, 6, 9])
@pytest.mark.parametrize("count", [*COUNTS, 2047, 2049])
def test_written_out_it_is_the_loop_of_the_compiler(width: int, count: int) -> None:
    """For any number of charges, equal or not, some of them at the points."""
    generator = torch.Generator().manual_seed(count)
    for kind in ("even plates", "plates", "mixed"):
        charges = torch.randn(count, width, generator=generator).double()
        points = torch.cat([charges[:2], torch.randn(3, width, generator=generator).double()])
        weights = weighed(kind, count, generator).double()
        found, expected = (
            summed(loop, points, charges, weights)
            for loop in (eights.unrolled(width), kernels.unrolled(width, 2))
        )
        lengths = expected[:, -1:]
        assert float(((found - expected)[:, :-1].abs() / lengths.clamp_min(1e-30)).max()) < 1e-13
        torch.testing.assert_close(found[:, -1], expected[:, -1], rtol=6e-4, atol=0)


def summed(loop: Callable[..., None], points: Tensor, charges: Tensor, weights: Tensor) -> Tensor:
    out = torch.zeros(len(points), points.shape[1] + 1, dtype=torch.float64)
    given_ = points.numpy(), charges.T.contiguous().numpy(), weights.numpy()
    loop(*given_, out.numpy(), 0, len(points))
    return out


@pytest.mark.parametrize("apart", [1e-2, 1e-4, 1e-6, 1e-7])
@pytest.mark.parametrize("dimension", [1, 2, 8])
def test_two_charges_that_nearly_cancel(loop: str, dimension: int, apart: float) -> None:
    """Their field from afar is a dipole's, of which a term is 1 / apart."""
    charges = torch.zeros(2, dimension + 1)
    charges[1, -1] = apart
    points = torch.randn(20, dimension + 1, generator=torch.Generator().manual_seed(1))
    points[:, 0] += 3
    weights = torch.tensor([1.0, -1.0])
    found = coulomb_field(points, charges, weights, method="unrolled", accuracy="accurate")
    steps = points.double()
    squares = (steps**2).sum(1, keepdim=True)
    dipole = -(dimension + 1) * steps[:, -1:] * steps / squares
    dipole[:, -1] += 1
    expected, bound = torch.nn.functional.normalize(dipole), 20 * apart + 1e-6
    if apart > 1e-5:
        expected, bound = truth(points, charges, weights)[0], 1e-6
    error = torch.linalg.vector_norm(found.direction.double() - expected, dim=1)
    assert float(error.max()) < bound


def test_a_point_does_not_depend_on_its_batch(loop: str) -> None:
    points, charges = (sample("round", n, 9, n) for n in (200, 700))
    weights = weighed("plates", 700, torch.Generator().manual_seed(0))
    whole, part = (
        coulomb_field(some, charges, weights, method="unrolled", accuracy="accurate")
        for some in (points, points[50:53])
    )
    assert torch.equal(part.direction, whole.direction[50:53])
    assert torch.equal(part.log_magnitude, whole.log_magnitude[50:53])


def test_a_pass_is_compiled_once_for_one_point_and_for_many() -> None:
    prepare(3)
    normalise = passes.normalise(compiled._NUMPY[torch.float32])
    both = passes.doubtful(), normalise
    before = [len(each.signatures) for each in both]
    for count in (1, 5):
        for way in ("unrolled", "tiled"):
            points = sample("round", count, 3, 0)
            coulomb_field(points, sample("round", 9, 3, 1), torch.ones(9), method=way)
    assert [len(each.signatures) for each in both] == before == [1, 1]


@AVX_512
def test_the_loop_written_out_refuses_arrays_with_gaps() -> None:
    points, charges = np.zeros((5, 3)), np.zeros((9, 3))
    with pytest.raises(TypingError, match="contiguous"):
        eights.unrolled(3)(points, charges.T, np.ones(9), np.zeros((5, 4)), 0, 5)
