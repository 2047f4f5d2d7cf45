"""Aggregates: means, intervals, floors and ranks over seeds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.report.results import result as shown
from transportkit import Budget, Choice, Result, Run
from transportkit.core.record import Value
from transportkit.harness.compare import compare, table
from transportkit.harness.effort import effort, overrun


def result(method: str, seed: int, **metrics: float | None) -> Result:
    run = Run(Choice(method), Choice("moons"), seed)
    values = {name: Value(value, 0.5 if name == "w2" else None) for name, value in metrics.items()}
    return Result(run, "done", metrics=values)


def test_mean_interval_floor_and_ratio() -> None:
    (row,) = table([result("a", seed, cost=value) for seed, value in enumerate((1.0, 2.0, 3.0))])
    # Student's t with two degrees of freedom at 97.5% is 4.3027; the standard error is 1/sqrt(3).
    half = 4.302652729911275 / 3**0.5
    assert (row.mean, row.seeds, row.floor, row.ratio) == (2.0, 3, None, None)
    assert row.low == pytest.approx(2 - half)
    assert row.high == pytest.approx(2 + half)
    (distance,) = table([result("a", s, w2=value) for s, value in enumerate((1.0, 2.0, 3.0))])
    assert (distance.mean, distance.floor, distance.ratio) == (2.0, 0.5, 4.0)
    # A distance is not negative, and neither is what bounds it.
    assert 0 < distance.low < 2 < distance.high
    (single,) = table([result("a", 0, w2=1.0)])
    assert single.low is single.high is None


def test_ranks_where_the_difference_is_real() -> None:
    noise = (0.0, 0.4, -0.3, 0.1)
    rows = table(
        [result("good", s, w2=1 + e) for s, e in enumerate(noise)]
        # Paired on the same seeds this one is worse by .1 every time.
        + [result("worse", s, w2=1.1 + e) for s, e in enumerate(noise)]
        + [result("like", s, w2=1 + 2 * e) for s, e in enumerate(reversed(noise))]
    )
    assert {row.method: row.rank for row in rows} == {"good": 1, "worse": 2, "like": 1}


def test_higher_is_better_for_some_and_nothing_for_others() -> None:
    rows = table(
        [result("a", seed, cosine=0.9 + seed / 1e3, cost=1.0) for seed in range(2)]
        + [result("b", seed, cosine=0.8 + seed / 1e3, cost=2.0) for seed in range(2)]
    )
    assert {(r.method, r.metric): r.rank for r in rows} == {
        ("a", "cosine"): 1,
        ("b", "cosine"): 2,
        ("a", "cost"): None,
        ("b", "cost"): None,
    }


def test_values_that_are_missing_or_not_finite_are_left_out() -> None:
    rows = table([result("a", 0, w2=None), result("a", 1, w2=2.0), result("b", 0, w2=float("inf"))])
    assert [(row.method, row.seeds) for row in rows] == [("a", 1)]


def test_points_are_asked_for_where_there_are_more() -> None:
    values = {"cfm": (0.2, 0.2, 0.2), "otcfm": (0.212, 0.202, 0.192)}
    judged = [shown(m, s, sliced_w2=v) for m, of in values.items() for s, v in enumerate(of)]
    (seen,) = compare([replace(r, points=2000) for r in judged]).resolutions
    assert seen.points_needed
    # Fewer than were asked for are all that there are.
    (seen,) = compare([replace(r, points=50) for r in judged]).resolutions
    assert seen.points_needed is None


def test_what_was_trained_is_said_where_it_differs() -> None:
    own = {"cfm": 2000, "edm": 4000, "emd": None}
    results = [Result(Run(Choice(m), Choice("moons")), "done", steps=n) for m, n in own.items()]
    assert effort(results) == [
        "Each method trains its own number of steps; --budget makes them equal."
    ]
    assert effort(results[:1]) == effort(results[2:]) == []
    bounded = [replace(r, run=replace(r.run, budget=Budget(seconds=9))) for r in results]
    assert effort(bounded) == ["Solved at once, whatever the budget: emd."]
    assert effort(bounded[2:]) == []
    took = [replace(r, fit_seconds=s) for r, s in zip(bounded, (9.5, 20.0, 30.04), strict=True)]
    assert effort(took)[1:] == [
        "Took longer than seconds=9 to fit: edm up to 20 s, emd up to 30 s; preparing and "
        "solving are not cut short."
    ]
    assert [overrun(r).partition(": ")[::2] for r in took] == [
        ("", ""),
        (
            "edm took 20 s to fit, of seconds=9",
            "what it prepares before its first step is not cut short",
        ),
        ("emd took 30 s to fit, of seconds=9", "it is solved at once, whatever the budget"),
    ]
