"""The conformance suite: every check of a kind, run on one plugin."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

from ..core.record import Budget
from ..errors import UsageError, did_you_mean
from . import integrator_checks, method_checks, metric_checks, problem_checks, spec_checks
from .outcome import Outcome, Report, Skip, Status
from .subject import MethodSubject, Subject

_CHECKS: Mapping[str, tuple[Callable[[Any], None], ...]] = {
    "method": method_checks.ALL,
    "problem": problem_checks.ALL,
    "metric": metric_checks.ALL,
    "integrator": integrator_checks.ALL,
}


@dataclass(frozen=True)
class Check:
    """One check of one plugin. Calling it raises AssertionError where it fails, Skip where it
    does not apply."""

    subject: Subject
    function: Callable[[Any], None]

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def asks(self) -> str:
        """What it asks."""
        return " ".join((self.function.__doc__ or "").split())

    def __call__(self) -> None:
        self.function(self.subject)


def checks(
    kind: str,
    name: str,
    *,
    params: Mapping[str, Any] | None = None,
    budget: Budget | None = None,
) -> list[Check]:
    """Every check of the plugin called `name`, which is made with `params`.

    `budget` is what a method may train with where its quality is asked for; its own default
    otherwise. The checks share fits, so run them in one process.
    """
    if kind == "method":
        subject: Subject = MethodSubject(kind, name, params, budget)
    elif kind in _CHECKS:
        subject = Subject(kind, name, params)
    else:
        raise UsageError(f"no kind of plugin is called '{kind}'; {did_you_mean(kind, _CHECKS)}")
    return [Check(subject, function) for function in (*spec_checks.ALL, *_CHECKS[kind])]


def conform(
    kind: str,
    name: str,
    *,
    params: Mapping[str, Any] | None = None,
    budget: Budget | None = None,
    expected_failures: Mapping[str, str] | None = None,
    listener: Callable[[Outcome], None] | None = None,
) -> Report:
    """Run every check; what fails is in the report and stops nothing.

    `expected_failures` maps names of checks to reasons, beside those that the spec declares.
    `listener` is told each outcome as it comes.
    """
    chosen = checks(kind, name, params=params, budget=budget)
    expected = expectations(chosen, expected_failures)
    outcomes = []
    for check in chosen:
        outcomes.append(_run(check, expected.get(check.name)))
        if listener:
            listener(outcomes[-1])
    return Report(kind, name, tuple(outcomes))


def expectations(chosen: list[Check], given: Mapping[str, str] | None) -> dict[str, str]:
    """Expected failures of the spec and those given. Raises UsageError for a name that is none."""
    expected = {**chosen[0].subject.loaded.spec.expected_failures, **(given or {})}
    names = {check.name for check in chosen}
    for name, reason in expected.items():
        if name not in names:
            raise UsageError(f"no check is called '{name}'; {did_you_mean(name, names)}")
        if not reason.strip():
            raise UsageError(f"the expected failure of '{name}' needs a reason")
    return expected


def conformance(
    kind: str,
    name: str,
    *,
    params: Mapping[str, Any] | None = None,
    budget: Budget | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> Any:
    """A pytest decorator that gives a test each check in turn, as `check`::

    @conformance("method", "my-method")
    def test_conformance(check):
        check()
    """
    import pytest

    chosen = checks(kind, name, params=params, budget=budget)
    expected = expectations(chosen, expected_failures)

    def cases() -> Iterator[Any]:
        for check in chosen:
            reason = expected.get(check.name)
            marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
            yield pytest.param(_skipping(check), marks=marks, id=f"{name}-{check.name}")

    return pytest.mark.parametrize("check", list(cases()))


def _skipping(check: Check) -> Callable[[], None]:
    """The check, whose Skip is pytest's."""

    def run() -> None:
        import pytest

        try:
            check()
        except Skip as skip:
            pytest.skip(str(skip))

    return run


def _run(check: Check, expected: str | None) -> Outcome:
    begun = time.perf_counter()
    status: Status = "passed"
    message = trace = ""
    try:
        # What a plugin prints is no part of a report, and one that exits is one that failed.
        with redirect_stdout(sys.stderr):
            check()
    except Skip as skip:
        status, message = "skipped", str(skip)
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())
        bare = isinstance(error, AssertionError) and text
        message = text if bare else f"{type(error).__name__}: {text}"
        status, trace = "failed", traceback.format_exc()
    if expected and status == "failed":
        status, message = "expected to fail", f"{expected} ({message})"
    elif expected and status == "passed":
        status, message = "passed unexpectedly", f"declared to fail: {expected}"
    seconds = time.perf_counter() - begun
    return Outcome(check.name, check.asks, status, message, seconds, trace)
