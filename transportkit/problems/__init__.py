"""Problems: two distributions to carry one onto the other. Here their specs and parameters; the
samplers are in the modules beside this one, and load torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..core.params import param
from ..core.spec import ProblemSpec

_STRATIFIED = "equal counts in every mode, not independent draws"


@dataclass(frozen=True)
class RingParams:
    radius: float = param(5.0, "distance of every mode from the origin", gt=0)
    std: float = param(0.5, "standard deviation of a mode, per coordinate", ge=0)
    modes: int = param(8, "modes, equally spaced on the circle", ge=1)
    dim: int = param(2, "dimension; the circle lies in the first two coordinates", ge=2)
    stratified: bool = param(False, _STRATIFIED)


@dataclass(frozen=True)
class ModesParams:
    offset: float = param(8.0, "the modes lie at plus and minus this on the first axis", gt=0)
    std: float = param(0.5, "standard deviation of a mode, per coordinate", ge=0)
    dim: int = param(2, "dimension", ge=1)
    stratified: bool = param(False, _STRATIFIED)


@dataclass(frozen=True)
class SwissRollParams:
    definition: Literal["compact", "ffjord", "dsb"] = param(
        "compact", "noise 0.8 over 7.5 (compact), noise 1 over 5 (ffjord), standardised x 7 (dsb)"
    )


@dataclass(frozen=True)
class MoonsParams:
    definition: Literal["torchcfm", "dsb"] = param(
        "torchcfm", "moons times 3 minus 1 (torchcfm), or standardised times 7 (dsb)"
    )


@dataclass(frozen=True)
class MoonsGaussiansParams:
    definition: Literal["torchcfm", "dsb"] = param(
        "torchcfm", "circle of radius 5, standard deviation 0.56 (torchcfm), or 12 and 1.5 (dsb)"
    )
    stratified: bool = param(False, "equal counts in every Gaussian, not independent draws")


@dataclass(frozen=True)
class SCurveParams:
    definition: Literal["unit", "dsb"] = param(
        "unit", "as scikit-learn draws it, noise 0.05 (unit), or standardised times 7 (dsb)"
    )


@dataclass(frozen=True)
class CheckerboardParams:
    definition: Literal["ffjord", "dsb"] = param(
        "ffjord", "eight squares of side 2 (ffjord) or 7.5 (dsb)"
    )


@dataclass(frozen=True)
class GaussianPairParams:
    dim: int = param(2, "dimension", ge=1)
    condition: float = param(10.0, "largest over smallest variance of each Gaussian", ge=1)
    shift: float = param(2.0, "distance between the means", ge=0)
    instance: int = param(0, "which pair of covariances, whatever the seed of the run", ge=0)


@dataclass(frozen=True)
class DigitsParams:
    source: Literal["noise", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] = param(
        "noise", "standard normal noise, or the images of one digit"
    )
    target: Literal["all", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] = param(
        "all", "the images of one digit, or of all"
    )


@dataclass(frozen=True)
class SamplesParams:
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
