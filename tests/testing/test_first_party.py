"""Every first-party plugin conforms.

Small networks, few samples and short trainings stand in for the defaults; what is asked is the
same. How many checks ran, failed, were skipped and were expected to fail stands at the end of the
report of pytest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from transportkit import Budget, registry
from transportkit.testing import conform

SMALL: dict[str, dict[str, Any]] = {
    "efm": {"lines": 500, "batch": 256, "width": 64, "depth": 2},
    "efm-plates": {"lines": 200, "batch": 256, "width": 64, "depth": 2},
    "efm-flow": {"pairs": 500, "width": 64, "batch": 256},
    "ifm": {"width": 64, "batch": 256, "together": 64},
    "cfm": {"width": 64, "batch": 256},
    "otcfm": {"width": 64, "batch": 128},
    "fm": {"width": 64, "batch": 256},
    "sbcfm": {"width": 64, "batch": 256},
    "sf2m": {"width": 64, "batch": 128},
    "vpcfm": {"width": 64, "batch": 256},
    "interpolant": {"width": 64, "batch": 256},
    "uotcfm": {"width": 64, "batch": 128},
    "rectified": {"width": 64, "batch": 256, "pairs": 1000, "reflow_steps": 5},
    "rectified-map": {"width": 64, "batch": 256, "pairs": 1000, "reflow_steps": 5, "lr": 1e-2},
    "edm": {"width": 64, "batch": 256},
    "pfgm": {"width": 64, "depth": 2, "charges": 0},
    "pfgm++": {"width": 64, "depth": 2, "charges": 0},
    "sliced": {"iterations": 20},
    "lightsb": {"components": 5, "batch": 128, "lr": 0.05},
    "lightsb-m": {"components": 5, "batch": 128, "lr": 0.05},
    "mmv1": {"width": 32, "depth": 2, "batch": 128, "ascent": 2},
    "mmv2": {"width": 32, "depth": 2, "batch": 128, "moves": 2},
    "not": {"width": 32, "depth": 2, "batch": 128, "moves": 2},
    "monge-gap": {"width": 32, "depth": 2, "batch": 64, "iterations": 10},
    "dsbm": {"width": 32, "depth": 2, "batch": 128, "rounds": 4, "pairs": 512, "simulation": 10},
}
STEPS = {
    **dict.fromkeys(("efm", "mmv1", "mmv2", "monge-gap", "not", "edm", "lightsb"), 100),
    **dict.fromkeys(("efm-plates", "rectified"), 300),
}
"""Steps after which a method is near the noise floor; 200 for the others."""

EXPECTED: dict[tuple[str, str], dict[str, str]] = {}
"""Checks that a plugin is known to fail, with reasons, by kind and name."""

NEEDS_FILES = {("problem", "samples"), ("problem", "w2-benchmark"), ("problem", "timecourse")}
FIRST_PARTY = [
    (kind, entry.name)
    for kind in registry.KINDS
    for entry in registry.entries(kind)
    if entry.distribution == "transportkit" and (kind, entry.name) not in NEEDS_FILES
]


@pytest.mark.parametrize(("kind", "name"), FIRST_PARTY, ids=lambda text: text)
def test_it_conforms(kind: str, name: str, record_property: Callable[..., None]) -> None:
    report = conform(
        kind,
        name,
        params=SMALL.get(name) if kind == "method" else None,
        budget=Budget(steps=STEPS.get(name, 200)) if kind == "method" else None,
        expected_failures=EXPECTED.get((kind, name)),
    )
    record_property("conformance", dict(report.counts))
    bad = [o for o in report.outcomes if o.status in ("failed", "passed unexpectedly")]
    assert not bad, "\n".join(f"{o.check}: {o.message}\n{o.traceback}" for o in bad)
