"""Fits of optimal transport methods, and how far they are from the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from transportkit import Budget, Empirical, Map, Model, Problem, derive, registry


def fitted(
    name: str,
    source: Tensor,
    target: Tensor,
    params: Mapping[str, Any] | None = None,
    *,
    steps: int | None = None,
    seed: int = 0,
) -> Model:
    """A method's model of two samples."""
    method = registry.make("method", registry.parse_choice("method", name, dict(params or {})))
    problem = Problem(Empirical(source), Empirical(target))
    assert method.refuses(problem) is None
    objective = method.objective(problem, derive(seed, "objective"))
    return method.trainer().fit(objective, Budget(steps=steps), derive(seed, "fit")).model


def gaussian_pair(dim: int, samples: int = 10_000, **params: Any) -> tuple[Problem, Tensor, Tensor]:
    """The problem with its truth, and training samples of both sides."""
    pair = registry.make(
        "problem", registry.parse_choice("problem", f"gaussian-pair:dim={dim}", params)
    )
    assert isinstance(pair, Problem)
    sides = (pair.source, pair.target)
    return pair, *(side.sample(samples, derive(0, str(i))) for i, side in enumerate(sides))


def l2_uvp(model: Model, problem: Problem) -> float:
    """100 E|T - T*|^2 / Var(Q) of a map on 4,096 fresh points."""
    assert isinstance(model, Map)
    truth = problem.truth
    assert truth is not None
    assert truth.map is not None
    assert truth.target_variance is not None
    x = problem.source.sample(4096, derive(0, "fresh"))
    with torch.no_grad():
        error = model(x, derive(0, "push")) - truth.map(x)
    return 100 * float(error.square().sum(1).mean()) / truth.target_variance
