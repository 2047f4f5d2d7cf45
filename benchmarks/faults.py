"""What random kills cost: a comparison killed again and again loses the cells in flight, no more.

    python benchmarks/faults.py [--kills 120]

A small comparison with checkpoints is started, killed by SIGKILL at a random moment, and started
again on the same store, until as many kills as asked have fallen before its end. After each kill:

- every run folder under its name is whole: it is found finished, with the numbers of an undisturbed
  comparison to the bit;
- no run that was finished before is missing;
- what was half written has a temporary name, and is gone once the store is opened again.

When all cells are finished the store is emptied, and it begins anew. Prints what was counted.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from transportkit.core.record import Budget, Run
from transportkit.harness.execute import Executor
from transportkit.harness.experiment import Experiment
from transportkit.harness.store import Store
from transportkit.train.descent import Descent

Numbers = tuple[bytes, tuple[float | None, ...]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=120)
    kills = parser.parse_args().kills
    torch.set_num_threads(1)
    _checkpoint_often()
    runs = Experiment(
        ["linear", "cfm:width=32,depth=1"],
        ["gaussian-pair:dim=3"],
        seeds=range(2),
        budgets=[Budget(steps=40)],
        nfes=[2, 4],
        metrics=["sliced_w2", "cost"],
        points=100,
        train=200,
    ).runs()
    draw = random.Random(0)
    counts = {"kills": 0, "before the end": 0, "rounds": 0, "half written": 0, "checkpoint left": 0}
    with TemporaryDirectory() as folder:
        wanted = _undisturbed(runs, Path(folder) / "reference")
        # Once more, now that all is imported: as long as a child of this process takes.
        begun = time.perf_counter()
        assert _undisturbed(runs, Path(folder) / "again") == wanted
        span = time.perf_counter() - begun
        store = Path(folder) / "runs"
        before: set[str] = set()
        while counts["before the end"] < kills:
            child = _start(runs, store)
            # A moment of what is left to do.
            time.sleep(draw.uniform(0, span * (1 - len(before) / len(runs))))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status), "a process failed by itself, as said above"
            counts["kills"] += 1
            counts["half written"] += bool(list(store.glob(".partial-*")))
            counts["checkpoint left"] += bool(list(store.glob("fits/*.checkpoint")))
            now = _check(runs, store, wanted)
            assert before <= now, f"lost: {before - now}"
            counts["before the end"] += len(now) < len(runs)
            before = now
            print(counts, file=sys.stderr, flush=True)
            if len(now) == len(runs):
                counts["rounds"] += 1
                shutil.rmtree(store)
                before = set()
        for run in runs:
            Executor(Store(store)).execute(run)
        assert _check(runs, store, wanted) == {run.key() for run in runs}
    print(f"{date.today()}, {platform.processor() or platform.machine()}, "
          f"Python {platform.python_version()}, {len(runs)} cells")  # fmt: skip
    print(", ".join(f"{name}: {count}" for name, count in counts.items()))
    print("no finished cell was lost, none was half written, all are equal to the bit")


def _checkpoint_often() -> None:
    """Have every fit keep a checkpoint at each step, where it is a minute otherwise."""
    begin = Descent.__init__

    def often(self: Descent, *args: object, **settings: object) -> None:
        begin(self, *args, **settings)  # type: ignore[arg-type]
        object.__setattr__(self, "checkpoint_seconds", 0.0)

    Descent.__init__ = often  # type: ignore[method-assign]


def _start(runs: list[Run], folder: Path) -> int:
    """A process that executes the runs; its id."""
    child = os.fork()
    if child == 0:
        try:
            executor = Executor(Store(folder))
            for run in runs:
                executor.execute(run)
            time.sleep(600)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    return child


def _undisturbed(runs: list[Run], folder: Path) -> Mapping[str, Numbers]:
    executor = Executor(Store(folder))
    for run in runs:
        outcome = executor.execute(run)
        assert outcome.result.status == "done", outcome.result.message
    return {run.key(): _numbers(Store(folder), run) for run in runs}


def _numbers(store: Store, run: Run) -> Numbers:
    place = store.place(run)
    found = store.find(run)
    assert found is not None, f"{place} is there, and not whole"
    with np.load(place / "samples.npz") as samples:
        moved = samples["moved"].tobytes()
    return moved, tuple(value.value for value in found.metrics.values())


def _check(runs: list[Run], folder: Path, wanted: Mapping[str, Numbers]) -> set[str]:
    """The keys of the runs that are there, each of them whole and right."""
    if not folder.exists():
        return set()
    store = Store(folder)
    assert not list(folder.glob(".partial-*")), "leftovers were not cleared"
    there = [run for run in runs if store.place(run).exists()]
    for run in there:
        assert _numbers(store, run) == wanted[run.key()], f"{run.key()} differs"
    return {run.key() for run in there}


if __name__ == "__main__":
    sys.exit(main())
