"""How long `tk compare` takes to find 10,000 finished cells and print their table.

    python benchmarks/many_cells.py [--cells 10000]

One cell of each of two methods is computed; the others are copies of it under the names, seeds and
keys of their own runs, with values of their own, so that the command finds what it would have
computed. Prints wall and CPU seconds of the command in a new process, four times: the first reads
every folder, the others find them in the index that it writes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from transportkit.core.record import Budget
from transportkit.harness.execute import Executor
from transportkit.harness.experiment import Experiment
from transportkit.harness.store import Store

METHODS, PROBLEMS = ["linear", "cfm"], ["moons", "gaussians", "scurve", "swissroll", "modes"]
METRICS = ["sliced_w2", "energy", "cost"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=10_000)
    cells = parser.parse_args().cells
    seeds = cells // (len(METHODS) * len(PROBLEMS) * 2)
    with TemporaryDirectory() as folder:
        count = fill(Path(folder), seeds)
        line = [sys.executable, "-m", "transportkit.cli", "compare", *METHODS, "--out", folder]
        line += [w for data in PROBLEMS for w in ("--data", data)]
        line += [w for metric in METRICS for w in ("--metric", metric)]
        line += ["--seeds", f"0-{seeds - 1}", "--points", "64", "--train", "100"]
        line += ["--nfe", "2,4,8", "--budget", "steps=2", "--device", "auto"]
        print(f"{date.today()}, {platform.processor() or platform.machine()}, "
              f"Python {platform.python_version()}, {count} cells")  # fmt: skip
        for _ in range(4):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            begun = time.perf_counter()
            done = subprocess.run(line, capture_output=True, text=True, check=True)
            wall = time.perf_counter() - begun
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"{wall:.2f} s wall, {cpu:.2f} s CPU; {done.stderr.splitlines()[0][:60]}")
        print(done.stdout)


def fill(folder: Path, seeds: int) -> int:
    """A store of finished cells; their number."""
    runs = Experiment(
        METHODS,
        PROBLEMS,
        seeds=range(seeds),
        budgets=[Budget(steps=2)],
        nfes=[2, 4, 8],
        metrics=METRICS,
        points=64,
        train=100,
    ).runs()
    store, draw = Store(folder), np.random.default_rng(0)
    executor, made = Executor(store), {}
    for run in runs:
        kind = (run.method.name, run.problem.name, run.nfe)
        if kind not in made:
            made[kind] = executor.execute(run).result
            continue
        source = made[kind]
        place = store.place(run)
        place.mkdir()
        for file in Path(source.folder or "").iterdir():
            if file.name != "result.json":
                os.link(file, place / file.name)
        metrics = {
            name: replace(v, value=(v.value or 1.0) * float(draw.lognormal(0, 0.2)))
            for name, v in source.metrics.items()
        }
        result = replace(source, run=run, metrics=metrics, folder=str(place))
        (place / "result.json").write_text(json.dumps(asdict(result), indent=2))
    return len(runs)


if __name__ == "__main__":
    main()
