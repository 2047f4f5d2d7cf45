"""Flow matching: a velocity field regressed on the paths between paired source and target points.

Here the specs and hyperparameters alone; each method's implementation loads when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from transportkit import MethodSpec, param


@dataclass(frozen=True)
class NetworkParams:
    """The velocity network and its training."""

    width: int = param(128, "units of each hidden layer", ge=1)
    depth: int = param(3, "hidden layers", ge=1)
    activation: Literal["silu", "selu", "relu", "tanh", "softplus"] = param(
        "silu", "activation of the hidden layers"
    )
    frequencies: int = param(0, "pairs of sin and cos of the time among the inputs", ge=0)
    steps: int = param(2000, "training steps, where the budget names none", ge=1)
    batch: int = param(512, "pairs in one training step", ge=1)
    lr: float = param(2e-3, "initial learning rate of AdamW", gt=0)
    schedule: Literal["cosine", "constant"] = param("cosine", "how the learning rate falls")
    ema: float | None = param(0.999, "decay of the averaged weights; none for the last", gt=0, lt=1)
    precision: Literal["float32", "bf16"] = param(
        "float32", "arithmetic of the network in training"
    )


@dataclass(frozen=True)
class FlowParams(NetworkParams):
    """The same, and the noise about a path."""

    sigma: float = param(
        0.0, "standard deviation of noise about the path, in data units", ge=0, le=1e15
    )


@dataclass(frozen=True)
class OTFlowParams(FlowParams):
    """The same, and how a batch is paired."""

    tolerance: float | None = param(
        None,
        "proven bound on a pairing's excess cost; auto is 0.05, 0.02 above 64 dimensions",
        gt=0,
    )
    chunk: int | None = param(
        None,
        "most points paired at once; auto is 1024, and what suits the data above 64 dimensions",
        ge=1,
    )


@dataclass(frozen=True)
class FromNoiseParams(NetworkParams):
    """The same; the path's noise is the source itself."""

    smallest: float = param(
        0.01, "standard deviation of the noise that is left at the end of a path", ge=0, lt=1
    )


@dataclass(frozen=True)
class UnbalancedFlowParams(FlowParams):
    """The same, and the unbalanced plan of a batch."""

    epsilon: float = param(
        0.05, "entropy of the plan, relative to what pairs of a batch can differ by in cost", gt=0
    )
    penalty: float = param(5.0, "price of a reweighted marginal, relative to the same", gt=0)
    chunk: int = param(1024, "most points paired at once; a larger batch is cut", ge=1)


@dataclass(frozen=True)
class BridgeParams(FlowParams):
    """The same, and the bridge between the points of a pair."""

    sigma: float = param(0.2, "size of the bridge's noise per root of time", gt=0, le=1e15)
    units: Literal["scale", "data"] = param(
        "scale", "what sigma is measured in: the samples' root mean variance, or the data's units"
    )


@dataclass(frozen=True)
class EntropicBridgeParams(BridgeParams):
    """The same, and how a batch is paired."""

    chunk: int = param(1024, "most points paired at once; a larger batch is cut", ge=1)


@dataclass(frozen=True)
class ScoreFlowParams(BridgeParams):
    """The same, and how a batch is paired."""

    chunk: int | None = param(
        None,
        "most points paired at once; auto is 1024, or for exact pairs what suits the data",
        ge=1,
    )
    coupling: Literal["exact", "entropic"] = param(
        "exact", "pairs of least cost, or of the plan that belongs to the bridge's noise"
    )
    tolerance: float | None = param(
        None,
        "of exact pairs: bound on their excess cost; auto is 0.05, 0.02 above 64 dimensions",
        gt=0,
    )


@dataclass(frozen=True)
class InterpolantParams(BridgeParams):
    """The same, and the path."""

    sigma: float = param(
        0.2, "size of the noise on the way per root of time; 0 for none", ge=0, le=1e15
    )
    path: Literal["trigonometric", "linear"] = param(
        "trigonometric", "the middle of the path between two points"
    )
    chunk: int | None = param(
        None, "most points paired at once; auto is 1024, or what suits the data", ge=1
    )
    coupling: Literal["independent", "exact"] = param(
        "independent", "pairs as they are drawn, or of least cost within the batch"
    )
    tolerance: float | None = param(
        None,
        "of exact pairs: bound on their excess cost; auto is 0.05, 0.02 above 64 dimensions",
        gt=0,
    )


@dataclass(frozen=True)
class RectifiedParams(FlowParams):
    """The same, and the rounds."""

    steps: int = param(4000, "training steps of all rounds, where the budget names none", ge=1)
    reflows: int = param(1, "rounds on the pairs of the round before", ge=0)
    pairs: int = param(20_000, "most pairs that a round hands to the next", ge=2)
    reflow_steps: int = param(25, "midpoint steps along the lines that make the pairs", ge=1)


