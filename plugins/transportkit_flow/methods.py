"""The flow matching methods: each is a coupling and a path."""

from __future__ import annotations

from . import FlowParams, OTFlowParams
from .coupling import Coupling, Independent
from .matching import FlowMatching
from .paths import Path, Straight


class IndependentFlowMatching(FlowMatching[FlowParams]):
    """Independent pairs on straight paths (I-CFM)."""

    def coupling(self) -> Coupling:
        return Independent()

    def path(self) -> Path:
        return Straight(self.params.sigma)


class OTFlowMatching(FlowMatching[OTFlowParams]):
    """Pairs of minibatch optimal transport on straight paths (OT-CFM)."""

    def coupling(self) -> Coupling:
        # The pairing is compiled, and its compiler loaded, for this method alone.
        from .minibatch import MinibatchOT

        return MinibatchOT(self.params.tolerance, self.params.chunk)

    def path(self) -> Path:
        return Straight(self.params.sigma)
