"""Gaussians and their mixtures: specs and hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from transportkit import MethodSpec, param


@dataclass(frozen=True)
class LinearParams:
    """Of the estimates of both covariances."""

    points: int = param(100_000, "most training samples of each side", ge=2)
    shrinkage: float | None = param(
        None,
        "weight of the isotropic part in both covariances; auto by Ledoit and Wolf, or less",
        ge=0,
        le=1,
    )


@dataclass(frozen=True)
class MixtureParams:
    """Of both mixtures, and of the map that is made of their plan."""

    points: int = param(10_000, "most training samples of each side", ge=2)
    components: int | None = param(
        None, "Gaussians of each mixture; auto by the Bayesian information criterion", ge=1
    )
    most: int = param(32, "most Gaussians that auto tries", ge=1)
    output: Literal["draw", "mean"] = param(
        "draw", "the map of a pair of Gaussians drawn at a point, or the mean of all their maps"
    )


linear = MethodSpec(
    summary="the optimal affine map between Gaussians of the samples' means and covariances",
    implementation="transportkit_ot.gaussian.affine:Linear",
    solved=True,
    citation="Olkin and Pukelsheim 1982; Ledoit and Wolf 2004 (shrinkage)",
    params=LinearParams,
    family="optimal transport",
    model="map",
    reversible=True,
)
gmm = MethodSpec(
    summary="optimal transport between Gaussian mixtures, Gaussian by Gaussian",
    implementation="transportkit_ot.gaussian.mixture:GaussianMixtures",
    solved=True,
    citation="Delon and Desolneux 2020, arXiv:1907.05254",
    params=MixtureParams,
    family="optimal transport",
    model="map",
)
