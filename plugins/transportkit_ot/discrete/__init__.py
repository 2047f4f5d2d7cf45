"""Plans between samples: specs and hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from transportkit import MethodSpec, param


@dataclass(frozen=True)
class EMDParams:
    """Of a coupling of the training samples, and of its extension to new points."""

    points: int = param(3000, "most training samples of each side that are coupled", ge=1)
    extension: Literal["displacement", "image"] = param(
        "displacement",
        "what a new point takes from its nearest source samples: their displacement or their image",
    )
    neighbours: int = param(1, "nearest source samples of a new point, averaged", ge=1)


@dataclass(frozen=True)
class SinkhornParams:
    """Of the regularised plan between the training samples."""

    points: int = param(3000, "most training samples of each side that are coupled", ge=2)
    epsilon: float = param(0.01, "regularisation of the cost |x - y|^2 / 2", gt=0)
    unit: Literal["variance", "data"] = param(
        "variance",
        "of epsilon: half the sum of both total variances, at most 4 geometric means, or the "
        "data's unit squared",
    )
    output: Literal["mean", "draw"] = param(
        "mean", "the conditional mean of the plan at a point, or a draw from the conditional"
    )
    tolerance: float = param(
        0.01, "largest share of mass misplaced by the plan's source marginal", gt=0, lt=1
    )
    iterations: int = param(2000, "iterations at the last epsilon before giving up", ge=1)


@dataclass(frozen=True)
class UnbalancedParams(SinkhornParams):
    """The same, and what it costs to leave mass behind."""

    tolerance: float = param(
        0.01, "share of the mass that the last iteration may still have moved", gt=0, lt=1
    )
    strictness: float = param(
        10.0,
        "what it costs to diverge from the samples, in mean costs of independent pairs, or in the "
        "data's unit squared",
        gt=0,
    )


emd = MethodSpec(
    summary="exact discrete optimal transport between samples, extended to new points",
    implementation="transportkit_ot.discrete.coupling:EMD",
    solved=True,
    citation="Bonneel et al. 2011 (network simplex); Ferradans et al. 2014 (extension); POT",
    params=EMDParams,
    family="optimal transport",
    model="map",
)
sinkhorn = MethodSpec(
    summary="entropic optimal transport: the conditional of the regularised plan",
    implementation="transportkit_ot.discrete.entropic_map:Sinkhorn",
    solved=True,
    citation="Cuturi 2013; Seguy et al. 2018; Pooladian and Niles-Weed 2021, arXiv:2109.12004",
    params=SinkhornParams,
    family="optimal transport",
    model="map",
)
unbalanced = MethodSpec(
    summary="entropic transport that leaves mass behind where carrying it costs too much",
    implementation="transportkit_ot.discrete.unbalanced:Unbalanced",
    solved=True,
    citation="Chizat et al. 2018, Math. Comp. 87; Sejourne et al. 2022, arXiv:2201.00730",
    params=UnbalancedParams,
    family="optimal transport",
    model="map",
)
