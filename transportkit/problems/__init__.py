"""Problems: two distributions to carry one onto the other. Here their specs and parameters; the
samplers are in the modules beside this one, and load torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..core.params import param
from ..core.spec import ProblemSpec

MOST_CONDITION = 1e8
"""Ratio of variances up to which draws in float32, and the true map of them, hold the smallest."""
MOST_RATIO = 1e6
"""Ratio of two lengths up to which single precision has room for the smaller beside the larger."""
_STRATIFIED = "equal counts in every mode and in its share of the source, not independent draws"


@dataclass(frozen=True)
class RingParams:
    """Gaussians on a circle."""

    radius: float = param(5.0, "distance of every mode from the origin", gt=0)
    std: float = param(0.5, "standard deviation of a mode, per coordinate", ge=0)
    modes: int = param(8, "modes, equally spaced on the circle", ge=1)
    dim: int = param(2, "dimension; the circle lies in the first two coordinates", ge=2)
    stratified: bool = param(False, _STRATIFIED)


@dataclass(frozen=True)
class ModesParams:
    """Two Gaussians, far apart."""

    offset: float = param(8.0, "the modes lie at plus and minus this on the first axis", gt=0)
    std: float = param(0.5, "standard deviation of a mode, per coordinate", ge=0)
    dim: int = param(2, "dimension", ge=1)
    stratified: bool = param(False, _STRATIFIED)


@dataclass(frozen=True)
class SwissRollParams:
    """A spiral of the plane."""

    definition: Literal["compact", "ffjord", "dsb"] = param(
        "compact", "noise 0.8 over 7.5 (compact), noise 1 over 5 (ffjord), standardised x 7 (dsb)"
    )


@dataclass(frozen=True)
class MoonsParams:
    """Two half circles."""

    definition: Literal["torchcfm", "runner", "dsb"] = param(
        "torchcfm", "times 3 minus 1 (torchcfm), times 2 (runner), or standardised times 7 (dsb)"
    )


@dataclass(frozen=True)
class MoonsGaussiansParams:
    """Two half circles and Gaussians on a circle."""

    definition: Literal["torchcfm", "dsb"] = param(
        "torchcfm", "circle of radius 5, standard deviation 0.56 (torchcfm), or 12 and 1.5 (dsb)"
    )
    stratified: bool = param(False, "equal counts in every Gaussian, not independent draws")


@dataclass(frozen=True)
class SCurveParams:
    """The shape of an S."""

    definition: Literal["unit", "runner", "dsb"] = param(
        "unit", "as scikit-learn draws it (unit), times 1.5 (runner), or standardised x 7 (dsb)"
    )


@dataclass(frozen=True)
class CheckerboardParams:
    """Every other square of a board."""

    definition: Literal["ffjord", "dsb"] = param(
        "ffjord", "eight squares of side 2 (ffjord) or 7.5 (dsb)"
    )


@dataclass(frozen=True)
class GaussianPairParams:
    """Two Gaussians of random covariances."""

    dim: int = param(2, "dimension", ge=1)
    condition: float = param(
        10.0, "largest over smallest variance of each Gaussian", ge=1, le=MOST_CONDITION
    )
    shift: float = param(2.0, "distance between the means", ge=0)
    instance: int = param(0, "which pair of covariances, whatever the seed of the run", ge=0)


_INSTANCE = "which one of the family, whatever the seed of the run"


@dataclass(frozen=True)
class RadialParams:
    """A shell, or a ball."""

    dim: int = param(2, "dimension", ge=1)
    inner: float = param(1.5, "inner radius of the shell; 0 for a ball", ge=0)
    radius: float = param(3.0, "outer radius of the shell", gt=0)

    def __post_init__(self) -> None:
        if self.inner >= self.radius:
            raise ValueError(
                f"inner must be below radius, but {self.inner:g} is not below {self.radius:g}"
            )


_LINE = Literal["normal", "uniform", "exponential", "laplace", "logistic", "arcsine"]


@dataclass(frozen=True)
class QuantileParams:
    """Two laws on the line."""

    source: _LINE = param("normal", "law of the source")
    target: _LINE = param("exponential", "law of the target")


@dataclass(frozen=True)
class QuantileProductParams:
    """Products of laws on the line."""

    dim: int = param(2, "dimension", ge=1)
    source: _LINE = param("normal", "law of every source coordinate")
    targets: tuple[_LINE, ...] = param(
        ("exponential", "arcsine"), "laws of the target coordinates, in turn"
    )

    def __post_init__(self) -> None:
        if not self.targets:
            raise ValueError("targets must name at least one law")


@dataclass(frozen=True)
class LogSumExpParams:
    """The gradient of a soft maximum of linear functions."""

    dim: int = param(2, "dimension", ge=1)
    pieces: int = param(8, "linear pieces, each of which becomes a cluster", ge=1)
    spread: float = param(1.0, "standard deviation of the clusters' centres, per coordinate", gt=0)
    softness: float = param(
        0.1, "how soft the maximum is, relative to the range of its terms", gt=0
    )
    strength: float = param(0.4, "weight of |x|^2/2, which is the width of a cluster", gt=0)
    instance: int = param(0, _INSTANCE, ge=0)

    def __post_init__(self) -> None:
        if not 1 / MOST_RATIO <= self.strength / self.spread <= MOST_RATIO:
            raise ValueError(
                f"strength={self.strength:g} and spread={self.spread:g} are {MOST_RATIO:g} times "
                "or more apart, so that clusters are points, or all one, in single precision"
            )


@dataclass(frozen=True)
class ConvexNetworkParams:
    """The gradient of a convex network."""

    dim: int = param(2, "dimension", ge=1)
    width: int = param(64, "width of the layers", ge=1)
    depth: int = param(2, "layers", ge=1)
    gain: float = param(
        6.0, "how sharp the network bends: the size of its input weights", gt=0, le=1e4
    )
    strength: float = param(0.1, "weight of |x|^2/2, which makes it strongly convex", gt=0)
    instance: int = param(0, _INSTANCE, ge=0)

    def __post_init__(self) -> None:
        # The gradient bends by the square of small weights, and by the size of large ones.
        bend = min(self.gain, self.gain**2) / self.strength
        if bend * MOST_RATIO < 1:
            raise ValueError(
                f"strength={self.strength:g} hides a network of gain={self.gain:g}, whose map is "
                "then the identity in single precision; lower strength or raise gain"
            )


@dataclass(frozen=True)
class EntropicPairParams:
    """A plan of entropic transport from a mixture of Gaussians as its potential."""

    dim: int = param(2, "dimension", ge=1)
    epsilon: float = param(1.0, "regularisation, for the cost |x - y|^2 / 2", gt=0)
    components: int = param(5, "Gaussians in the potential", ge=1)
    radius: float = param(4.0, "distance of their centres from the origin", ge=0)
    variance: float = param(0.5, "their variance: the geometric mean over axes", gt=0)
    condition: float = param(
        4.0, "largest over smallest of their variances", ge=1, le=MOST_CONDITION
    )
    instance: int = param(0, _INSTANCE, ge=0)

    def __post_init__(self) -> None:
        ratio = self.epsilon / self.variance
        if not MOST_RATIO**-2 <= ratio <= MOST_RATIO**2:
            raise ValueError(
                f"epsilon={self.epsilon:g} is {ratio:.3g} times variance={self.variance:g}, and "
                f"single precision holds no such plan; choose from {MOST_RATIO**-2:g} to "
                f"{MOST_RATIO**2:g} times"
            )
        if self.radius > MOST_RATIO * self.variance**0.5:
            raise ValueError(
                f"radius={self.radius:g} is more than {MOST_RATIO:g} standard deviations of a "
                f"component of variance={self.variance:g}, which is a point there in single "
                "precision; lower radius"
            )


@dataclass(frozen=True)
class BenchmarkParams:
    """A file of the Wasserstein-2 benchmark."""

    file: str = param(help="npz file of a mixture and two convex potentials")


@dataclass(frozen=True)
class TimeCourseParams:
    """Samples at several times, one of which is left out."""

    files: str = param(help="one file for each time, as in 'day_*.npy', in order of their numbers")
    leave: int = param(1, "which time is left out, counted from 0", ge=1)
    columns: int | None = param(None, "first columns to use; auto for all", ge=1)
    whiten: bool = param(True, "standardise every column over all times")


@dataclass(frozen=True)
class DigitsParams:
    """Images of handwritten digits, 8 by 8."""

    source: Literal["noise", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] = param(
        "noise", "standard normal noise, or the images of one digit"
    )
    target: Literal["all", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] = param(
        "all", "the images of one digit, or of all"
    )


@dataclass(frozen=True)
class SamplesParams:
    """Two files of samples."""

    source: str = param(help="file of source points, (N, D) or (N, C, H, W)")
    target: str = param(help="file of target points, of the same dimensions")
    constant: Literal["refuse", "keep"] = param(
        "refuse", "what to do with a column of a table that never changes"
    )


gaussians = ProblemSpec(
    summary="N(0, I) to eight Gaussians on a circle",
    implementation="transportkit.problems.mixtures:gaussians",
    citation="Tong et al. 2024, torchcfm",
    params=RingParams,
)
modes = ProblemSpec(
    summary="N(0, I) to two far modes",
    implementation="transportkit.problems.mixtures:modes",
    params=ModesParams,
)
swissroll = ProblemSpec(
    summary="N(0, I) to the Swiss roll in the plane",
    implementation="transportkit.problems.curves:swissroll",
    citation="Marsland 2009; Grathwohl et al. 2019, FFJORD; De Bortoli et al. 2021",
    params=SwissRollParams,
)
moons = ProblemSpec(
    summary="N(0, I) to two moons",
    implementation="transportkit.problems.curves:moons",
    citation="Tong et al. 2024, torchcfm; De Bortoli et al. 2021",
    params=MoonsParams,
)
moons_gaussians = ProblemSpec(
    summary="two moons to eight Gaussians",
    implementation="transportkit.problems.curves:moons_gaussians",
    citation="Tong et al. 2024, torchcfm; De Bortoli et al. 2021",
    params=MoonsGaussiansParams,
)
gaussians_moons = ProblemSpec(
    summary="eight Gaussians to two moons",
    implementation="transportkit.problems.curves:gaussians_moons",
    citation="Tong et al. 2023, arXiv:2307.03672; De Bortoli et al. 2021",
    params=MoonsGaussiansParams,
)
scurve = ProblemSpec(
    summary="N(0, I) to the S-curve in the plane",
    implementation="transportkit.problems.curves:scurve",
    citation="De Bortoli et al. 2021",
    params=SCurveParams,
)
checkerboard = ProblemSpec(
    summary="N(0, I) to a checkerboard of eight squares",
    implementation="transportkit.problems.squares:checkerboard",
    citation="Grathwohl et al. 2019, FFJORD; De Bortoli et al. 2021",
    params=CheckerboardParams,
)
gaussian_pair = ProblemSpec(
    summary="one Gaussian to another in any dimension, with the true optimal map",
    implementation="transportkit.problems.bures:gaussian_pair",
    citation="Dowson and Landau 1982; Bhatia, Jain and Lim 2019",
    params=GaussianPairParams,
)
radial = ProblemSpec(
    summary="N(0, I) to a ball or shell in any dimension, with the true optimal map",
    implementation="transportkit.problems.shells:radial",
    citation="Brenier 1991",
    params=RadialParams,
)
quantile_1d = ProblemSpec(
    summary="one law on the line to another, with the true optimal map",
    implementation="transportkit.problems.quantiles:quantile_1d",
    citation="Villani 2003, Topics in Optimal Transportation, section 2.2",
    params=QuantileParams,
)
quantile_product = ProblemSpec(
    summary="independent coordinates to independent coordinates, with the true optimal map",
    implementation="transportkit.problems.quantiles:quantile_product",
    citation="Villani 2003, Topics in Optimal Transportation, section 2.2",
    params=QuantileProductParams,
)
lse = ProblemSpec(
    summary="N(0, I) to its image under the gradient of a log-sum-exp, with the true optimal map",
    implementation="transportkit.problems.log_sum_exp:lse",
    citation="Brenier 1991",
    params=LogSumExpParams,
)
icnn = ProblemSpec(
    summary="N(0, I) to its image under the gradient of a random convex network, with that map",
    implementation="transportkit.problems.convex_network:icnn",
    citation="Amos, Xu and Kolter 2017, arXiv:1609.07152; Brenier 1991",
    params=ConvexNetworkParams,
)
entropic_pair = ProblemSpec(
    summary="N(0, I) to the second marginal of a known entropic plan, in any dimension",
    implementation="transportkit.problems.entropic:entropic_pair",
    citation="Gushchin et al. 2023, arXiv:2306.10161",
    params=EntropicPairParams,
)
w2_benchmark = ProblemSpec(
    summary="the Wasserstein-2 benchmark, from a file of its potentials: file=mix3tomix10_d2.npz",
    implementation="transportkit.problems.wasserstein2:w2_benchmark",
    citation="Korotin et al. 2021, arXiv:2106.01954",
    files=("file",),
    params=BenchmarkParams,
)
timecourse = ProblemSpec(
    summary="samples of one population over time, one time left out: files='day_*.npy',leave=1",
    implementation="transportkit.problems.courses:timecourse",
    citation="Tong et al. 2020, arXiv:2002.04461 (leave one time point out)",
    files=("files",),
    params=TimeCourseParams,
)
digits = ProblemSpec(
    summary="noise, or the images of one digit, to 8x8 images of digits",
    implementation="transportkit.problems.images:digits",
    citation="Alpaydin and Kaynak 1998, UCI optical digits, from scikit-learn",
    params=DigitsParams,
)
samples = ProblemSpec(
    summary="your own samples: source=a.npy,target=b.npy (npy, npz, csv, parquet, pt, safetensors)",
    implementation="transportkit.problems.own:samples",
    files=("source", "target"),
    params=SamplesParams,
)
