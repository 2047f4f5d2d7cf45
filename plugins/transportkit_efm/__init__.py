"""Electrostatic field matching: specs and hyperparameters, no implementation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from transportkit import MethodSpec, param

KOLESOV = (
    "Kolesov, Manukhov, Palyulin and Korotin, Field Matching: an Electrostatic Paradigm to "
    "Generate and Transfer Data, ICML 2025"
)

MANUKHOV = (
    "Manukhov, Kolesov, Palyulin and Korotin, Interaction Field Matching: Overcoming Limitations "
    "of Electrostatic Models, ICLR 2026"
)


@dataclass(frozen=True)
class EfmParams:
    """Hyperparameters of `efm`. Lengths are in the units of the data."""

    steps: int = param(2000, "gradient steps when no budget is given", ge=1)
    batch: int = param(512, "states in one gradient step", ge=1)
    width: int = param(128, "width of the hidden layers", ge=1)
    depth: int = param(3, "number of hidden layers", ge=1)
    lr: float | None = param(
        None,
        "learning rate of AdamW; auto: .015 beside Muon, .002 above 8 dimensions, without Muon",
        gt=0,
    )
    muon_lr: float = param(
        0.08, "learning rate of the hidden layers (Muon), up to 8 dimensions", gt=0
    )
    ema: float | None = param(
        None, "decay of the average of the weights; auto: .99, .999 above 8 dimensions", ge=0, lt=1
    )
    charges: int = param(
        10_000,
        "training samples placed on each plate, at most; above 8 dimensions only to measure them",
        ge=1,
    )
    lines: int = param(3000, "exact lines whose states are trained on, up to 8 dimensions", ge=1)
    refresh: int = param(5000, "steps after which new lines are followed, likewise", ge=1)
    distance: float | None = param(
        None, "distance of the plates; auto: 8 sqrt(D) standard deviations of the data", gt=0
    )
    offset: float | None = param(
        None,
        "how near a plate the field is read; auto: from the distance of neighbours on it, .07 "
        "standard deviations of its sample above 8 dimensions",
        gt=0,
    )
    spacing: float | None = param(
        None,
        "automatic offset up to 8 dimensions, in distances of nearest neighbours; auto: 2, on the "
        "target 0.8 in 3 and 4 dimensions, and 1.25 on both above",
        gt=0,
    )


@dataclass(frozen=True)
class EfmPlatesParams:
    """Hyperparameters of `efm-plates`. Lengths are in the units of the data."""

    steps: int = param(2000, "gradient steps when no budget is given", ge=1)
    batch: int = param(512, "states in one gradient step", ge=1)
    width: int = param(128, "width of the hidden layers", ge=1)
    depth: int = param(3, "number of hidden layers", ge=1)
    lr: float = param(5e-3, "learning rate of the outer layers (AdamW)", gt=0)
    muon_lr: float = param(0.05, "learning rate of the hidden layers (Muon)", gt=0)
    ema: float = param(0.99, "decay of the average of the weights", ge=0, lt=1)
    charges: int = param(10_000, "training samples placed on each plate, at most", ge=1)
    lines: int = param(2000, "exact lines whose states are trained on", ge=1)
    refresh: int = param(5000, "steps after which new lines are followed", ge=1)
    near: float = param(0.2, "states near the plates, beside ten on each line", ge=0)
    distance: float | None = param(
        None, "distance of the plates; auto: 3 sqrt(D) standard deviations of the data", gt=0
    )
    offset: float | None = param(
        None, "how near a plate the field is read; auto: from the distance of neighbours", gt=0
    )
    spacing: float = param(4.0, "automatic offset, in distances of nearest neighbours", gt=0)
    rule: Literal["auto", "plate", "sphere", "forward"] = param(
        "auto",
        "how lines leave: plate (by flux, up to D = 8), sphere (isotropic, above), forward (only)",
    )


@dataclass(frozen=True)
class EfmFlowParams:
    """Hyperparameters of `efm-flow`. Lengths are in the units of the data."""

    steps: int = param(2000, "gradient steps when no budget is given", ge=1)
    batch: int = param(512, "pairs in one gradient step", ge=1)
    width: int = param(128, "width of the hidden layers", ge=1)
    depth: int = param(3, "number of hidden layers", ge=1)
    lr: float = param(2e-3, "initial learning rate of AdamW", gt=0)
    ema: float = param(0.999, "decay of the average of the weights", ge=0, lt=1)
    charges: int = param(10_000, "training samples placed on each plate, at most", ge=1)
    pairs: int = param(10_000, "pairs made at a time by following lines", ge=1)
    refresh: int = param(5000, "steps after which new pairs are made", ge=1)
    distance: float | None = param(
        None, "distance of the plates; auto: 8 sqrt(D) standard deviations of the data", gt=0
    )
    offset: float | None = param(
        None, "how near a plate the field is read; auto: from the distance of neighbours", gt=0
    )
    ends: Literal["assigned", "flux"] = param(
        "assigned",
        "how lines end on samples: assigned one to one within groups, or drawn by flux",
    )


@dataclass(frozen=True)
class EfmExactParams:
    """Hyperparameters of `efm-exact`. Lengths are in the units of the data."""

    charges: int = param(10_000, "training samples placed on each plate, at most", ge=1)
    distance: float | None = param(
        None, "distance of the plates; auto: 3 sqrt(D) standard deviations of the data", gt=0
    )
    offset: float | None = param(
        None, "how near a plate the field is read; auto: the distance of nearest neighbours", gt=0
    )
    rule: Literal["auto", "plate", "sphere", "forward", "published", "discrete"] = param(
        "auto",
        "how lines leave and end: plate (by flux, up to D = 8), discrete (charge to charge, above "
        "and for samples of few values), sphere (isotropic starts), forward (only), published (of "
        "the paper's code)",
    )


@dataclass(frozen=True)
class IfmParams:
    """Hyperparameters of `ifm`. Widths are in standard deviations of the pooled data."""

    steps: int = param(2000, "gradient steps when no budget is given", ge=1)
    batch: int = param(512, "states in one gradient step", ge=1)
    width: int = param(128, "width of the hidden layers", ge=1)
    depth: int = param(3, "number of hidden layers", ge=1)
    lr: float = param(2e-3, "initial learning rate of AdamW", gt=0)
    ema: float = param(0.999, "decay of the average of the weights", ge=0, lt=1)
    pairs: Literal["independent", "minibatch"] = param(
        "independent", "the coupling: independent, or optimal within chunks of a batch"
    )
    chunk: int = param(256, "pairs assigned at a time under minibatch", ge=1)
    together: int = param(64, "pairs whose fields are summed at a state", ge=1)
    tube: float = param(0.3, "width of a tube of field lines", gt=0)
    opening: float = param(0.5, "share of the way over which a tube opens", gt=0, le=0.5)
    distance: float | None = param(
        None,
        "distance of the plates, in the units of the data; auto: 3 sqrt(D) standard deviations "
        "of the data",
        gt=0,
    )


efm = MethodSpec(
    summary="electrostatic field matching by a network of the field between distant plates",
    citation=KOLESOV,
    family="electrostatic",
    params=EfmParams,
    implementation="transportkit_efm.method:Efm",
    model="field",
    integrator="midpoint:steps=10",
    reversible=True,
)
efm_plates = MethodSpec(
    summary="electrostatic field matching by a network that learns the field about both plates",
    citation=KOLESOV,
    family="electrostatic",
    params=EfmPlatesParams,
    implementation="transportkit_efm.learned:EfmPlates",
    model="field",
    integrator="lines",
    reversible=True,
)
efm_exact = MethodSpec(
    summary="electrostatic field matching by the exact field of the samples, without a network",
    citation=KOLESOV,
    family="electrostatic",
    params=EfmExactParams,
    implementation="transportkit_efm.exact:EfmExact",
    solved=True,
    model="field",
    integrator="lines",
    reversible=True,
)
efm_flow = MethodSpec(
    summary="flow matching on the pairs that exact electrostatic field lines make",
    citation=KOLESOV + "; Tong et al. 2024, arXiv:2302.00482, for the regression",
    family="electrostatic",
    params=EfmFlowParams,
    implementation="transportkit_efm.distilled:EfmFlow",
    model="field",
    integrator="midpoint:steps=5",
    reversible=True,
)
ifm = MethodSpec(
    summary="interaction field matching: pairs joined by tubes of field lines that never turn",
    citation=MANUKHOV,
    family="electrostatic",
    params=IfmParams,
    implementation="transportkit_efm.interaction:Ifm",
    model="field",
    integrator="midpoint:steps=25",
    reversible=True,
)