@dataclass(frozen=True)
class DiffusionParams:
    """The denoiser and its training."""

    largest: float = param(80.0, "largest noise, in standard deviations of the data", gt=0, le=1e6)
    smallest: float = param(0.002, "smallest noise, in standard deviations of the data", gt=0)
    middle: float = param(-0.5, "mean of the log noise in training", ge=-14, le=14)
    spread: float = param(1.2, "standard deviation of the log noise in training", gt=0)
    width: int = param(128, "units of each hidden layer", ge=1)
    depth: int = param(3, "hidden layers", ge=1)
    steps: int = param(4000, "training steps, where the budget names none", ge=1)
    batch: int = param(512, "points in one training step", ge=1)
    lr: float = param(2e-3, "initial learning rate of AdamW", gt=0)
    ema: float | None = param(0.999, "decay of the averaged weights; none for the last", gt=0, lt=1)


cfm = MethodSpec(
    summary="flow matching on independent pairs",
    implementation="transportkit_flow.methods:IndependentFlowMatching",
    citation="Lipman et al. 2023, arXiv:2210.02747; Tong et al. 2024, arXiv:2302.00482",
    params=FlowParams,
    family="flow matching",
    integrator="midpoint:steps=25",
    reversible=True,
)
otcfm = MethodSpec(
    summary="flow matching on pairs coupled by optimal transport within each batch",
    implementation="transportkit_flow.methods:OTFlowMatching",
    citation="Tong et al. 2024, arXiv:2302.00482; Pooladian et al. 2023, arXiv:2304.14772",
    params=OTFlowParams,
    family="flow matching",
    integrator="midpoint:steps=25",
    reversible=True,
)
fm = MethodSpec(
    summary="flow matching on conditional paths from noise to single target points",
    implementation="transportkit_flow.methods:FlowFromNoise",
    citation="Lipman et al. 2023, arXiv:2210.02747",
    params=FromNoiseParams,
    family="flow matching",
    integrator="midpoint:steps=25",
    reversible=True,
)
sbcfm = MethodSpec(
    summary="flow matching on Brownian bridges between pairs of the entropic plan of each batch",
    implementation="transportkit_flow.methods:BridgeFlowMatching",
    citation="Tong et al. 2024, arXiv:2302.00482, section 4.3",
    params=EntropicBridgeParams,
    family="flow matching",
    integrator="midpoint:steps=25",
    reversible=True,
)
sf2m = MethodSpec(
    summary="score and flow of a Schroedinger bridge, followed with noise or without",
    implementation="transportkit_flow.methods:ScoreFlowMatching",
    citation="Tong et al. 2024, arXiv:2307.03672",
    params=ScoreFlowParams,
    family="flow matching",
    integrator="midpoint:steps=25",
    reversible=True,
)
vpcfm = MethodSpec(
    summary="flow matching on trigonometric paths, which keep the variance",
    implementation="transportkit_flow.methods:VariancePreservingFlowMatching",
    citation="Albergo and Vanden-Eijnden 2023, arXiv:2209.15571; Tong et al. 2024, "
    "arXiv:2302.00482",
    params=FlowParams,
    family="flow matching",
    integrator="midpoint:steps=25",
    reversible=True,
)
interpolant = MethodSpec(
    summary="stochastic interpolant, linear or trigonometric, with noise on the way or without",
    implementation="transportkit_flow.methods:StochasticInterpolant",
    citation="Albergo, Boffi and Vanden-Eijnden 2023, arXiv:2303.08797",
    params=InterpolantParams,
    family="flow matching",
    integrator="midpoint:steps=25",
    reversible=True,
)
uotcfm = MethodSpec(
    summary="flow matching on pairs of unbalanced optimal transport within each batch",
    implementation="transportkit_flow.methods:UnbalancedFlowMatching",
    citation="Eyring et al. 2024, arXiv:2311.15100",
    params=UnbalancedFlowParams,
    family="flow matching",
    integrator="midpoint:steps=25",
    reversible=True,
)
rectified = MethodSpec(
    summary="rectified flow: flow matching, and rounds of it on the pairs of its own lines",
    implementation="transportkit_flow.reflow:RectifiedFlow",
    citation="Liu, Gong and Liu 2023, arXiv:2209.03003",
    params=RectifiedParams,
    family="flow matching",
    integrator="midpoint:steps=25",
    reversible=True,
)
rectified_map = MethodSpec(
    summary="rectified flow, distilled into a map of one step",
    implementation="transportkit_flow.reflow:DistilledRectifiedFlow",
    citation="Liu, Gong and Liu 2023, arXiv:2209.03003, section 2.2",
    params=RectifiedParams,
    family="flow matching",
    model="map",
)
edm = MethodSpec(
    summary="diffusion from noise by a preconditioned denoiser, along its lines or with noise",
    implementation="transportkit_flow.diffusion:Diffusion",
    citation="Karras et al. 2022, arXiv:2206.00364",
    params=DiffusionParams,
    family="diffusion",
    integrator="midpoint:steps=25",
    reversible=True,
)
