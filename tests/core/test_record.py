"""Records: what was asked, and the key under which its result is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields, replace

import pytest

from transportkit import Budget, Choice, Run, UsageError

RUN = Run(
    method=Choice("efm", {"lr": 1e-3, "hidden": [64, 64]}),
    problem=Choice("gaussians", {"dim": 2}),
    integrator=Choice("lines", {"tolerance": 1e-3}),
    metrics=(Choice("w2"),),
    versions={"transportkit": "0.1.0"},
)
CHANGES = {
    "method": Choice("efm", {"lr": 2e-3, "hidden": [64, 64]}),
    "problem": Choice("gaussians", {"dim": 3}),
    "seed": 1,
    "budget": Budget(steps=10),
    "integrator": Choice("lines", {"tolerance": 1e-4}),
    "nfe": 20,
    "metrics": (Choice("w2"), Choice("energy")),
    "device": "cuda:0",
    "points": 4000,
    "train": 500,
    "batch": 100,
    "threads": 2,
    "tf32": True,
    "versions": {"transportkit": "0.2.0"},
}
JUDGED = {"integrator", "nfe", "metrics", "points", "batch"}


def test_every_field_of_a_run_is_known_here() -> None:
    assert set(CHANGES) == {f.name for f in fields(Run)}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_can_change_a_result_changes_its_key(name: str) -> None:
    other = replace(RUN, **{name: CHANGES[name]})
    assert other.key() != RUN.key()
    assert (other.fit_key() == RUN.fit_key()) == (name in JUDGED)


def test_code_that_judges_a_fit_is_not_part_of_it() -> None:
    other = replace(RUN, versions={**RUN.versions, "metric:theirs": "1 abc"})
    assert other.key() != RUN.key()
    assert other.fit_key() == RUN.fit_key()
    trained = replace(RUN, versions={**RUN.versions, "theirs": "1 abc"})
    assert trained.fit_key() != RUN.fit_key()


def test_equal_work_has_an_equal_key() -> None:
    reordered = replace(RUN, method=Choice("efm", {"hidden": (64, 64), "lr": 1e-3}))
    assert reordered.key() == RUN.key()
    assert replace(RUN, budget=Budget(seconds=10)).key() != replace(RUN, budget=Budget(10)).key()
    assert RUN.key() != RUN.fit_key()


def test_a_key_is_the_same_in_another_process() -> None:
    script = (
        "from transportkit.core.choice import Choice;"
        "from transportkit.core.record import Budget, Run;"
        "print(Run(Choice('efm', {'a': 1, 'b': [2.5, None]}), Choice('x'), "
        "budget=Budget(seconds=.1)).key())"
    )
    keys = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(keys) == 1
    assert len(keys.pop().strip()) == 16


def test_what_json_cannot_say_is_no_key() -> None:
    with pytest.raises(ValueError, match="JSON"):
        replace(RUN, method=Choice("efm", {"lr": float("nan")})).key()


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("steps=2000", Budget(steps=2000)),
        ("steps=2e3", Budget(steps=2000)),
        ("seconds=60", Budget(seconds=60)),
        ("seconds=.5", Budget(seconds=0.5)),
    ],
)
def test_budgets_are_read(text: str, budget: Budget) -> None:
    assert Budget.parse(text) == budget
    assert Budget.parse(str(budget)) == budget
    assert str(Budget()) == "default"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2000",
        "steps",
        "steps=",
        "steps=1.5",
        "steps=0",
        "steps=-3",
        "steps=nan",
        "steps=inf",
        "seconds=0",
        "seconds=nan",
        "seconds=inf",
        "epochs=3",
        "steps=2000,seconds=3",
    ],
)
def test_a_budget_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="budget"):
        Budget.parse(text)


def test_a_budget_is_one_thing() -> None:
    with pytest.raises(UsageError, match="one of steps, seconds and samples"):
        Budget(steps=3, seconds=3)
