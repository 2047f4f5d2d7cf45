"""Integrators: how the lines of a field are followed. Here their specs; each module has its own
implementation, and loads torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..core.params import param
from ..core.spec import IntegratorSpec, SpanKind


@dataclass(frozen=True)
class FixedParams:
    """Of a scheme with equal steps."""

    steps: int = param(100, "equal steps over the span", ge=1, le=10_000_000)


@dataclass(frozen=True)
class EquationParams(FixedParams):
    """Of a stochastic equation."""

    denoise: bool = param(True, "whether the last step takes no noise, which would stay")


@dataclass(frozen=True)
class AdaptiveParams:
    """Of a scheme that holds an error."""

    # Below rounding in single precision a step is never small enough.
    rtol: float = param(1e-4, "relative tolerance of one step", ge=1e-7, lt=1)
    atol: float = param(1e-4, "absolute tolerance of one step, in the field's units", gt=0)
    max_steps: int = param(10_000, "evaluations after which a batch is given up", ge=1)


@dataclass(frozen=True)
class LinesParams:
    """Of following field lines by their length."""

    scheme: Literal["bosh3", "heun2", "dopri5"] = param("bosh3", "embedded Runge-Kutta pair")
    tolerance: float = param(1e-2, "error of one step over its length and the offset", gt=0)
    step: float | None = param(None, "a fixed step in arc length, instead of the tolerance", gt=0)
    max_steps: int = param(2000, "steps after which a line is given up", ge=1)


@dataclass(frozen=True)
class ChurnParams(FixedParams):
    """Of Heun's method with noise put in at every step."""

    steps: int = param(50, "steps over the span, of two evaluations each", ge=1, le=10_000_000)
    s_churn: float = param(40.0, "noise put in over all steps, in parts of what there is", ge=0)
    s_tmin: float = param(0.1, "noise level below which none is put in", ge=0)
    s_tmax: float = param(100.0, "noise level above which none is put in", gt=0)
    s_noise: float = param(1.0, "size of the noise over that which keeps the law", gt=0)

    def __post_init__(self) -> None:
        if self.s_tmin > self.s_tmax:
            raise ValueError(
                f"s_tmin {self.s_tmin:g} is above s_tmax {self.s_tmax:g}, between which noise is "
                "put in; swap them"
            )


_ALL: tuple[SpanKind, ...] = ("interval", "noisy interval", "plate")

euler = IntegratorSpec(
    summary="Euler's method, equal steps (torchdiffeq)",
    implementation="transportkit.integrate.ode:Euler",
    citation="Chen 2018, torchdiffeq",
    params=FixedParams,
    spans=_ALL,
)
midpoint = IntegratorSpec(
    summary="midpoint rule of order 2, equal steps (torchdiffeq)",
    implementation="transportkit.integrate.ode:Midpoint",
    citation="Chen 2018, torchdiffeq",
    params=FixedParams,
    spans=_ALL,
)
rk4 = IntegratorSpec(
    summary="Runge-Kutta 3/8 rule of order 4, equal steps (torchdiffeq)",
    implementation="transportkit.integrate.ode:RK4",
    citation="Kutta 1901; Chen 2018, torchdiffeq",
    params=FixedParams,
    spans=_ALL,
)
dopri5 = IntegratorSpec(
    summary="Dormand-Prince 5(4), steps adapted for the whole batch (torchdiffeq)",
    implementation="transportkit.integrate.ode:Dopri5",
    citation="Dormand and Prince 1980; Chen 2018, torchdiffeq",
    params=AdaptiveParams,
    spans=_ALL,
)
euler_maruyama = IntegratorSpec(
    summary="Euler-Maruyama for the stochastic equation of a diffusion, equal steps",
    implementation="transportkit.integrate.sde:EulerMaruyama",
    citation="Maruyama 1955",
    params=EquationParams,
    spans=("noisy interval",),
)
churn = IntegratorSpec(
    summary="Heun's method with noise put in at every step, for fields that remove noise",
    implementation="transportkit.integrate.denoising:Churn",
    citation="Karras et al. 2022, arXiv:2206.00364, algorithm 2",
    params=ChurnParams,
    spans=("denoising interval",),
)
lines = IntegratorSpec(
    summary="field lines between plates, in arc length, steps adapted and landed per line",
    implementation="transportkit.integrate.field_lines:Lines",
    citation="Bogacki and Shampine 1989; Henon 1982 for the landing",
    params=LinesParams,
    spans=("plate",),
)
