"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch
from torch import Generator

from tests.strangers import strangers as strangers


def pytest_configure() -> None:
    """Every worker computes on one core, as every run does."""
    torch.set_num_threads(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """One worker takes all tests of a file, or of a plugin: they share what is slow to make."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        subject = getattr(callspec and callspec.params.get("check"), "subject", None)
        group = f"{subject.kind}-{subject.name}" if subject else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture
def generator() -> Generator:
    return Generator().manual_seed(0)
