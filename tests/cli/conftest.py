"""Runs that the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.commands import TINY, Answer, tk
from tests.strangers import Strangers
from tests.trouble import install_trouble


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared runs are kept."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def cfm(out: Path) -> Answer:
    """A small run of flow matching on the plane, as JSON."""
    return tk(f"run cfm --data gaussians --json {TINY} --metric cost --out", out)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a user's samples in three dimensions."""
    folder = tmp_path_factory.mktemp("files")
    draw = np.random.default_rng(0)
    np.save(folder / "a.npy", draw.normal(size=(60, 3)))
    np.save(folder / "b.npy", draw.normal(size=(50, 3)) + 2)
    return folder


@pytest.fixture
def trouble(strangers: Strangers) -> None:
    """Methods and metrics that misbehave."""
    install_trouble(strangers)
