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
from transportkit_efm.coulomb import compiled, coulomb_field, field, gpu, inputs

# The loops take tensors of the CPU here; what they ask of a device is answered for it.
torch.cuda.get_device_properties = lambda device: SimpleNamespace(multi_processor_count=2)
capability = (9, 0) if sys.argv[2] == "products" else (8, 6)
torch.cuda.get_device_capability = lambda device=None: capability
torch.cuda.device = lambda device: contextlib.nullcontext()
compiled._on_cpu = gpu.superpose
inputs.extremes, compiled.doubtful, field.normalised = gpu.extremes, gpu.doubtful, gpu.normalised
compiled.worst_condition = lambda way, kind, points: (
    gpu.worst_condition(way, kind, points) or compiled.WORST_CONDITION[kind]
)
compiled.finer_is_free = gpu.finer_is_free
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
        double = [t.double() for t in given]
        found = coulomb_field(*double, method=way).direction
        assert float((found - expected).abs().max()) < 1e-8, (dimension, "float64")
    touching = coulomb_field(charges[:3], charges, weights, method=way)
    expected = coulomb_field(charges[:3], charges, weights, method="differences")
    torch.testing.assert_close(touching.direction, expected.direction, rtol=0, atol=1e-5)
"""


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="needs triton")
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
    given = [sys.executable, "-c", PROGRAM, way, pairs, *map(str, dimensions)]
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run(given, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
