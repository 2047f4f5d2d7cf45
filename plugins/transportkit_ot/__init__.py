"""Optimal transport: maps between two samples for the squared Euclidean cost.

Here the specs and hyperparameters alone; each method's implementation loads when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from transportkit import MethodSpec, param


@dataclass(frozen=True)
class EMDParams:
    points: int = param(3000, "most training samples of each side that are coupled", ge=1)
    extension: Literal["displacement", "image"] = param(
        "displacement",
        "what a new point takes from its nearest source samples: their displacement or their image",
    )
    neighbours: int = param(1, "nearest source samples of a new point, averaged", ge=1)


@dataclass(frozen=True)
class SinkhornParams:
    points: int = param(3000, "most training samples of each side that are coupled", ge=2)
    epsilon: float = param(
        0.01, "regularisation, relative to half the sum of both total variances", gt=0
    )
    output: Literal["mean", "draw"] = param(
        "mean", "the conditional mean of the plan at a point, or a draw from the conditional"
    )
    tolerance: float = param(
        0.01, "largest share of mass misplaced by the plan's source marginal", gt=0, lt=1
    )
    iterations: int = param(2000, "iterations at the last epsilon before giving up", ge=1)


@dataclass(frozen=True)
class LinearParams:
    points: int = param(100_000, "most training samples of each side", ge=2)
    shrinkage: float | None = param(
        None,
        "weight of the isotropic part in both covariances; auto by Ledoit and Wolf",
        ge=0,
        le=1,
    )


emd = MethodSpec(
    summary="exact discrete optimal transport between samples, extended to new points",
    implementation="transportkit_ot.coupling:EMD",
    citation="Bonneel et al. 2011 (network simplex); Ferradans et al. 2014 (extension); POT",
    params=EMDParams,
    family="optimal transport",
    model="map",
)
sinkhorn = MethodSpec(
    summary="entropic optimal transport: the conditional of the regularised plan",
    implementation="transportkit_ot.entropic_map:Sinkhorn",
    citation="Cuturi 2013; Seguy et al. 2018; Pooladian and Niles-Weed 2021, arXiv:2109.12004",
    params=SinkhornParams,
    family="optimal transport",
    model="map",
)
linear = MethodSpec(
    summary="the optimal affine map between Gaussians of the samples' means and covariances",
    implementation="transportkit_ot.affine:Linear",
    citation="Olkin and Pukelsheim 1982; Ledoit and Wolf 2004 (shrinkage)",
    params=LinearParams,
    family="optimal transport",
    model="map",
)
