"""The method `efm-exact`: training samples as charges, and the rule that their lines keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Generator

from transportkit import Direct, Method, Model, Problem, Solvable, Trainer

from . import EfmExactParams
from .capacitor import Rule
from .charges import DENSE, ChargedPlates
from .density import is_dense
from .discrete import PointCharges
from .published import UnitVectorPlates


def field_of(rule: Rule) -> type[ChargedPlates]:
    """The kind of field whose lines keep a rule."""
    if rule == "discrete":
        return PointCharges
    return UnitVectorPlates if rule == "published" else ChargedPlates


class ChargesObjective(Solvable):
    """Places training samples as charges."""

    def __init__(self, problem: Problem, params: EfmExactParams) -> None:
        self.problem, self.params = problem, params

    def solve(self, generator: Generator) -> ChargedPlates:
        source, target = (
            side.points(self.params.charges, generator).flatten(1)
            for side in (self.problem.source, self.problem.target)
        )
        if self.params.rule == "auto":
            dense = self.problem.dim <= DENSE and is_dense(source) and is_dense(target)
            rule: Rule = "plate" if dense else "discrete"
        else:
            rule = self.params.rule
        return field_of(rule).of(
            source,
            target,
            self.problem.event_shape,
            distance=self.params.distance,
            offset=self.params.offset,
            rule=rule,
            # From charge to charge it is the radius on which lines begin.
            harms=() if rule == "discrete" else ("far", "near"),
        )


class EfmExact(Method[EfmExactParams]):
    """Electrostatic field matching with the exact field of training samples."""

    def objective(self, problem: Problem, generator: Generator) -> ChargesObjective:
        return ChargesObjective(problem, self.params)

    def trainer(self) -> Trainer:
        return Direct()

    def blank(self, config: Mapping[str, Any]) -> Model:
        return field_of(config["rule"])(**config)
