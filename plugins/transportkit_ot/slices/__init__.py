"""Transport along lines: specs and hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from transportkit import MethodSpec, param


@dataclass(frozen=True)
class SlicedParams:
    """Of the iterations, and of the monotone maps along the axes of one."""

    points: int = param(10_000, "most training samples of each side", ge=2)
    iterations: int = param(50, "most turns of the axes along which both samples are matched", ge=1)
    held_out: float = param(
        0.2, "share of the samples that tell after which iteration to stop; 0 for none", ge=0, lt=1
    )
    directions: int = param(64, "axes of one iteration, at most D", ge=1)
    levels: int = param(200, "quantiles kept of every axis", ge=2)
    step: float = param(1.0, "share of the way to the target that an iteration goes", gt=0, le=1)
    start: Literal["affine", "identity"] = param(
        "affine", "what the first iteration begins with: the optimal affine map, or the data"
    )


sliced = MethodSpec(
    summary="iterative sliced transport: monotone maps along axes turned at random",
    implementation="transportkit_ot.slices.transfer:Sliced",
    solved=True,
    citation="Pitie, Kokaram and Dahyot 2007, CVIU 107 (IDT); Bonneel et al. 2015",
    params=SlicedParams,
    family="optimal transport",
    model="map",
)
