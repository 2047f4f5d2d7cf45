"""Poisson flow: lines of the field of the data alone, in a space with extra dimensions.

Here the specs and hyperparameters; each method's implementation loads when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from transportkit import MethodSpec, param


@dataclass(frozen=True)
class PoissonParams:
    """Hyperparameters of `pfgm`. Radii are in standard deviations of the target."""

    steps: int = param(2000, "gradient steps when no budget is given", ge=1)
    batch: int = param(512, "states in one gradient step", ge=1)
    charges: int = param(512, "target samples beside the batch that make the field", ge=0)
    width: int = param(128, "units of each hidden layer", ge=1)
    depth: int = param(3, "hidden layers", ge=1)
    lr: float = param(2e-3, "initial learning rate of AdamW", gt=0)
    ema: float = param(0.999, "decay of the averaged weights", ge=0, lt=1)
    largest: float = param(80.0, "radius at which lines start, over the root of D", gt=0, le=1e6)
    smallest: float = param(0.005, "radius at which lines end, over the root of D", gt=0)
    middle: float = param(0.5, "median of the radii trained on, over the root of D", gt=0)
    spread: float = param(1.4, "standard deviation of their logarithm", gt=0)


@dataclass(frozen=True)
class PoissonPlusParams(PoissonParams):
    """The same, and the number of extra dimensions."""

    extra: int = param(64, "D, the number of extra dimensions; diffusion as it grows", ge=1)


pfgm = MethodSpec(
    summary="Poisson flow: lines of the charged target in one extra dimension",
    implementation="transportkit_poisson.matching:PoissonFlow",
    citation="Xu, Liu, Tegmark and Jaakkola 2022, arXiv:2209.11178",
    params=PoissonParams,
    family="electrostatic",
    integrator="midpoint:steps=50",
    reversible=True,
)
pfgm_plus_plus = MethodSpec(
    summary="Poisson flow in any number of extra dimensions, diffusion in the limit",
    implementation="transportkit_poisson.matching:PoissonFlowPlusPlus",
    citation="Xu et al. 2023, arXiv:2302.04265",
    params=PoissonPlusParams,
    family="electrostatic",
    integrator="midpoint:steps=25",
    reversible=True,
)
