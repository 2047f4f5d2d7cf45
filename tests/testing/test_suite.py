"""The suite finds what is wrong with methods that are wrong on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.strangers import Strangers
from transportkit import UsageError, registry
from transportkit.cli import main
from transportkit.testing import checks, conform, conformance

SPEC = """
from transportkit import MethodSpec
{extra}
spec = MethodSpec(summary="a shift", implementation="wrong_code:Wrong", model="map")
"""
CODE = """
import torch
from transportkit import Direct, Map, Method, Solvable

class Shift(Map):
    def __init__(self):
        super().__init__()
        self.register_buffer("by", torch.zeros(2))
    @property
    def config(self):
        return {}
    def forward(self, x, generator):
        return x + self.by

class Means(Solvable):
    def __init__(self, problem):
        self.problem = problem
    def solve(self, generator):
        model = Shift()
        ends = [m.points(10_000, generator) for m in (self.problem.source, self.problem.target)]
        model.by = ends[1].mean(0) - ends[0].mean(0)
        return model

class Wrong(Method):
    def refuses(self, problem):
        return None if problem.event_shape == (2,) else 'it knows the plane alone'
    def objective(self, problem, generator):
        return Means(problem)
    def trainer(self):
        return Direct()
    def blank(self, config):
        return Shift()
"""


@pytest.fixture
def wrong(strangers: Strangers) -> Callable[..., None]:
    """Install a method `wrong`, which only shifts; `extra` stands in the module of its spec."""

    def install(extra: str = "") -> None:
        files = {"wrong": SPEC.format(extra=extra), "wrong_code": CODE}
        strangers.install("tk-wrong", {"wrong": "wrong:spec"}, files, kind="method")

    return install


def test_a_spec_that_is_not_light_fails_the_check(wrong: Callable[..., None]) -> None:
    wrong(extra="import numpy")
    (asked,) = (c for c in checks("method", "wrong") if c.name == "light_spec")
    with pytest.raises(AssertionError, match="imports numpy"):
        asked()


def test_what_says_that_it_is_solved_makes_no_steps(wrong: Callable[..., None]) -> None:
    wrong(extra="MethodSpec = __import__('functools').partial(MethodSpec, solved=True)")
    named = {check.name: check for check in checks("method", "wrong")}
    named["tiny_budget"]()
    fit = named["tiny_budget"].subject.trial().fit
    object.__setattr__(fit, "steps", 1)
    with pytest.raises(AssertionError, match="says that it is solved, and 1 steps were made"):
        named["tiny_budget"]()


def test_a_fit_that_forgets_its_rounds_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transportkit_flow.reflow.RectifiedGame.restore", lambda self, state: None)
    params = {"width": 8, "batch": 16, "pairs": 64, "reflow_steps": 2}
    (asked,) = (c for c in checks("method", "rectified", params=params) if c.name == "resumed")
    with pytest.raises(AssertionError, match=r"losses are not those|moves points differently"):
        asked()


def test_what_is_right_passes_and_what_fails_can_be_expected(wrong: Callable[..., None]) -> None:
    wrong()
    report = conform("method", "wrong", expected_failures={"transports": "it only shifts"})
    assert report.conforms, [o for o in report.outcomes if o.status == "failed"]
    assert report.counts["expected to fail"] == 1
    assert report.counts["failed"] == 0
    assert sum(report.counts.values()) == len(report.outcomes)
    assert report.ran == len(report.outcomes) - report.counts["skipped"]
    unexpected = conform("method", "wrong", expected_failures={"transports": "a", "shapes": "b"})
    assert not unexpected.conforms
    assert unexpected.counts["passed unexpectedly"] == 1


def test_expectations_name_checks_and_reasons(wrong: Callable[..., None]) -> None:
    wrong()
    with pytest.raises(UsageError, match="no check is called 'shape'; did you mean 'shapes'"):
        conform("method", "wrong", expected_failures={"shape": "why"})
    with pytest.raises(UsageError, match="needs a reason"):
        conformance("method", "wrong", expected_failures={"shapes": " "})
    with pytest.raises(UsageError, match="no kind of plugin"):
        checks("methods", "wrong")


def test_the_command_prints_counts_and_fails(
    wrong: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    wrong()
    with pytest.raises(SystemExit) as stop:
        main(["plugin", "check", "wrong", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert stop.value.code == 1
    assert document["counts"]["failed"] == 1
    assert [c["check"] for c in document["checks"] if c["status"] == "failed"] == ["transports"]
    with pytest.raises(SystemExit) as stop:
        main(["plugin", "check", "wrong"])
    assert "1 failed" in capsys.readouterr().out


def test_every_kind_has_checks() -> None:
    for kind in registry.KINDS:
        names = [c.name for c in checks(kind, registry.entries(kind)[0].name)]
        assert len(names) == len(set(names))
        assert all(c.asks for c in checks(kind, registry.entries(kind)[0].name))
