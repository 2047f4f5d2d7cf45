"""What all tests share."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator

from tests.strangers import strangers as strangers
from transportkit import Moved, Transport


def pytest_configure() -> None:
    """Every worker computes on one core, as every run does, and keeps nothing in a user's cache."""
    torch.set_num_threads(1)
    os.environ["TK_CACHE"] = "0"
    # A shell's background jobs begin with interrupts ignored, and tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One worker takes all tests of a file, which share what is slow to make."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            # Each plugin is a test of its own there.
            return nodeid if file.endswith("test_first_party.py") else file

    return ByFile(config, log)


@pytest.fixture
def no_point_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever moves points moves none to a finite place."""
    move = Transport._push

    def beyond(*given: Any) -> Moved:
        moved = move(*given)
        return replace(moved, points=moved.points / 0)

    monkeypatch.setattr(Transport, "_push", beyond)


@pytest.fixture
def generator() -> Generator:
    return Generator().manual_seed(0)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many checks of the conformance suite first-party plugins passed."""
    found = [
        dict(report.user_properties)["conformance"]
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call" and "conformance" in dict(report.user_properties)
    ]
    if found:
        counts: Counter[str] = sum(map(Counter, found), Counter())
        ran = sum(counts.values()) - counts["skipped"]
        said = ", ".join(f"{counts[status]} {status}" for status in found[0])
        terminalreporter.write_line(f"conformance of {len(found)} plugins: {ran} ran, {said}")
