"""The flow matching methods: each is a coupling and a path."""

from __future__ import annotations

from typing import Any

from torch import Generator

from transportkit import Game, Problem, is_standard_normal

from . import (
    EntropicBridgeParams,
    FlowParams,
    FromNoiseParams,
    InterpolantParams,
    OTFlowParams,
    ScoreFlowParams,
    UnbalancedFlowParams,
)
from .couplings.coupling import Coupling, Independent
from .field import ScoreFlowField
from .matching import FlowMatching, ScoreFlowGame
from .noise import constant, warn_of_noise
from .paths.bridge import Bridge
from .paths.constant import Constant
from .paths.linear import Linear
from .paths.path import Path
from .paths.trigonometric import Trigonometric


def minibatch_ot(tolerance: float | None, chunk: int | None) -> Coupling:
    """Pairs of least cost within the batch."""
    # The pairing is compiled, and its compiler loaded, for the methods that use it alone.
    from .couplings.exact import MinibatchOT

    return MinibatchOT(tolerance, chunk)


class IndependentFlowMatching(FlowMatching[FlowParams]):
    """Independent pairs on straight paths (I-CFM)."""

    def coupling(self, scale: float) -> Coupling:
        return Independent()

    def path(self, scale: float) -> Path:
        return Path(Linear(), constant(self.params.sigma, scale))


class FlowFromNoise(FlowMatching[FromNoiseParams]):
    """The conditional paths of Lipman et al. from noise to single points (FM)."""

    def refuses(self, problem: Problem) -> str | None:
        if is_standard_normal(problem.source):
            return None
        return (
            "fm generates from noise: its source must be N(0, I), and this sample is not of that "
            "law; use cfm"
        )

    def coupling(self, scale: float) -> Coupling:
        return Independent()

    def path(self, scale: float) -> Path:
        return Path(Linear(self.params.smallest), Constant())


class OTFlowMatching(FlowMatching[OTFlowParams]):
    """Pairs of minibatch optimal transport on straight paths (OT-CFM)."""

    def coupling(self, scale: float) -> Coupling:
        return minibatch_ot(self.params.tolerance, self.params.chunk)

    def path(self, scale: float) -> Path:
        return Path(Linear(), constant(self.params.sigma, scale))


class UnbalancedFlowMatching(FlowMatching[UnbalancedFlowParams]):
    """Pairs of unbalanced minibatch optimal transport on straight paths (UOT-FM)."""

    def coupling(self, scale: float) -> Coupling:
        from .couplings.unbalanced import UnbalancedOT

        return UnbalancedOT(self.params.epsilon, self.params.penalty, self.params.chunk)

    def path(self, scale: float) -> Path:
        return Path(Linear(), constant(self.params.sigma, scale))


class VariancePreservingFlowMatching(FlowMatching[FlowParams]):
    """Independent pairs on trigonometric paths (VP-CFM)."""

    def coupling(self, scale: float) -> Coupling:
        return Independent()

    def path(self, scale: float) -> Path:
        return Path(Trigonometric(), constant(self.params.sigma, scale))


def bridge_sigma(params: Any, scale: float) -> float:
    """The size of a bridge's noise in units of the data."""
    return params.sigma if params.units == "data" else params.sigma * scale


def bridge(params: Any, scale: float) -> Bridge:
    """The noise of a bridge between data of this scale. Warns of so much that it hides them."""
    sigma = bridge_sigma(params, scale)
    warn_of_noise(params.sigma, sigma, scale)
    return Bridge(sigma)


class BridgeFlowMatching(FlowMatching[EntropicBridgeParams]):
    """Entropic pairs on Brownian bridges (SB-CFM)."""

    def coupling(self, scale: float) -> Coupling:
        from .couplings.entropic import EntropicOT

        return EntropicOT(2 * bridge_sigma(self.params, scale) ** 2, self.params.chunk)

    def path(self, scale: float) -> Path:
        return Path(Linear(), bridge(self.params, scale))


class ScoreFlowMatching(FlowMatching[ScoreFlowParams]):
    """The drift and the score of a Schroedinger bridge, from pairs on Brownian bridges ([SF]2M)."""

    def coupling(self, scale: float) -> Coupling:
        if self.params.coupling == "exact":
            return minibatch_ot(self.params.tolerance, self.params.chunk)
        from .couplings.entropic import EntropicOT

        return EntropicOT(2 * bridge_sigma(self.params, scale) ** 2, self.params.chunk or 1024)

    def path(self, scale: float) -> Path:
        return Path(Linear(), bridge(self.params, scale))

    def objective(self, problem: Problem, generator: Generator) -> Game[Any]:
        return with_score(self, problem, generator)


class StochasticInterpolant(FlowMatching[InterpolantParams]):
    """Independent or coupled pairs on a linear or trigonometric path, with noise or without."""

    def coupling(self, scale: float) -> Coupling:
        if self.params.coupling == "independent":
            return Independent()
        return minibatch_ot(self.params.tolerance, self.params.chunk)

    def path(self, scale: float) -> Path:
        mean = Linear() if self.params.path == "linear" else Trigonometric()
        return Path(mean, bridge(self.params, scale))

    def objective(self, problem: Problem, generator: Generator) -> Game[Any]:
        if self.params.sigma == 0:
            return super().objective(problem, generator)
        return with_score(self, problem, generator)


def with_score(method: FlowMatching[Any], problem: Problem, generator: Generator) -> ScoreFlowGame:
    """The regression of a method's drift and score."""
    field = method.field(ScoreFlowField, problem, generator)
    field.sigma.fill_(bridge_sigma(method.params, float(field.scale)))
    return ScoreFlowGame(problem, field, *method.parts(field, problem, generator))
