"""What an entry point resolves to: a light description, and where the implementation is.

A spec imports nothing heavy, so that listing and describing plugins costs milliseconds; the
implementation named in it is imported when it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from .params import NoParams

API_VERSION = 1
"""The version of the plugin contracts. A plugin states the one that it was written for."""

Side = Literal["source", "target"]
SpanKind = Literal["interval", "noisy interval", "denoising interval", "plate"]


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What every plugin says of itself.

    `summary` is one line; `citation` names the source; `params` is a frozen dataclass made with
    `param`; `implementation` is ``"package.module:attribute"``; `api_version` is the version of
    the contracts that the author wrote against. `expected_failures` maps checks of the conformance
    suite that the plugin is known not to pass to the reasons.
    """

    kind: ClassVar[str]
    summary: str
    implementation: str
    citation: str = ""
    params: type = NoParams
    api_version: int = API_VERSION
    expected_failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MethodSpec(Spec):
    """A transport method. `implementation` is a subclass of `Method`.

    `model` says what it fits; a field has `integrator`, the default as one would type it, such as
    ``"dopri5:rtol=1e-4"``. `reversible` says that points can be carried from Q to P as well,
    `solved` that it is fitted without steps, as by `Direct`, and so alike under every budget.
    """

    kind: ClassVar[str] = "method"
    family: str = ""
    model: Literal["field", "map"] = "field"
    integrator: str | None = None
    reversible: bool = False
    solved: bool = False

    def __post_init__(self) -> None:
        if (self.model == "field") != (self.integrator is not None):
            raise ValueError("a method that fits a field names a default integrator, a map none")


@dataclass(frozen=True, kw_only=True)
class ProblemSpec(Spec):
    """A problem. `implementation` is a function ``(params) -> Problem``.

    `files` names the parameters that are paths of files which the problem reads, so that a run's
    key follows their content.
    """

    kind: ClassVar[str] = "problem"
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MetricSpec(Spec):
    """A metric. `implementation` is a subclass of `Metric`, made with its parameters.

    `better` says which way is better; None for a metric that describes and does not rank.
    `default` says whether a run computes it when no metric is named. `side` is that whose samples
    it compares points with, where it has a noise floor.
    """

    kind: ClassVar[str] = "metric"
    better: Literal["lower", "higher"] | None = "lower"
    default: bool = True
    side: Side = "target"


@dataclass(frozen=True, kw_only=True)
class IntegratorSpec(Spec):
    """An integrator. `implementation` is a subclass of `Integrator`, made with its parameters.

    `spans` names the kinds of span that it serves; one that serves intervals serves denoising ones.
    """

    kind: ClassVar[str] = "integrator"
    spans: tuple[SpanKind, ...] = ("interval",)
