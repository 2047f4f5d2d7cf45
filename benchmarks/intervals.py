"""Whether the statistics of `tk compare` keep their word.

    python benchmarks/intervals.py > benchmarks/results/statistics.md

Coverage: how often a nominal 95% interval for the mean over seeds holds the true mean, for values
as metrics have them. False claims: how often copies of one method are declared different. Both are
counts over simulated comparisons; their binomial standard error at 5% is 0.2 percent points for
10,000 of them.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from datetime import date
from importlib.metadata import version

import numpy as np
import torch

from transportkit.core.random import derive
from transportkit.harness.plan import choose
from transportkit.harness.statistics.interval import mean_interval
from transportkit.harness.statistics.paired import Scatter, paired
from transportkit.registry import make

SIMULATIONS = 10_000
SEEDS = (2, 3, 5, 8, 10, 20, 40)
MIXTURE = np.array([0.5, 0.2, 0.1, 0.05, 0.05, 0.03, 0.02])
POPULATION, POINTS = 2000, 500
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def synthetic() -> Iterator[tuple[str, Draw, float]]:
    """Shapes that values take: a name, draws of any shape, and their mean."""
    yield "normal, 10 ± 1", lambda r, s: r.normal(10, 1, s), 10.0
    yield "normal around 0", lambda r, s: r.normal(0, 1, s), 0.0
    yield "lognormal, s = 0.3", lambda r, s: np.exp(0.3 * r.normal(size=s)), float(np.exp(0.045))
    yield "gamma, skewness 1", lambda r, s: r.gamma(4.0, size=s), 4.0
    yield (
        "sum of chi-squares, as energy at its floor",
        lambda r, s: r.chisquare(1, (*s, len(MIXTURE))) @ MIXTURE,
        float(MIXTURE.sum()),
    )


def measured(name: str, shift: float) -> tuple[str, Draw, float]:
    """Values of a metric between samples of eight Gaussians, one of them shifted."""
    problem, metric = make("problem", choose("problem", "gaussians")), make(
        "metric", choose("metric", name)
    )  # fmt: skip
    values = []
    for i in range(POPULATION):
        a = problem.target.sample(POINTS, derive(i, "a")) + shift
        b = problem.target.sample(POINTS, derive(i, "b"))
        values.append(metric.distance(a, b, derive(i, "metric")))
    pool = np.array(values)
    what = "at its floor" if shift == 0 else f"shifted by {shift:g}"
    return f"{name} of {POINTS} points {what}", lambda r, s: r.choice(pool, s), float(pool.mean())


def coverage() -> None:
    print("## Coverage of the nominal 95% interval for the mean over seeds, in percent\n")
    print("| values | " + " | ".join(f"{n} seeds" for n in SEEDS) + " |")
    print("|---|" + "---|" * len(SEEDS))
    cases = list(synthetic())
    cases += [measured(n, s) for n in ("sliced_w2", "energy") for s in (0.0, 0.3)]
    for name, draw, mean in cases:
        cells = []
        for n in SEEDS:
            values = draw(np.random.default_rng(n), (SIMULATIONS, n))
            low, high = mean_interval(values, positive="around 0" not in name)
            cells.append(f"{100 * np.mean((low <= mean) & (mean <= high)):.1f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def false_claims() -> None:
    print("\n## Copies of one method declared different, in percent of comparisons\n")
    print(
        "Any claim among all pairs counts. Seeds are shared: half of the variance is the seed's.\n"
    )
    print("| values | methods | 1 seed | 3 seeds | 5 seeds | 10 seeds |")
    print("|---|---|---|---|---|---|")
    for name, draw, _ in list(synthetic())[:1] + list(synthetic())[2:]:
        for methods in (2, 8):
            cells = [f"{100 * claimed(draw, methods, n):.1f}" for n in (1, 3, 5, 10)]
            print(f"| {name} | {methods} | " + " | ".join(cells) + " |", flush=True)


def claimed(draw: Draw, methods: int, seeds: int) -> float:
    """The share of comparisons of copies in which any pair is said to differ."""
    random, times = np.random.default_rng(methods * 100 + seeds), 2 * SIMULATIONS // methods
    claims = 0
    for _ in range(times):
        own, shared = draw(random, (methods, seeds)), draw(random, (seeds,))
        # Ten pairs of independent samples, as the floor has them.
        floor = draw(random, (10,)) + draw(random, (10,))
        values = {str(m): dict(enumerate(own[m] + shared)) for m in range(methods)}
        claims += any(p.differs for p in paired(values, Scatter(float(floor.std(ddof=1)), 10)))
    return claims / times


if __name__ == "__main__":
    torch.set_num_threads(1)
    print("# Statistics of comparisons: coverage and false claims\n")
    print(f"`python benchmarks/intervals.py`, {date.today()}, Python {platform.python_version()},")
    print(f"numpy {version('numpy')}, {SIMULATIONS} simulated comparisons a figure.\n")
    coverage()
    false_claims()
