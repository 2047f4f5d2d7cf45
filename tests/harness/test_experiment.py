"""Experiments: every combination once, and suites that say so in YAML."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

import pytest

from transportkit import Budget, Result, Run, UsageError
from transportkit.harness.asked import experiment
from transportkit.harness.estimate import estimate
from transportkit.harness.experiment import Experiment
from transportkit.harness.plan import parse_seeds
from transportkit.harness.suite import read_suite

SUITE = """
methods: [cfm, emd, {name: otcfm, width: 64}]
problems: [moons, {name: gaussian-pair, dim: 3}]
seeds: 0-1
metrics: [cost]
budget: {steps: 50}
integrators: [euler, own]
nfe: [2, 4]
overrides: {cfm: {lr: 1e-3}}
sweep: {cfm.batch: [8, 16], width: "32,64"}
points: 1e2
protocol: Halves of 100 points.
published: {"a paper, Table 2": {cfm: 0.3}}
reduced: {seeds: [0], problems: [moons], nfe: 2}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "suite.yaml"
    path.write_text(SUITE)
    return path


def test_a_suite_in_full(suite: Path) -> None:
    experiment = Experiment(**read_suite(suite))
    assert experiment.protocol == "Halves of 100 points."
    assert experiment.published == {"a paper, Table 2": {"cfm": 0.3}}
    runs = experiment.runs()
    assert len({run.key() for run in runs}) == len(runs)
    by_name = {name: [r for r in runs if r.method.name == name] for name in ("cfm", "emd", "otcfm")}
    # Two data, two seeds; of cfm two batches and two widths, of otcfm two widths; each of them
    # with two integrators and two numbers of evaluations. A map has one run for all of those.
    assert {name: len(own) for name, own in by_name.items()} == {"cfm": 64, "emd": 4, "otcfm": 32}
    assert {(r.method.params["lr"], r.method.params["batch"]) for r in by_name["cfm"]} == {
        (1e-3, 8),
        (1e-3, 16),
    }
    assert {r.method.params["width"] for r in by_name["otcfm"]} == {32, 64}
    assert {r.budget for r in runs} == {Budget(steps=50)}
    assert {(r.integrator.name, r.nfe) for r in by_name["cfm"] if r.integrator} >= {
        ("euler", 2),
        ("euler", 4),
    }
    # One fit, pushed in four ways, one after another.
    pushed = [len(list(same)) for _, same in groupby(by_name["cfm"], key=Run.fit_key)]
    assert pushed == [4] * 16


def test_what_is_solved_is_done_once_for_all_budgets() -> None:
    budgets = [Budget(steps=5), Budget(steps=9)]
    runs = Experiment(["emd", "cfm", "linear"], ["moons"], (0, 1), budgets).runs()
    done = [(run.method.name, run.budget.steps, run.seed) for run in runs]
    assert len(done) == len(set(done))
    assert {each for each in done if each[2] == 1} == {
        ("emd", 5, 1),
        ("cfm", 5, 1),
        ("cfm", 9, 1),
        ("linear", 5, 1),
    }


