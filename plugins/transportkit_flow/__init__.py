"""Flow matching: a velocity field regressed on the paths between paired source and target points.

Here the specs and hyperparameters alone; each method's implementation loads when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from transportkit import MethodSpec, param


@dataclass(frozen=True)
class FlowParams:
    """The velocity network and its training."""

    sigma: float = param(0.0, "standard deviation of noise about the path, in data units", ge=0)
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
class OTFlowParams(FlowParams):
    """The same, and how a batch is paired."""

    tolerance: float = param(
        0.02, "proven excess of a pairing's cost over the least, relative, centred batch", gt=0
    )
    chunk: int = param(1024, "most points paired at once; a larger batch is cut", ge=1)


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
