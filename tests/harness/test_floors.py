"""Noise floors: measured once for a problem, a metric and a number of points, and kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.commands import TINY, tk
from transportkit import Run, registry
from transportkit.harness import floors as module
from transportkit.harness.floors import Floors
from transportkit.harness.plan import Settings, plan


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of points of every floor that is measured."""
    sizes: list[int] = []
    measure = module.measure

    def counting(problem: object, metric: object, n: int) -> module.Floor:
        sizes.append(n)
        return measure(problem, metric, n)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "measure", counting)
    return sizes


def test_one_measurement_serves_every_method_and_seed(measured: list[int], tmp_path: Path) -> None:
    line = f"--data gaussian-pair:dim=3 {TINY} --json --out {tmp_path}"
    first = tk(f"run linear {line}").json
    assert measured == [64]
    others = tk(f"compare linear emd cfm --seeds 1-2 {line}").json["cells"]
    assert measured == [64]
    floors = {c["metrics"]["sliced_w2"]["floor"] for c in [first, *others]}
    assert len(floors) == 1
    tk(f"run linear {line}".replace("--points 64", "--points 50"))
    assert measured == [64, 50]
    for file in (tmp_path / "floors").iterdir():
        file.write_text(file.read_text()[:20])
    assert tk(f"run linear {line} --seed 9").json["metrics"]["sliced_w2"]["floor"] in floors
    assert measured == [64, 50, 64]
    tk(f"run linear {line} --seed 9 --fresh")
    assert measured == [64, 50, 64, 64]


def test_other_code_and_other_files_have_floors_of_their_own(
    measured: list[int], tmp_path: Path
) -> None:
    settings = Settings(metrics=["sliced_w2"], device="cpu")
    (run,) = plan(["cfm"], ["moons"], [0], settings)
    problem, metric = registry.make("problem", run.problem), registry.make("metric", run.metrics[0])

    def ask(run: Run) -> None:
        Floors(tmp_path / "floors").of(run, problem, run.metrics[0], metric, 32)

    ask(run)
    ask(plan(["emd"], ["moons"], [5], settings)[0])
    ask(replace(run, versions={**run.versions, "transportkit_flow": "another"}))
    ask(replace(run, versions={**run.versions, "integrator:theirs": "another"}))
    assert len(measured) == 1
    ask(replace(run, versions={**run.versions, "transportkit": "another"}))
    ask(replace(run, versions={**run.versions, "moons source": "another"}))
    assert len(measured) == 3
