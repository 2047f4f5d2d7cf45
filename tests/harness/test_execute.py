"""One run after another: memory that runs out, times that were disturbed, budgets that are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Generator
from torch.utils._python_dispatch import TorchDispatchMode

from tests.commands import TINY, tk
from transportkit import Budget, registry
from transportkit.harness.execute import Executor
from transportkit.harness.plan import Settings, plan
from transportkit.harness.store import Store

SHORTAGES = {
    "Python": MemoryError(),
    "a device": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    "a CPU": RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
}
PHASES = {
    "transportkit.train.descent.Descent.fit": "in training; lower the method's batch or size",
    "transportkit.transport.Transport.push": "in moving points; lower batch",
    "transportkit.harness.execute.judge": "in judging; lower points",
}


@pytest.mark.parametrize("where", PHASES)
@pytest.mark.parametrize("shortage", SHORTAGES)
def test_memory_that_runs_out_is_a_status_with_what_to_do(
    shortage: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*args: object, **kwargs: object) -> None:
        raise SHORTAGES[shortage]

    settings = Settings(budget=Budget(steps=2), metrics=["cost"], points=20, train=50, device="cpu")
    (run,) = plan(["cfm"], ["gaussian-pair:dim=3"], [0], settings)
    executor = Executor(Store(tmp_path), "cpu")
    with monkeypatch.context() as patched:
        patched.setattr(where, short)
        result = executor.execute(run).result
    assert result.status == "out of memory"
    assert PHASES[where] in result.message
    assert executor.execute(run).result.status == "done"


def test_a_metric_for_which_memory_runs_out_costs_its_own_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*args: object, **kwargs: object) -> None:
        raise SHORTAGES["a device"]

    monkeypatch.setattr("transportkit.metrics.energy_distance.EnergyDistance.distance", short)
    line = f"run linear --data gaussian-pair:dim=3 {TINY} --metric energy --json --out {tmp_path}"
    answer = tk(line)
    assert (answer.status, answer.json["status"]) == (0, "done")
    assert answer.json["metrics"]["energy"]["value"] is None
    assert answer.json["metrics"]["sliced_w2"]["value"] > 0
    assert "energy ran out of memory in judging; lower points" in answer.err


class Largest(TorchDispatchMode):
    """Watches how many numbers the largest tensor that is made holds."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor):
            self.numbers = max(self.numbers, made.numel())
        return made


@pytest.mark.parametrize("name", ["sliced_w2", "energy", "mmd"])
@pytest.mark.parametrize("dim", [2, 16])
def test_memory_of_a_distance_grows_no_faster_than_its_points(name: str, dim: int) -> None:
    metric = registry.make("metric", registry.parse_choice("metric", name))
    largest = []
    for n in (2000, 4000):
        a, b = torch.randn(2, n, dim, generator=Generator().manual_seed(0)).double()
        with Largest() as watched:
            metric.distance(a, b, Generator().manual_seed(0))
        largest.append(watched.numbers)
    assert largest[1] <= 2 * largest[0]
    assert largest[1] < 4000**2 / 8


def test_times_that_were_disturbed_are_marked_and_taken_again(tmp_path: Path) -> None:
    line = f"compare linear --data gaussian-pair:dim=3 {TINY} --device cpu --out {tmp_path}"
    settings = Settings(budget=Budget(steps=5), metrics=["sliced_w2"], points=64, train=200,
                        device="cpu")  # fmt: skip
    runs = plan(["linear"], ["gaussian-pair:dim=3"], [0], settings)
    beside = Executor(Store(tmp_path), "cpu", alone=False).execute(runs[0]).result
    assert beside.alone is False
    table = tk(line).out
    assert "~" in table.splitlines()[2]
    assert "--alone times one at a time" in " ".join(table.split())
    assert tk(f"{line} --alone").out.count("~") == 0
    (cell,) = tk(f"{line} --json").json["cells"]
    assert (cell["found"], cell["alone"]) == (True, True)


def test_samples_are_steps_times_the_batch(tmp_path: Path) -> None:
    settings = Settings(budget=Budget(samples=100), metrics=["cost"], points=20, train=50,
                        device="cpu")  # fmt: skip
    (run,) = plan(["cfm:batch=32"], ["gaussian-pair:dim=3"], [0], settings)
    assert Executor(Store(tmp_path), "cpu").execute(run).result.steps == 4


def test_a_dry_run_shows_the_plan_and_does_nothing(tmp_path: Path) -> None:
    line = f"compare linear cfm --data gaussian-pair:dim=3 {TINY} --seeds 0-1 --out {tmp_path}"
    assert tk(line.replace("linear cfm", "linear")).status == 0
    before = sorted(tmp_path.rglob("*"))
    plan = tk(f"{line} --nfe 2,4 --dry-run").out
    rows = {tuple(row.split()[:2]): row.split() for row in plan.splitlines()}
    assert rows["linear", "gaussian-pair"][2:5] == ["64", "2", "2"]
    assert rows["cfm", "nfe=2"][3:6] == ["64", "2", "0"]
    assert "6 cells, 2 of them found finished" in plan
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("no_point_finite")
@pytest.mark.parametrize(
    ("method", "advice"),
    [("cfm", "lower lr, take another integrator, or check"), ("linear", "check")],
)
def test_a_run_none_of_whose_points_is_finite_diverged(
    method: str, advice: str, tmp_path: Path
) -> None:
    answer = tk(f"run {method} --data moons {TINY} --out {tmp_path}")
    assert (answer.status, answer.out) == (1, "")
    told = f"none of 64 moved points is finite; {advice} the data's scale"
    assert answer.err.endswith(f"Error: {method}: {told}\n")
    compared = tk(f"compare {method} --data moons {TINY} --out {tmp_path}")
    assert (compared.status, compared.err) == (
        1,
        f"{method} on moons, seed 0: diverged, {told}\n",
    )
    (result,) = tmp_path.glob("*/result.json")
    assert json.loads(result.read_text())["status"] == "diverged"


def test_a_run_none_of_whose_lines_arrived_is_warned_of(tmp_path: Path) -> None:
    line = f"run cfm --data moons --integrator dopri5:max_steps=1 {TINY} --json --out {tmp_path}"
    answer = tk(line)
    assert (answer.status, answer.json["status"], answer.json["finished"]) == (0, "done", 0.0)
    assert answer.json["metrics"]["sliced_w2"]["value"] > 0
    assert answer.json["message"] == (
        "none of 64 points arrived (100.0% step limit), and the figures are of where they stopped: "
        "the line used up its steps; allow more steps or a larger tolerance"
    )
    assert answer.err.endswith(f"Warning: {answer.json['message']}\n")


def test_a_run_planned_for_more_threads_than_there_may_be_is_refused(tmp_path: Path) -> None:
    (run,) = plan(["linear"], ["moons"], [0], Settings(points=20, train=50, device="cpu"))
    result = Executor(Store(tmp_path), "cpu").execute(replace(run, threads=100_000)).result
    assert result.status == "refused"
    assert result.message.startswith("threads must be at most ")
