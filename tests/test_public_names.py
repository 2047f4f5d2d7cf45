"""The public names, with the plugin API in which each became public.

A change here is a change of what plugins rely on. A new name is added to the list under the version
in force; a name that goes, or whose meaning changes, asks for a new `API_VERSION`. Signatures stand
in ``public_names.txt``.
"""

from __future__ import annotations

import ast
from pathlib import Path

import transportkit
from tests.signatures import listing

STUB = Path(transportkit.__file__).with_name("__init__.pyi")
SINCE: dict[int, str] = {
    1: """
    API_VERSION About Agreement Axis Budget Callback Catalogue Choice Churn Comparison Contact Curve
    DataError Descent DiffusionField Direct DistributionMetric Diverged Dopri5 Empirical
    EntropicPlan Euler EulerMaruyama Evidence Field Fit Game Integrator IntegratorSpec Interval
    IntervalField Law Lines Map Marginal Method MethodSpec Metric MetricSpec Midpoint Model Moved
    NoParams Objective Plan PlanLine Plate PlateField PluginError Point Problem ProblemSpec Progress
    Pushed RK4 Refusal Reproduction Result Row Run RunFailed RunRecord Solution Solvable Span Stop
    TimeMLP TooLarge Trainer Transport TransportkitError Truth UsageError Value available
    check_network check_room compare derive gather global_seed_from info is_standard_normal load mlp
    new_plugin param plan push reproduce run spawn
    """,
}
SIGNATURES = Path(__file__).with_name("public_names.txt")
TESTING = "Check Outcome Report Skip checks conform conformance"


def listed() -> set[str]:
    return {name for names in SINCE.values() for name in names.split()}


def test_the_stub_holds_the_listed_names_and_no_other() -> None:
    names = {
        alias.asname or alias.name
        for node in ast.walk(ast.parse(STUB.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert names - listed() == set(), "public and not in the list"
    assert listed() - names == set(), "in the list and not public"


def test_what_is_importable_is_what_is_listed() -> None:
    assert set(transportkit.__all__) == listed()


def test_no_name_is_newer_than_the_api() -> None:
    assert max(SINCE) <= transportkit.API_VERSION


def test_the_names_of_the_conformance_suite() -> None:
    from transportkit import testing

    stub = ast.parse(Path(testing.__file__).read_text())
    names = {a.asname for n in ast.walk(stub) if isinstance(n, ast.ImportFrom) for a in n.names}
    assert names == set(TESTING.split())


def test_no_signature_changes_unnoticed() -> None:
    """What changed is a change of what others rely on: take it back, or write it down."""
    assert listing().splitlines() == SIGNATURES.read_text().splitlines(), (
        "if it is meant: python -m tests.signatures > tests/public_names.txt, a line in "
        "CHANGELOG.md, and a new API_VERSION where plugins written for the old one would break"
    )
