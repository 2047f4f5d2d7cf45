"""Statistics against closed forms, tables, and what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from transportkit.harness.statistics.interval import BOOTSTRAP_FROM, mean_interval
from transportkit.harness.statistics.paired import Scatter, holm, paired
from transportkit.harness.statistics.power import (
    effect,
    noncentrality,
    points_needed,
    seeds_needed,
)


@pytest.mark.parametrize("n", [3, 5, BOOTSTRAP_FROM])
def test_intervals_cover_what_they_claim(n: int) -> None:
    draw = np.random.default_rng(n)
    for values, mean in (
        (draw.normal(10, 1, (4000, n)), 10.0),
        (np.exp(0.4 * draw.normal(size=(4000, n))), math.exp(0.08)),
    ):
        low, high = mean_interval(values, positive=True)
        # Four standard errors of the count are 1.4 percent.
        assert 0.93 - 0.014 <= ((low <= mean) & (mean <= high)).mean() <= 0.97 + 0.014


def test_intervals_follow_the_unit_and_hold_the_mean() -> None:
    draw = np.random.default_rng(0)
    for n in (2, 4, BOOTSTRAP_FROM):
        values = draw.gamma(2.0, size=(50, n))
        low, high = mean_interval(values, positive=True)
        assert (low <= values.mean(1)).all()
        assert (values.mean(1) <= high).all()
        scaled = mean_interval(1e-6 * values, positive=True)
        np.testing.assert_allclose(scaled, [1e-6 * low, 1e-6 * high], rtol=1e-6)
        equal = np.full((1, n), 0.3)
        np.testing.assert_allclose(mean_interval(equal, positive=True), 0.3)
    with pytest.raises(ValueError, match="at least 2"):
        mean_interval(np.ones((1, 1)), positive=True)


def test_holm_as_in_his_paper() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_pair_is_a_paired_t_test() -> None:
    a, b = [1.0, 2.0, 3.0, 5.0], [0.5, 1.0, 2.5, 3.5]
    (pair,) = paired({"a": dict(enumerate(a)), "b": {**dict(enumerate(b)), 9: 100.0}})
    scipy_stats = pytest.importorskip("scipy.stats")
    test = scipy_stats.ttest_rel(a, b)
    assert (pair.seeds, pair.difference) == (4, pytest.approx(0.875))
    assert pair.p == pair.adjusted == pytest.approx(test.pvalue)
    interval = test.confidence_interval(0.95)
    assert (pair.low, pair.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert pair.differs == (test.pvalue < 0.05)


def test_copies_are_seldom_told_apart() -> None:
    draw, times, claims = np.random.default_rng(1), 600, 0
    for _ in range(times):
        values = draw.normal(size=(5, 5)) + draw.normal(size=5)
        claims += any(p.differs for p in paired({str(i): dict(enumerate(v)) for i, v in
                                                 enumerate(values)}))  # fmt: skip
    # Three standard errors of the count are 2.7 percent.
    assert claims / times <= 0.05 + 0.027


def test_one_seed_is_told_by_the_scatter_over_samples() -> None:
    values = {"a": {0: 1.0}, "b": {0: 1.2}, "c": {0: 9.0}}
    noise = Scatter(0.3, 10)
    told = {(p.first, p.second): p.differs for p in paired(values, noise)}
    assert told == {("a", "b"): False, ("a", "c"): True, ("b", "c"): True}
    # Without it nothing tells.
    assert not any(p.differs or p.p is not None for p in paired(values))
    assert not paired({"a": {0: 1.0}, "b": {1: 1.0}})


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_rounding_is_no_difference(seeds: int) -> None:
    draw = np.random.default_rng(seeds)
    near = {m: dict(enumerate(1 + 5e-15 * draw.normal(size=seeds))) for m in "abc"}
    for noise in (None, Scatter(1e-17, 10)):
        pairs = paired({**near, "far": dict.fromkeys(range(seeds), 2.0)}, noise)
        assert {p.differs for p in pairs if p.second != "far"} == {False}
        assert {p.difference for p in pairs if p.second != "far"} == {0.0}
        told = seeds > 1 or noise is not None
        assert {p.differs for p in pairs if p.second == "far"} == {told}
    # The unit of the values makes no difference.
    tiny = {m: {s: 1e-12 * v for s, v in by.items()} for m, by in near.items()}
    assert not any(p.differs for p in paired(tiny))


def test_the_smallest_difference_is_seen_four_times_in_five() -> None:
    # Cohen (1988), table 2.3.5 and its like: t test, d = 0.5, two-sided 5%, 80%: n = 34 pairs.
    assert seeds_needed(0.5, 1.0, pairs=1) == 34
    assert noncentrality(10_000, 1) == pytest.approx(1.9604 + 0.8416, abs=2e-3)
    draw, d = np.random.default_rng(2), effect(5, 1)
    seen = sum(
        paired({"a": dict(enumerate(x)), "b": dict.fromkeys(range(5), 0.0)})[0].differs
        for x in draw.normal(d, 1, (800, 5))
    )
    assert seen / 800 == pytest.approx(0.8, abs=0.045)
    assert seeds_needed(0.0, 1.0, 1) is None
    assert seeds_needed(1e-6, 1.0, 1) is None


def test_more_points_help_as_far_as_samples_are_the_trouble() -> None:
    d = effect(5, 1)
    # All of the scatter is that of samples: half the difference needs four times the points.
    assert points_needed(d / 2, 1.0, 0.8, 100, 5, 1) == 400
    assert points_needed(d / 2, 1.0, 0.1, 100, 5, 1) is None
    assert points_needed(d / 2, 1.0, 0.8, 100, 1, 1) is None
