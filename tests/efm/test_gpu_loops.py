"""The loops for CUDA devices without one: by Triton's interpreter, in a process of their own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

PROGRAM = """
import contextlib, sys
from types import SimpleNamespace
import torch
from tests.efm.test_coulomb_promise import plates, truth
from transportkit_efm.coulomb import compiled, coulomb_field, gpu, gpu_products

# The loops take tensors of the CPU here; what they ask of a device is answered for it.
torch.cuda.get_device_properties = lambda device: SimpleNamespace(multi_processor_count=2)
capability = (9, 0) if sys.argv[2] == "products" else (8, 6)
torch.cuda.get_device_capability = lambda device=None: capability
torch.cuda.device = lambda device: contextlib.nullcontext()
compiled.by_triton = lambda tensor: True
# Several blocks of products.
gpu_products._WIDE = 100
way, dimensions = sys.argv[1], [int(d) for d in sys.argv[3:]]
for dimension in dimensions:
    points, charges, weights = plates("round", dimension, seed=dimension)
    points = points[::3]
    steps = torch.tensor([1e-14, 1e-10, 1e-6, 1e-4])[:, None]
    points = torch.cat([points, charges[:4] + steps])
    points = points[(points[:, None] != charges).any(2).all(1)]
    cases = [
        (points, charges, weights),
        (points, charges[:1], weights[:1]),
        (points[:1], charges, -weights.abs()),
        (points[:33], charges[225:290], weights[225:290]),
    ]
    for given in cases:
        expected = truth(*given)[0]
        for accuracy, bound in (("fast", 1e-5), ("accurate", 1e-6)):
            found = coulomb_field(*given, method=way, accuracy=accuracy).direction.double()
            error = float(torch.linalg.vector_norm(found - expected, dim=1).max())
            assert error < bound, (dimension, len(given[0]), len(given[1]), accuracy, error)
        if sys.argv[2] == "products":
            # Not mended by a finer way: most points are not left to one.
            total = gpu.superpose(*given, way, True)
            kept = total.condition() < compiled.worst_condition(way, torch.float64, given[0])
            off = total.vector / torch.linalg.vector_norm(total.vector, dim=1)[:, None] - expected
            assert kept.double().mean() > 0.7 or len(given[0]) == 1, (dimension, kept)
            assert (torch.linalg.vector_norm(off[kept], dim=1) < 1e-7).all(), dimension
        double = [t.double() for t in given]
        found = coulomb_field(*double, method=way).direction
        assert float((found - expected).abs().max()) < 1e-8, (dimension, "float64")
    touching = coulomb_field(charges[:3], charges, weights, method=way)
    expected = coulomb_field(charges[:3], charges, weights, method="differences")
    torch.testing.assert_close(touching.direction, expected.direction, rtol=0, atol=1e-5)
"""
PASSES = """
import contextlib, math
import torch
from transportkit_efm.coulomb import compiled, gpu
from transportkit_efm.coulomb.partial import Partial

rounding = {torch.float32: 1e-6, torch.float64: 1e-14}
for dtype in (torch.float32, torch.float64):
    for count, width in ((1, 3), (257, 3), (5, 97)):
        torch.manual_seed(count)
        points, charges = torch.randn(count + 301, width, dtype=dtype).split((count, 301))
        given = [points, charges, torch.randn(301, dtype=dtype)]
        torch.testing.assert_close(gpu.extremes(*given), compiled.extremes(*given))
        for k, place in enumerate((0, 1, 3)):
            for bad in (math.nan, math.inf, -math.inf):
                spoilt = [t.clone() for t in given]
                spoilt[k].view(-1)[-1] = bad
                assert not math.isfinite(gpu.extremes(*spoilt)[place]), (k, bad)
        vector = torch.randn(count, width, dtype=torch.float64)
        vector[0] = 0
        if count > 3:
            vector[1] *= 1e200
            vector[2] *= 1e-200
        magnitude = vector.norm(dim=1) * torch.linspace(0, 20, count, dtype=torch.float64)
        total = Partial(vector, magnitude, torch.randn(count, dtype=torch.float64))
        across = Partial(vector.T.contiguous().T, magnitude, total.log_scale)
        for each in (total, across):
            assert torch.equal(gpu.doubtful(each, 7.0), compiled.doubtful(each, 7.0))
            found, expected = (f.normalised(each, 123.456789, dtype) for f in (gpu, compiled))
            torch.testing.assert_close(found, expected, rtol=rounding[dtype], atol=1e-12)
"""
KEYS = """
import torch
from triton._C.libtriton import native_specialize_impl as kind_of
from triton.backends.compiler import BaseBackend
from transportkit_efm.coulomb import gpu_kernels, gpu_passes, gpu_product_kernels

kernels = {
    f"{module.__name__}.{name}": each
    for module in (gpu_kernels, gpu_passes, gpu_product_kernels)
    for name, each in vars(module).items()
    if not name.startswith("_") and hasattr(each, "params")
}
assert len(kernels) == 9, list(kernels)
for name, kernel in kernels.items():
    for given in kernel.params:
        if given.is_constexpr:
            continue
        kinds = {
            kind_of(BaseBackend, count, False, not given.do_not_specialize, True)
            for count in (1, 15, 16, 1000)
        }
        # Tensors are told by their names, which no count has.
        numbers = "count number some many share parts first stop down along WIDTH".split()
        assert given.name not in numbers or len(kinds) == 1, (name, given.name)
"""


needs_triton = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="needs triton")


def interpreted(program: str, *given: str, interpret: bool = True) -> None:
    """Run a program in a process whose kernels Triton interprets."""
    environment = os.environ | {"TRITON_INTERPRET": str(int(interpret))}
    words = [sys.executable, "-c", program, *given]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@needs_triton
def test_no_kernel_is_compiled_again_for_another_count() -> None:
    interpreted(KEYS, interpret=False)


@needs_triton
def test_passes_are_those_of_the_cpu() -> None:
    interpreted(PASSES)


@needs_triton
@pytest.mark.parametrize(
    ("way", "pairs", "dimensions"),
    [
        ("unrolled", "differences", (1, 2, 8)),
        ("tiled", "differences", (9, 17, 64)),
        ("tiled", "products", (9, 64, 140)),
    ],
)
def test_loops_keep_the_promise_in_the_interpreter(
    way: str, pairs: str, dimensions: tuple[int, ...]
) -> None:
    interpreted(PROGRAM, way, pairs, *map(str, dimensions))
