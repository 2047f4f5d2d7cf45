"""Schroedinger bridges: specs and hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from transportkit import MethodSpec, param

_UNIT = "of epsilon: the mean variance of a coordinate, of both sides, or the data's unit squared"


@dataclass(frozen=True)
class LightParams:
    """Of a potential that is a mixture of Gaussians."""

    steps: int = param(2000, "gradient steps when no budget is given", ge=1)
    batch: int = param(256, "draws of each side in one gradient step", ge=1)
    lr: float = param(0.03, "initial learning rate of AdamW", gt=0)
    components: int = param(30, "Gaussians of the potential", ge=1)
    covariance: Literal["auto", "full", "diagonal"] = param(
        "auto", "covariances of the Gaussians; auto is full up to 64 coordinates"
    )
    epsilon: float = param(
        0.02, "regularisation of the cost |x - y|^2 / 2, the variance of the bridge's noise", gt=0
    )
    unit: Literal["variance", "data"] = param("variance", _UNIT)
    output: Literal["draw", "mean"] = param(
        "draw", "a draw from the plan's conditional at a point, or the conditional mean"
    )
    ema: float | None = param(None, "decay of the averaged weights; none for the last", gt=0, lt=1)


@dataclass(frozen=True)
class DSBMParams:
    """Of two drifts, and of the pairs that they make for each other."""

    steps: int = param(2000, "gradient steps of both drifts when no budget is given", ge=1)
    batch: int = param(512, "pairs in one gradient step of one drift", ge=1)
    lr: float = param(2e-3, "initial learning rate of AdamW", gt=0)
    width: int = param(128, "units of each hidden layer", ge=1)
    depth: int = param(3, "hidden layers", ge=1)
    ema: float | None = param(0.999, "decay of the averaged weights; none for the last", gt=0, lt=1)
    epsilon: float = param(
        0.1, "the bridge's noise: its variance in a coordinate for the unit of time", gt=0
    )
    unit: Literal["variance", "data"] = param("variance", _UNIT)
    rounds: int = param(10, "times that pairs are made anew by the drifts so far", ge=0)
    first: float = param(
        0.25, "share of the training on independent pairs, before the rounds", gt=0, le=1
    )
    pairs: int = param(4096, "pairs made in a round for each drift", ge=1)
    simulation: int = param(25, "steps in which a pair is simulated", ge=1)


lightsb = MethodSpec(
    summary="light Schroedinger bridge: the entropic plan by a Gaussian-mixture potential",
    implementation="transportkit_ot.bridge.light:LightSB",
    citation="Korotin, Gushchin and Burnaev 2024, arXiv:2310.01174",
    params=LightParams,
    family="optimal transport",
    model="map",
)
lightsb_m = MethodSpec(
    summary="the same potential fitted by optimal Schroedinger bridge matching",
    implementation="transportkit_ot.bridge.light:LightSBM",
    citation="Gushchin et al. 2024, arXiv:2402.03207",
    params=LightParams,
    family="optimal transport",
    model="map",
)
dsbm = MethodSpec(
    summary="diffusion Schroedinger bridge matching: forward and backward drifts by turns",
    implementation="transportkit_ot.bridge.matching:DSBM",
    citation="Shi et al. 2023, arXiv:2303.16852; Peluchetti 2023, arXiv:2304.00917",
    params=DSBMParams,
    family="optimal transport",
    integrator="euler-maruyama:steps=50",
    reversible=True,
)
