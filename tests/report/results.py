"""Results and stores of runs that never ran, for tests of what is made of results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from transportkit import Budget, Choice, Result, Run, Value
from transportkit.harness.results import write_result


def result(
    method: str = "cfm",
    seed: int = 0,
    data: str = "moons",
    nfe: int | None = None,
    status: Any = "done",
    message: str = "",
    versions: str = "1",
    params: dict[str, Any] | None = None,
    data_params: dict[str, Any] | None = None,
    **figures: float,
) -> Result:
    """A result whose metrics are `figures`; sliced_w2 has a floor of 0.1."""
    run = Run(
        Choice(method, params or {}),
        Choice(data, data_params or {}),
        seed,
        budget=Budget(steps=100),
        integrator=Choice("euler", {"steps": 10}),
        nfe=nfe,
        versions={"transportkit": versions},
    )
    metrics = {
        name: Value(v, 0.1, 0.01, v / 0.1) if name == "sliced_w2" else Value(v)
        for name, v in figures.items()
    }
    done = {
        "fit_seconds": 2.0,
        "push_seconds": 0.1,
        "steps": 100,
        "nfe": float(nfe or 10),
        "finished": 1.0,
        "points": 50,
    }
    return Result(run, status, message, metrics=metrics, **(done if status == "done" else {}))


def shelve(folder: Path, *results: Result, shape: tuple[int, ...] = (2,)) -> None:
    """Write results as run folders, with samples for those that are done."""
    draw = np.random.default_rng(0)
    for each in results:
        run = each.run
        place = folder / f"{run.method}-{run.problem}-seed{run.seed}-{run.key()}"
        place.mkdir(parents=True)
        write_result(place, replace(each, event_shape=shape if each.status == "done" else None))
        if each.status == "done":
            points = draw.normal(size=(3, 50, *shape)).astype("float32")
            np.savez(
                place / "samples.npz",
                source=points[0],
                moved=points[1],
                target=points[2],
                stop=np.ones(50, "uint8"),
                evaluations=np.full(50, 10),
            )
