"""Maps by neural networks: specs and hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass

from transportkit import MethodSpec, param


@dataclass(frozen=True)
class NeuralParams:
    """What the methods share."""

    steps: int = param(1000, "gradient steps when no budget is given", ge=1)
    batch: int = param(256, "draws of each side in one gradient step", ge=1)
    lr: float = param(3e-3, "initial learning rate of AdamW", gt=0)
    depth: int = param(3, "hidden layers", ge=1)
    ema: float | None = param(0.99, "decay of the averaged weights; none for the last", gt=0, lt=1)


@dataclass(frozen=True)
class PotentialParams(NeuralParams):
    """The same, for potentials."""

    lr: float = param(2e-3, "initial learning rate of AdamW", gt=0)
    width: int | None = param(
        None, "units of each hidden layer; auto is 2 D, from 128 to 512", ge=1
    )

    def units(self, dim: int) -> int:
        """The width for D coordinates."""
        return self.width or min(max(128, 2 * dim), 512)


@dataclass(frozen=True)
class MMV1Params(PotentialParams):
    """The same, and the ascent."""

    ascent: int = param(10, "steps of ascent in which a conjugate is sharpened", ge=0)


@dataclass(frozen=True)
class MMV2Params(PotentialParams):
    """The same, and how often the inverse moves."""

    moves: int = param(5, "updates of the inverse in one step", ge=1)


@dataclass(frozen=True)
class NeuralOTParams(NeuralParams):
    """The same, and the cost: strong, or weak with the noise that it needs."""

    width: int = param(128, "units of each hidden layer", ge=1)
    moves: int = param(5, "updates of the map in one step", ge=1)
    weak: float = param(
        0.0, "gamma of the weak cost; 0 is the strong one, whose map is deterministic", ge=0, le=1
    )
    noise: int | None = param(None, "dimension of the map's noise; auto is D", ge=1)
    draws: int = param(4, "images of one point in a batch, of the weak cost", ge=2)


@dataclass(frozen=True)
class MongeGapParams(NeuralParams):
    """The same, and both terms of the loss."""

    width: int = param(64, "units of each hidden layer", ge=1)
    gap: float = param(1.0, "weight of the Monge gap", ge=0)
    epsilon: float = param(
        0.05, "regularisation of the fitting loss, in half the sum of both total variances", gt=0
    )
    iterations: int = param(20, "Sinkhorn iterations of the fitting loss", ge=1)


mmv1 = MethodSpec(
    summary="dual potential by a network, with conjugates by amortised ascent",
    implementation="transportkit_ot.neural.duals:MMV1",
    citation="Taghvaei and Jalali 2019, arXiv:1902.07197; Amos 2023, arXiv:2210.12153",
    params=MMV1Params,
    family="optimal transport",
    model="map",
)
mmv2 = MethodSpec(
    summary="maximin of two potentials, whose gradients are the map and its inverse",
    implementation="transportkit_ot.neural.duals:MMV2",
    citation="Makkuva et al. 2020, arXiv:1908.10962; Korotin et al. 2021, arXiv:2106.01954",
    params=MMV2Params,
    family="optimal transport",
    model="map",
)
neural_ot = MethodSpec(
    summary="neural optimal transport, strong or weak: maximin of a map and a potential",
    implementation="transportkit_ot.neural.maximin:NeuralOT",
    citation="Korotin, Selikhanovych and Burnaev 2023, arXiv:2201.12220",
    params=NeuralOTParams,
    family="optimal transport",
    model="map",
)
monge_gap = MethodSpec(
    summary="a map regressed by a Sinkhorn divergence and regularised by the Monge gap",
    implementation="transportkit_ot.neural.gap:MongeGap",
    citation="Uscidu and Cuturi 2023, arXiv:2302.04953",
    params=MongeGapParams,
    family="optimal transport",
    model="map",
)
