"""What all tests share."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch import Generator

from tests.strangers import strangers as strangers


def pytest_configure() -> None:
    """Every worker computes on one core, as every run does."""
    torch.set_num_threads(1)


def pytest_itemcollected(item: pytest.Item) -> None:
    """One worker takes all tests of a file, or of a plugin: they share what is slow to make."""
    given = getattr(getattr(item, "callspec", None), "params", {})
    plugin = [given[key] for key in ("kind", "name") if key in given]
    group = "-".join(plugin) if len(plugin) == 2 else item.path.name
    item.add_marker(pytest.mark.xdist_group(group))


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
