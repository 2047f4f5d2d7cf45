"""Metrics: what moved points are judged by. Here their specs and parameters; the implementations
are in the modules beside this one, and load torch.

Distances between samples compare moved points with fresh target points; the rest judge the map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..core.params import param
from ..core.spec import MetricSpec


@dataclass(frozen=True)
class ExactParams:
    """Of exact optimal transport between samples."""

    limit: int = param(
        2000, "points used at most, drawn at random: the time grows with the cube", ge=2
    )


@dataclass(frozen=True)
class BetweenParams:
    """Of points at inner times."""

    along: Literal["auto", "lines", "displacement"] = param(
        "auto", "where points are at an inner time: on the lines over time, or on straight ones"
    )
    limit: int = param(2000, "points used at most, drawn at random", ge=2)


@dataclass(frozen=True)
class ConditionalParams:
    """Of samples of conditional laws."""

    points: int = param(100, "start points whose conditional law is looked at", ge=1)
    draws: int = param(1000, "points moved from each of them", ge=2)


@dataclass(frozen=True)
class SlicedParams:
    """Of projections."""

    projections: int = param(256, "directions", ge=1)


@dataclass(frozen=True)
class KernelParams:
    """Of the kernels."""

    bandwidth: float | None = param(
        None, "of the middle kernels; auto is the median distance within the target sample", gt=0
    )


@dataclass(frozen=True)
class ReverseParams:
    """Of the way back."""

    of: Literal["energy", "sliced_w2", "w2", "w1", "mmd"] = param(
        "energy", "the distance of the points carried back to those of the source"
    )


@dataclass(frozen=True)
class NearestParams:
    """Of the search for nearest points."""

    limit: int = param(10_000, "points and training samples used at most, drawn at random", ge=2)


@dataclass(frozen=True)
class LinesParams:
    """Of lines over time."""

    limit: int = param(1000, "lines followed at most, drawn at random", ge=2)
    states: int = param(101, "states of each line, at equal times", ge=3)


@dataclass(frozen=True)
class LikelihoodParams:
    """Of the change of variables along lines."""

    limit: int = param(500, "target points used at most, drawn at random", ge=1)
    exact: int = param(16, "most dimensions in which the divergence is exact", ge=1)
    unit: Literal["nats", "bits"] = param("nats", "unit of the value, per dimension")


w2 = MetricSpec(
    summary="Wasserstein-2 distance by exact optimal transport, in the units of the data",
    implementation="transportkit.metrics.exact:W2",
    citation="Bonneel et al. 2011; Flamary et al. 2021, POT",
    params=ExactParams,
)
w1 = MetricSpec(
    summary="Wasserstein-1 distance by exact optimal transport, in the units of the data",
    implementation="transportkit.metrics.exact:W1",
    citation="Bonneel et al. 2011; Flamary et al. 2021, POT",
    params=ExactParams,
    default=False,
)
sliced_w2 = MetricSpec(
    summary="sliced Wasserstein-2 distance: over directions, the root mean square of W2 in 1-D",
    implementation="transportkit.metrics.slices:SlicedW2",
    citation="Rabin et al. 2012; Bonneel et al. 2015; Rowland et al. 2019",
    params=SlicedParams,
)
energy = MetricSpec(
    summary="energy distance 2E|X-Y| - E|X-X'| - E|Y-Y'|, not rooted, in the units of the data",
    implementation="transportkit.metrics.energy_distance:EnergyDistance",
    citation="Szekely and Rizzo 2013",
)
mmd = MetricSpec(
    summary="maximum mean discrepancy with a mixture of Gaussian kernels, rooted",
    implementation="transportkit.metrics.kernels:MMD",
    citation="Gretton et al. 2012; Li, Swersky and Zemel 2015",
    params=KernelParams,
)
marginals = MetricSpec(
    summary="largest W1 of one coordinate, in units of its standard deviation in the target",
    implementation="transportkit.metrics.coordinates:Marginals",
    citation="Villani 2003, Topics in Optimal Transportation, section 2.2 (W1 in one dimension)",
    default=False,
    expected_failures={"symmetric": "its unit is the spread of the second sample, the target's"},
)
reverse = MetricSpec(
    summary="distance to the source of target points that the model carries back, where it can",
    implementation="transportkit.metrics.backwards:Reverse",
    params=ReverseParams,
    default=False,
    side="source",
)
round_trip = MetricSpec(
    summary="root mean square distance of points carried there and back from where they started",
    implementation="transportkit.metrics.backwards:RoundTrip",
    better=None,
    default=False,
)
cost = MetricSpec(
    summary="mean squared displacement of the moved points",
    implementation="transportkit.metrics.displacement:Cost",
    better=None,
)
cost_ratio = MetricSpec(
    summary="mean squared displacement over W2^2 of start and moved points; 1 is optimal",
    implementation="transportkit.metrics.displacement:CostRatio",
    params=ExactParams,
)
l2_uvp = MetricSpec(
    summary="squared error to the true optimal map, in percent of the target's variance",
    implementation="transportkit.metrics.true_map:L2UVP",
    citation="Korotin et al. 2021, arXiv:2106.01954",
)
cosine = MetricSpec(
    summary="cosine of the displacement field to that of the true optimal map",
    implementation="transportkit.metrics.true_map:Cosine",
    citation="Korotin et al. 2021, arXiv:2106.01954",
    better="higher",
)
between_w1 = MetricSpec(
    summary="W1 of the points on their way to those observed between, where there are such",
    implementation="transportkit.metrics.between:BetweenW1",
    citation="Tong et al. 2020, arXiv:2002.04461",
    params=BetweenParams,
)
cbw2_uvp = MetricSpec(
    summary="conditional Bures-Wasserstein error to the true entropic plan, in percent",
    implementation="transportkit.metrics.conditional:ConditionalUVP",
    citation="Gushchin et al. 2023, arXiv:2306.10161",
    params=ConditionalParams,
    default=False,
)
memorization = MetricSpec(
    summary="distance of moved points to training samples over that of held-out ones; 0 is copied",
    implementation="transportkit.metrics.nearest:Memorization",
    params=NearestParams,
    better=None,
    default=False,
)
straightness = MetricSpec(
    summary="how far the model's lines are from straight ones, relative to their cost",
    implementation="transportkit.metrics.straight_lines:Straightness",
    citation="Liu, Gong and Liu 2023, arXiv:2209.03003",
    params=LinesParams,
    default=False,
)
path_energy = MetricSpec(
    summary="kinetic energy of the model's lines",
    implementation="transportkit.metrics.energies:PathEnergy",
    citation="Benamou and Brenier 2000",
    params=LinesParams,
    better=None,
    default=False,
)
npe = MetricSpec(
    summary="normalised path energy: excess of the lines' energy over W2^2, relative",
    implementation="transportkit.metrics.energies:NormalisedPathEnergy",
    citation="Tong et al. 2024, arXiv:2302.00482",
    params=LinesParams,
    default=False,
)
log_likelihood = MetricSpec(
    summary="log likelihood of held-out target points under the model, per dimension",
    implementation="transportkit.metrics.likelihood:LogLikelihood",
    citation="Chen et al. 2018, arXiv:1806.07366; Grathwohl et al. 2019, arXiv:1810.01367",
    params=LikelihoodParams,
    better="higher",
    default=False,
)
