"""The method `efm-exact`: training samples as charges, and the rule that their lines keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Generator

from transportkit import Direct, Method, Model, Problem, Solvable, Trainer

from . import EfmExactParams
from .capacitor import Rule
from .charges import DENSE, ChargedPlates
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
        limit = self.params.charges
        rule: Rule = "plate" if self.problem.dim <= DENSE else "discrete"
        if self.params.rule != "auto":
            rule = self.params.rule
        return field_of(rule).of(
            self.problem.source.points(limit, generator).flatten(1),
            self.problem.target.points(limit, generator).flatten(1),
            self.problem.event_shape,
            distance=self.params.distance,
            offset=self.params.offset,
            rule=rule,
        )


class EfmExact(Method[EfmExactParams]):
    """Electrostatic field matching with the exact field of training samples."""

    def objective(self, problem: Problem, generator: Generator) -> ChargesObjective:
        return ChargesObjective(problem, self.params)

    def trainer(self) -> Trainer:
        return Direct()

    def blank(self, config: Mapping[str, Any]) -> Model:
        return field_of(config["rule"])(**config)
