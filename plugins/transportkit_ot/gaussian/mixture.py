"""Optimal transport between Gaussian mixtures (Delon and Desolneux 2020, arXiv:1907.05254)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Generator, Tensor

from transportkit import Direct, Map, Method, Problem, Solvable

from ..draws import pick
from ..frame import Frame
from . import MixtureParams
from .bures import bures_cost, bures_map
from .components import Mixture, fit, fit_both, log_parts

_LARGEST = 1024


class MixtureMap(Map):
    """Affine maps between pairs of Gaussians, weighted by how likely a point belongs to each.

    At x the pair (k, l) has the weight p(k | x) w_kl / p_k, with w the optimal plan between the
    Gaussians. `draw` takes the map of one pair at random: then the image of the source mixture is
    the target mixture exactly; `mean` takes the mean of all (section 6.3, T_rand and T_mean).
    """

    log_weights: Tensor
    means: Tensor
    whitening: Tensor
    first: Tensor
    shares: Tensor
    matrices: Tensor
    images: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        components: int,
        pairs: int,
        output: Literal["draw", "mean"],
    ) -> None:
        super().__init__()
        self.components, self.pairs, self.output = components, pairs, output
        dim = torch.Size(event_shape).numel()
        self.frame = Frame(event_shape)
        self.register_buffer("log_weights", torch.zeros(components))
        self.register_buffer("means", torch.zeros(components, dim))
        self.register_buffer("whitening", torch.zeros(components, dim, dim))
        self.register_buffer("first", torch.zeros(pairs, dtype=torch.long))
        self.register_buffer("shares", torch.zeros(pairs))
        self.register_buffer("matrices", torch.zeros(pairs, dim, dim))
        self.register_buffer("images", torch.zeros(pairs, dim))
        # Likelihoods of far points and covariances of small ones ask for it.
        self.double()

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "event_shape": list(self.frame.event_shape),
            "components": self.components,
            "pairs": self.pairs,
            "output": self.output,
        }

    def likelihoods(self, x: Tensor) -> Tensor:
        """p(k | x) (B, K) at the points x (B, D) of the frame."""
        parts = log_parts(x, self.log_weights, self.means, self.whitening)
        return parts.softmax(1)

    def forward(self, x: Tensor, generator: Generator) -> Tensor:
        inside = self.frame.from_source(x.double())
        weights = self.likelihoods(inside)[:, self.first] * self.shares
        if self.output == "draw":
            chosen = pick(weights, generator)
            weights = torch.nn.functional.one_hot(chosen, self.pairs).to(weights)
        moved = torch.zeros_like(inside)
        for i in range(self.pairs):
            here = weights[:, i].nonzero().squeeze(1)
            part = (inside[here] - self.means[self.first[i]]) @ self.matrices[i] + self.images[i]
            moved[here] += weights[here, i, None] * part
        return self.frame.to_target(moved).to(x.dtype)


class MixtureObjective(Solvable):
    """min over plans w between the Gaussians of sum w_kl W2^2(N_k, N_l): the distance MW2."""

    def __init__(self, problem: Problem, params: MixtureParams) -> None:
        self.problem, self.params = problem, params

    def solve(self, generator: Generator) -> MixtureMap:
        problem, settings = self.problem, self.params
        frame = Frame.of(problem, generator).double()
        x = frame.from_source(problem.source.points(settings.points, generator).double())
        y = frame.from_target(problem.target.points(settings.points, generator).double())
        if settings.components is None:
            source, target = fit_both(x, y, settings.most, generator)
        else:
            source, target = (fit(s, settings.components, generator) for s in (x, y))
        plan = mixture_plan(source, target)
        pairs = (plan > 0).nonzero()
        model = MixtureMap(
            problem.event_shape, components=len(source), pairs=len(pairs), output=settings.output
        ).to(x.device)
        model.frame = frame
        model.log_weights, model.means = source.weights.log(), source.means
        model.whitening = source.whitening()
        model.first = pairs[:, 0].contiguous()
        model.shares = plan[pairs[:, 0], pairs[:, 1]] / source.weights[pairs[:, 0]]
        model.images = target.means[pairs[:, 1]]
        model.matrices = torch.stack(
            [bures_map(source.covariances[k], target.covariances[j]) for k, j in pairs.tolist()]
        )
        return model


class GaussianMixtures(Method[MixtureParams]):
    def refuses(self, problem: Problem) -> str | None:
        sizes = [m.size for m in (problem.source, problem.target) if m.size is not None]
        least = max(2, self.params.components or 1)
        if min(sizes, default=least) < least or self.params.points < least:
            return f"gmm needs {least} samples of each side for its Gaussians"
        if problem.dim > _LARGEST:
            return (
                f"gmm holds D x D covariances of every Gaussian, at most {_LARGEST} coordinates; "
                f"a point here has {problem.dim}"
            )
        return None

    def objective(self, problem: Problem, generator: Generator) -> MixtureObjective:
        return MixtureObjective(problem, self.params)

    def trainer(self) -> Direct:
        return Direct()

    def blank(self, config: Mapping[str, Any]) -> MixtureMap:
        return MixtureMap(**{**config, "event_shape": tuple(config["event_shape"])})


def mixture_plan(source: Mixture, target: Mixture) -> Tensor:
    """The optimal plan (K, L) between the Gaussians of two mixtures, for the cost W2^2."""
    import ot  # seconds to load

    cost = torch.stack(
        [
            torch.stack(
                [
                    (m - n).square().sum() + bures_cost(a, b)
                    for n, b in zip(target.means, target.covariances, strict=True)
                ]
            )
            for m, a in zip(source.means, source.covariances, strict=True)
        ]
    )
    weights = (m.weights.cpu().numpy() for m in (source, target))
    return torch.from_numpy(ot.emd(*weights, cost.cpu().numpy())).to(cost)
