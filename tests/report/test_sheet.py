"""What stands out in a comparison's table, and what is said of its figures."""

from __future__ import annotations

from dataclasses import asdict, replace

from tests.report.results import result
from transportkit import Result, Value
from transportkit.harness.compare import compare
from transportkit.harness.setting import settings
from transportkit.report.sheet import Sheet, meaning, sheets


def sheet(*results: Result) -> Sheet:
    found = compare(results)
    seen = [asdict(resolution) for resolution in found.resolutions]
    (one,) = sheets([asdict(row) for row in found.rows], settings(results), seen)
    return one


def starred(shown: Sheet) -> dict[str, list[str]]:
    """The methods that stand out, by metric."""
    return {
        metric: [
            method
            for method, entries in zip(shown.methods, shown.entries, strict=True)
            if entries[i].best
        ]
        for i, metric in enumerate(shown.metrics)
    }


def test_one_seed_on_a_finite_sample_marks_nobody() -> None:
    """The pairs of its floor share what is odd about it: their scatter tells nothing."""
    floor = Value(0.1, 0.1, 0.001, 1.0, resampled=True)
    runs = [
        replace(result(m, s), metrics={"sliced_w2": replace(floor, value=v + s)})
        for m, v in (("cfm", 0.1), ("emd", 0.9))
        for s in (0, 1)
    ]
    alone = compare(runs[::2])
    assert [(row.rank, row.tested) for row in alone.rows] == [(1, False), (1, False)]
    assert [found.smallest for found in alone.resolutions] == [None]
    shown = sheet(*runs[::2])
    assert starred(shown) == {"sliced_w2": []}
    said = meaning(shown, "*")
    assert said.endswith(
        "One seed tells nothing apart on moons, of which no fresh points can be drawn."
    )
    assert starred(sheet(*runs)) == {"sliced_w2": ["cfm"]}
    # Nor is it said of metrics one by one.
    unfloored = [replace(r, metrics={**r.metrics, "cost_ratio": Value(1.0)}) for r in runs[::2]]
    assert meaning(sheet(*unfloored), "*").count("tells nothing apart") == 1


def test_one_seed_without_a_floor_marks_nobody() -> None:
    shown = sheet(*(result(m, sliced_w2=v, cost_ratio=v) for m, v in (("cfm", 0.1), ("emd", 0.9))))
    assert starred(shown) == {"sliced_w2": ["cfm"], "cost_ratio": []}
    said = meaning(shown, "*")
    assert "* best, or not told apart from it by the scatter of samples." in said
    assert "One seed tells nothing apart by cost_ratio, which has no floor." in said
    alone = meaning(sheet(*(result(m, cost_ratio=1.0) for m in ("cfm", "emd"))), "*")
    assert "*" not in alone


def test_several_seeds_mark_what_is_not_told_apart() -> None:
    shown = sheet(*(result(m, s, cost_ratio=1.0 + s) for m in ("cfm", "emd") for s in (0, 1)))
    assert starred(shown) == {"cost_ratio": ["cfm", "emd"]}
    assert shown.smallest == [""]
    assert meaning(shown, "Bold:").endswith(
        "Bold: best, or not told apart from it by the paired test of differences on the same "
        "seeds, which the intervals do not show."
    )


def test_with_two_seeds_stars_go_by_the_differences_and_not_by_the_intervals() -> None:
    """Overlapping intervals of which one is told apart, and figures far apart which are not."""
    even = {"cfm": (0.2, 0.4), "emd": (0.3, 0.501)}
    shown = sheet(*(result(m, s, cost_ratio=v) for m, of in even.items() for s, v in enumerate(of)))
    assert starred(shown) == {"cost_ratio": ["cfm"]}
    uneven = {"cfm": (0.1, 0.11), "emd": (0.9, 0.5)}
    runs = (result(m, s, cost_ratio=v) for m, of in uneven.items() for s, v in enumerate(of))
    assert starred(sheet(*runs)) == {"cost_ratio": ["cfm", "emd"]}


def test_a_method_alone_is_not_the_best() -> None:
    shown = sheet(result(sliced_w2=0.2), result(seed=1, sliced_w2=0.3))
    assert starred(shown) == {"sliced_w2": []}
    assert "best" not in meaning(shown, "*")


def test_an_interval_over_orders_of_magnitude_is_not_named() -> None:
    values = {"cfm": (0.1, 0.3), "emd": (0.2, 0.21)}
    runs = [result(m, s, sliced_w2=v) for m, of in values.items() for s, v in enumerate(of)]
    shown = sheet(*runs)
    assert [line[0].text for line in shown.entries] == ["2.00 ±?", "2.05 ±0.67"]
    assert "±?: its limits lie more than 1,000 times apart" in meaning(shown, "*")
