"""The scripts of peers' tables, and records made up for them."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

# A script finds its neighbours in its own folder.
with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(ROOT / "benchmarks")
    peers, tables, runs, book = map(importlib.import_module, ("peers", "tables", "runs", "records"))


def records(values: dict[str, dict[int, float]], protocol: str = "reduced") -> list[Any]:
    """Made-up records on the day 3 of the suite of single cells."""
    return [
        book.Record(
            protocol=protocol,
            method=method,
            problem="day 3",
            metric="between_w1:limit=2500",
            seed=seed,
            value=value,
            floor=None,
            seconds=1.0,
            steps=10,
            budget="steps=10",
            points=2500,
            train=10000,
            integrator="",
            device="cpu",
            threads=1,
            machine="x86_64",
            date="2026-11-25",
            origin="page",
            versions="python 3.11.7; transportkit 0.1.0",
            parameters="lr=0.001",
            message="",
        )
        for method, by_seed in values.items()
        for seed, value in by_seed.items()
    ]
