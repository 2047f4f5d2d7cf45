"""The Wasserstein-2 benchmark: mixtures carried by the gradients of trained convex networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from ..core.problem import Law, Problem
from ..errors import DataError
from . import BenchmarkParams
from .convex_network import ByAutograd, DenseConvexNetwork, QuadraticLayer
from .potentials import gradient_problem


class MeanPotential(ByAutograd):
    """(psi_1(x) + psi_2(x) - m.x) / c, whose gradient is the benchmark's map."""

    def __init__(
        self, parts: tuple[DenseConvexNetwork, DenseConvexNetwork], mean: Tensor, scale: float
    ) -> None:
        self.parts, self.mean, self.scale = parts, mean, scale

    def value(self, x: Tensor) -> Tensor:
        total = self.parts[0].value(x) + self.parts[1].value(x)
        return (total - (x * self.mean.to(x)).sum(1)) / self.scale


def mixture_of_images(centres: Tensor, maps: Tensor) -> Law:
    """centres[i] + maps[i] z, i uniform and z standard normal, of (K, D) and (K, D, D)."""

    def draw(n: int, generator: Generator) -> Tensor:
        z = torch.randn(n, centres.shape[1], generator=generator)
        labels = torch.randint(len(centres), (n,), generator=generator)
        x = torch.empty_like(z)
        for k, (centre, linear) in enumerate(zip(centres, maps, strict=True)):
            chosen = labels == k
            x[chosen] = centre.to(z) + z[chosen] @ linear.to(z).mT
        return x

    return Law(draw, (centres.shape[1],))


def w2_benchmark(params: BenchmarkParams) -> Problem:
    """The mixture and the potentials in a file as a problem. Raises DataError."""
    arrays = _arrays(params.file)
    try:
        potential, source = _potential(arrays), mixture_of_images(*_mixture(arrays))
        dim = source.shape[0]
        potential.gradient(torch.zeros(1, dim, dtype=torch.float64))
    except KeyError as error:
        raise DataError(
            f"'{params.file}' has no array {error}; w2-benchmark reads potentials, see its format "
            "in docs/problems.md"
        ) from None
    except (RuntimeError, IndexError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise DataError(
            f"'{params.file}' holds arrays of shapes that do not fit together ({first[:120]})"
        ) from None
    about = (
        f"Wasserstein-2 benchmark in {dim} dimensions: a mixture of {len(arrays['centers'])} "
        "Gaussians to its image under the mean gradient of two convex networks (Korotin et al. "
        "2021)"
    )
    return gradient_problem(source, None, potential, about)


def _arrays(path: str) -> Mapping[str, Tensor]:
    file = Path(path).expanduser()
    try:
        with np.load(file, allow_pickle=False) as stored:
            found = {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise DataError(f"there is no file '{path}'") from None
    except Exception as error:
        # Parsers of foreign bytes raise whatever they stumble over.
        raise DataError(f"'{path}' is damaged or is not an npz file of plain arrays") from error
    arrays = {}
    for name, array in found.items():
        if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise DataError(f"'{path}': array '{name}' is not of finite numbers")
        arrays[name] = torch.from_numpy(np.asarray(array, dtype=np.float64))
    return arrays


def _mixture(arrays: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    centres, maps = arrays["centers"], arrays["maps"]
    if centres.ndim != 2 or tuple(maps.shape) != (*centres.shape, centres.shape[1]):
        raise ValueError(f"centers {tuple(centres.shape)} and maps {tuple(maps.shape)}")
    return centres, maps


def _potential(arrays: Mapping[str, Tensor]) -> MeanPotential:
    parts = _network(arrays, "v1"), _network(arrays, "v2")
    return MeanPotential(parts, arrays["out_mean"], float(arrays["out_scale"]))


def _network(arrays: Mapping[str, Tensor], name: str) -> DenseConvexNetwork:
    layers = sum(f"{name}.quadratic_layers." in k and k.endswith(".weight") for k in arrays)
    quadratic = [
        QuadraticLayer(*(arrays[f"{name}.quadratic_layers.{k}.{part}"] for part in _QUADRATIC))
        for k in range(max(layers, 1))
    ]
    hidden = [arrays[f"{name}.convex_layers.{k}.weight"] for k in range(len(quadratic) - 1)]
    last = arrays[f"{name}.final_layer.weight"]
    if any((w < 0).any() for w in (*hidden, last)):
        raise ValueError(f"{name} has negative weights between layers, and is not convex")
    return DenseConvexNetwork(quadratic, hidden, last)


_QUADRATIC = ("quadratic_decomposed", "weight", "bias")