def test_a_suite_reduced(suite: Path) -> None:
    runs = Experiment(**read_suite(suite, reduced=True)).runs()
    assert {(r.seed, r.problem.name, r.points) for r in runs} == {(0, "moons", 100)}
    assert {r.nfe for r in runs if r.integrator} == {2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metods: [cfm]", "unknown key 'metods'; did you mean 'methods'?"),
        ("methods: [cfm]\nmethod: emd", "'method' twice, under different names"),
        ("seeds: many", "seeds read 0-4"),
        ("points: 1.5", "should be a whole number, not 1.5"),
        ("nfe: [two]", "should be a whole number, not 'two'"),
        ("overrides: [cfm]", "should hold values by name"),
        ("budget: {hours: 3}", "a budget reads"),
        ("- cfm", "should hold an experiment"),
        ("published: &a [1, *a]", "holds values more than 64 deep in each other"),
        ("protocol: !!binary aGk=", "should be text, numbers, lists and values by name"),
        ("published: {x: !!timestamp 2026-01-01}", "should be text, numbers"),
        ("reduced: {reduced: {seeds: 0}}", "unknown key 'reduced'; known: batch, budget,"),
    ],
)
def test_a_suite_that_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    for reduced in (False, True):
        with pytest.raises(UsageError, match=re.escape(message)):
            read_suite(path, reduced)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"overrides": {"cmf": {}}}, "overrides for 'cmf'; did you mean 'cfm'?"),
        ({"sweep": {"wdth": [1]}}, "no method here has the parameter 'wdth'"),
        ({"sweep": {"otcfm.width": [1]}}, "no method 'otcfm' here; did you mean 'cfm'?"),
        ({"sweep": {"width": [0]}}, "must be"),
        ({"methods": ["emd"], "nfes": [3]}, "leave out integrator and nfe"),
        ({"nfes": [0]}, "nfe must be at least 1"),
        ({"nfes": []}, "nfe is an empty list; name one, or leave it out"),
        ({"budgets": []}, "budget is an empty list"),
        ({"integrators": []}, "integrator is an empty list"),
        ({"seeds": ()}, "seeds is an empty list"),
        ({"sweep": {"lr": []}}, "sweep has no value of 'lr'"),
    ],
)
def test_an_experiment_that_is_wrong(changed: dict, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        Experiment(**{"methods": ["cfm"], "problems": ["moons"], **changed}).runs()


def test_no_methods_are_not_all_methods(tmp_path: Path) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text("methods: []\nproblems: moons\n")
    with pytest.raises(UsageError, match="methods is an empty list; name one, or leave it out"):
        experiment({}, file)


def test_methods_that_are_left_out_take_their_overrides_and_sweeps_along(tmp_path: Path) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text(SUITE)
    few = experiment({"methods": ["emd"], "integrators": [None], "nfes": [None]}, file)
    assert {run.method.name for run in few.runs()} == {"emd"}
    assert len(few.runs()) == 4
    two = experiment({"methods": ["cfm", "emd"]}, file).runs()
    assert {run.method.params["width"] for run in two if run.method.name == "cfm"} == {32, 64}
    for sweep in ({"batch": [4]}, {"cfm.batch": [4]}):
        typed = experiment({"methods": ["cfm"], "sweep": sweep}, file).runs()
        assert {run.method.params["batch"] for run in typed} == {4}
        assert {run.method.params["width"] for run in typed} == {32, 64}
    typed = experiment({"methods": ["emd"], "sweep": {"width": [8]}, "problems": ["moons"]})
    with pytest.raises(UsageError, match="no method here has the parameter 'width'"):
        typed.runs()


def test_a_sweep_of_one_method_goes_before_that_of_all() -> None:
    sweep = {"cfm.width": [8, 16], "width": [32]}
    runs = Experiment(["cfm", "otcfm"], ["moons"], sweep=sweep).runs()
    assert [(r.method.name, r.method.params["width"]) for r in runs] == [
        ("cfm", 8),
        ("cfm", 16),
        ("otcfm", 32),
    ]
    assert len(Experiment(["cfm"], ["moons"], sweep=sweep).runs()) == 2


def test_a_cost_is_estimated_from_what_is_finished() -> None:
    experiment = Experiment(["cfm", "emd"], ["moons", "scurve"], budgets=[Budget(samples=1000)])
    first, *_ = runs = Experiment(["cfm", "emd"], ["moons", "scurve"], nfes=[2, 4]).runs()
    # A second for 100 steps; a half to move and to judge; and the fit is paid for once.
    done = Result(first, "done", fit_seconds=1.0, push_seconds=0.3, judge_seconds=0.2, steps=100)
    costs = {(e.run.method.name, e.run.problem.name, e.run.nfe): e for e in
             estimate(runs, [first], [done])}  # fmt: skip
    own = first.method.params["steps"]
    assert (costs["cfm", "moons", 2].seconds, costs["cfm", "moons", 2].basis) == (0, "found")
    assert costs["cfm", "moons", 4].seconds == pytest.approx(0.5)
    assert costs["cfm", "scurve", 2].seconds == pytest.approx(0.5 + own / 100)
    assert costs["cfm", "scurve", 2].basis == "same method"
    assert costs["cfm", "scurve", 4].seconds == pytest.approx(0.5)
    assert costs["emd", "moons", None].seconds is None
    by_samples = estimate(experiment.runs(), [], [done])[0]
    assert by_samples.steps == -(-1000 // first.method.params["batch"])


def test_what_is_named_again_is_run_once_and_said(caplog: pytest.LogCaptureFixture) -> None:
    named = ["emd", "cfm:width=64", "emd", "cfm"]
    asked = Experiment(named, ["moons", "moons"], parse_seeds("0,0,0"))
    assert [run.method.name for run in asked.runs()] == ["emd", "cfm", "cfm"]
    assert len(Experiment(["emd"], ["moons"], [3, 3, 4, 4]).runs()) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "seed 0 is named again; it is run once",
        "method emd is named again with equal parameters; it is run once",
        "data moons is named again with equal parameters; it is run once",
        "seed 3 (and 1 more) is named again; it is run once",
    ]
