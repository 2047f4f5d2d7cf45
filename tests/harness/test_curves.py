"""Curves: rows that differ in one thing alone, their bands, and what nothing beats in both."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from tests.report.results import result
from transportkit import Budget, Choice, Result
from transportkit.harness.compare import compare


def steps(one: Result, count: int, seconds: float) -> Result:
    return replace(one, run=replace(one.run, budget=Budget(steps=count)), fit_seconds=seconds)


def test_error_against_evaluations_with_bands_and_the_front() -> None:
    values = {"cfm": {2: 2.0, 4: 1.0, 8: 0.9}, "otcfm": {2: 0.8, 4: 0.85, 8: 0.5}}
    found = compare(
        [
            result(method, seed, nfe=nfe, sliced_w2=value + 0.01 * seed, cost=3.0)
            for method, by_nfe in values.items()
            for nfe, value in by_nfe.items()
            for seed in (0, 1, 2)
        ]
    )
    curves = {(c.method, c.metric): c for c in found.curves}
    assert {c.axis for c in found.curves} == {"nfe"}
    assert len(found.curves) == len(curves) == 4
    for method, by_nfe in values.items():
        points = curves[method, "sliced_w2"].points
        assert [p.x for p in points] == [2, 4, 8]
        rows = {row.method: row for row in found.rows if row.metric == "sliced_w2"}
        for point in points:
            row = rows[point.method]
            assert point.mean == pytest.approx(by_nfe[int(point.x)] + 0.01)
            assert (point.low, point.high, point.floor) == (row.low, row.high, row.floor)
            assert point.low < point.mean < point.high
    front = {p.method for c in curves.values() for p in c.points if p.front}
    # At 4 evaluations nothing is as good as otcfm at 2; a cost is not better for being low.
    assert front == {"otcfm nfe=2", "otcfm nfe=8"}
    assert not any(p.front for p in curves["cfm", "cost"].points)


def test_a_point_leaves_the_front_for_what_is_better_beyond_doubt() -> None:
    def front(noise: float) -> set[str]:
        """Of cfm with 2, 4 and 8 evaluations, whose means are 1, .9 and 1.1, on four seeds."""
        found = compare(
            [
                result("cfm", seed, nfe=nfe, sliced_w2=mean + noise * sign)
                for nfe, mean, signs in (
                    (2, 1.0, (1, -1, 1, -1)),
                    (4, 0.9, (1, 1, -1, -1)),
                    (8, 1.1, (-1, 1, 1, -1)),
                )
                for seed, sign in enumerate(signs)
            ]
        )
        return {p.method for c in found.curves for p in c.points if p.front}

    assert front(0.001) == {"cfm nfe=2", "cfm nfe=4"}
    assert front(1.0) == {"cfm nfe=2", "cfm nfe=4", "cfm nfe=8"}


def test_nothing_leaves_the_front_where_no_pair_can_be_made() -> None:
    found = compare(
        [
            result("cfm", seed, nfe=nfe, sliced_w2=mean)
            for seed, (nfe, mean) in enumerate([(2, 1.0), (4, 2.0)])
        ]
    )
    assert not found.contrasts
    (curve,) = found.curves
    assert [p.front for p in curve.points] == [True, True]


def test_every_integrator_has_a_curve_of_its_own() -> None:
    found = compare(
        [
            replace(one, run=replace(one.run, integrator=Choice(scheme, {"steps": nfe})))
            for scheme, base in (("euler", 2.0), ("midpoint", 1.0))
            for nfe in (2, 4)
            for one in [result("cfm", nfe=nfe, sliced_w2=base / nfe)]
        ]
    )
    assert sorted([p.mean for p in c.points] for c in found.curves) == [[0.5, 0.25], [1.0, 0.5]]


def test_error_against_training_seconds() -> None:
    found = compare(
        [
            steps(result(method, seed, sliced_w2=base / count + seed / 1e4), count, pace * count)
            for method, base, pace in (("cfm", 10.0, 0.01), ("efm", 8.0, 0.1))
            for count in (10, 100)
            for seed in (0, 1)
        ]
    )
    curves = {c.method: c for c in found.curves}
    assert {c.axis for c in found.curves} == {"seconds"}
    assert [p.x for p in curves["cfm"].points] == pytest.approx([0.1, 1.0])
    assert [p.x for p in curves["efm"].points] == pytest.approx([1.0, 10.0])
    assert [p.front for p in curves["cfm"].points] == [True, True]
    assert [p.front for p in curves["efm"].points] == [False, True]
    front = sorted(p.x for c in curves.values() for p in c.points if p.front)
    assert all(a < b for a, b in pairwise(front))


def test_error_against_dimension_by_family() -> None:
    found = compare(
        [
            replace(
                result(method, seed, data, data_params={"dim": dim, "k": k}, sliced_w2=dim + seed),
                event_shape=(dim,),
            )
            for method in ("linear", "cfm")
            for data, k in (("gaussian-pair", 1), ("lse", 2), ("lse", 3))
            for dim in (2, 8)
            for seed in (0, 1)
        ]
    )
    curves = {(c.data, c.method): c for c in found.curves if c.axis == "dimension"}
    names = {"gaussian-pair", "lse:k=2", "lse:k=3"}
    assert curves.keys() == {(name, method) for name in names for method in ("linear", "cfm")}
    for curve in curves.values():
        assert [(p.x, p.mean) for p in curve.points] == [(2, 2.5), (8, 8.5)]


@pytest.mark.parametrize(
    ("params", "families"),
    [
        # The dimension is what follows from a parameter, whatever its name.
        ([{"size": 2, "k": 1}, {"size": 3, "k": 1}], {"squares"}),
        ([{"size": 2, "k": 1}, {"size": 3, "k": 2}], set()),
        ([{"d": 4, "k": 1}, {"d": 9, "k": 2}], set()),
    ],
)
def test_the_dimension_by_another_name(params: list[dict], families: set[str]) -> None:
    found = compare(
        [
            replace(
                result("cfm", seed, "squares", data_params=own, sliced_w2=1.0 + seed),
                event_shape=(1, size, size),
            )
            for size, own in zip((2, 3), params, strict=True)
            for seed in (0, 1)
        ]
    )
    assert {c.data for c in found.curves if c.axis == "dimension"} == families


def test_there_is_no_curve_where_all_stands_at_one_place() -> None:
    assert compare([result(method, sliced_w2=1.0) for method in ("cfm", "efm")]).curves == []
