"""Executors: the same runs give the same results wherever they are done, and a machine that is lost
costs at most what it was doing."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import which
from subprocess import run as run_command
from threading import Event

import pytest

from transportkit import Result, Run, TransportkitError, UsageError, registry
from transportkit.harness import eviction, judge
from transportkit.harness.executors import Backend, Work, backend
from transportkit.harness.executors.remote import UnfitWorker, marked, perform
from transportkit.harness.executors.slurm_jobs import Job
from transportkit.harness.plan import Settings, plan
from transportkit.harness.store import Store

MORTAL = """
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from transportkit import Metric, MetricSpec, param


@dataclass(frozen=True)
class MortalParams:
    at: int = param(0, "kills its process where so many points are judged")
    once: str = param("", "a file that says that it has happened")


@dataclass(frozen=True)
class Mortal(MortalParams, Metric):
    def evaluate(self, evidence, generator):
        if len(evidence.moved) == self.at:
            happened = self.once and Path(self.once).exists()
            if not happened:
                if self.once:
                    Path(self.once).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return float(evidence.moved.double().mean())


mortal = MetricSpec(
    summary="kills", implementation="mortal:Mortal", params=MortalParams, default=False
)
"""


@pytest.fixture
def mortal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A metric that kills its process, known to every process that is started."""
    (tmp_path / "mortal.py").write_text(MORTAL)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("TK_PLUGINS", "metric:mortal=mortal:mortal")
    registry.refresh()
    yield
    monkeypatch.undo()
    registry.refresh()


def runs_of(metric: str = "mortal", sizes: tuple[int, ...] = (20, 30, 40)) -> list[Run]:
    """Runs that share one fit, judged on so many points."""
    made = []
    for points in sizes:
        settings = Settings(metrics=[metric], points=points, train=100, device="cpu")
        made += plan(["linear"], ["moons"], [0], settings)
    return made


def done(where: Backend, runs: list[Run], store: Path) -> dict[int, Result]:
    outcomes = list(where.outcomes(Work(runs, Store(store), "cpu")))
    assert len(outcomes) == len(runs)
    return {outcome.result.run.points: outcome.result for outcome in outcomes}


def values(results: dict[int, Result]) -> dict[int, float | None]:
    return {n: r.metrics["mortal"].value for n, r in results.items() if r.status == "done"}


def test_dask_a_worker_that_is_killed_costs_nothing(mortal: None, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    once = tmp_path / "once"
    metric = f"mortal:at=30,once={once}"
    runs = [*runs_of(metric), replace(runs_of(metric, (20,))[0], seed=1)]
    outcomes = list(backend("dask", 2).outcomes(Work(runs, Store(tmp_path / "a"), "cpu")))
    assert once.exists()
    assert sorted((o.result.run.seed, o.result.run.points) for o in outcomes) == [
        (0, 20),
        (0, 30),
        (0, 40),
        (1, 20),
    ]
    assert {o.result.status for o in outcomes} == {"done"}
    alone = {
        (o.result.run.seed, o.result.run.points): o.result.metrics
        for o in backend(None).outcomes(Work(runs, Store(tmp_path / "b"), "cpu"))
    }
    for outcome in outcomes:
        run = outcome.result.run
        assert outcome.result.metrics == alone[run.seed, run.points]
    again = list(backend("dask", 2).outcomes(Work(runs, Store(tmp_path / "a"), "cpu")))
    assert all(outcome.found for outcome in again)


def slurm_answers() -> bool:
    return bool(which("sinfo")) and run_command(["sinfo"], capture_output=True).returncode == 0


@pytest.mark.parametrize("cluster", ["local", "slurm"])
def test_slurm_a_job_that_is_killed_costs_the_run_it_was_at(
    mortal: None, tmp_path: Path, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitit = pytest.importorskip("submitit", reason="submitit is not installed")
    if cluster == "slurm" and not slurm_answers():
        pytest.skip("no SLURM answers here")
    if cluster == "local":
        # Time that a network's file system has to show the result of a job; here there is none.
        monkeypatch.setattr(submitit.core.core.Job, "_results_timeout_s", 0.2)
    runs = runs_of("mortal:at=30")
    results = done(backend(f"slurm:cluster={cluster},mem_gb=1", 2), runs, tmp_path / "a")
    assert {n: r.status for n, r in results.items()} == {20: "done", 30: "failed", 40: "done"}
    assert "died" in results[30].message
    few = [run for run in runs if run.points != 30]
    name = next(iter(results[20].metrics))
    for n, alone in done(backend(None), few, tmp_path / "b").items():
        assert results[n].metrics[name] == alone.metrics[name]
    assert not list((tmp_path / "a").glob(".plan-*"))


SBATCH = """#!/bin/bash
# Runs the tasks of an array at once; what it was asked for stays in $FAKE.
script="${@: -1}"
cp "$script" "$FAKE/script"
output=$(sed -n 's/^#SBATCH --output=//p' "$script")
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$script")
for task in $(seq 0 "$last"); do
    log=${output//%A/7}; log=${log//%a/$task}; log=${log//%t/0}
    SLURM_JOB_ID=7_$task SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=$task SLURM_PROCID=0 \\
    SLURM_LOCALID=0 SLURM_NODEID=0 SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_JOB_NODELIST=here \\
        bash "$script" >"$log" 2>&1 &
done
echo "Submitted batch job 7"
"""
SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do
    if [[ $1 == --output || $1 == --error ]]; then shift; fi
    shift
done
exec "$@"
"""
SACCT = """#!/bin/bash
echo "JobID|State|NodeList"
for task in 0 1; do echo "7_$task|RUNNING|here"; done
"""


def test_slurm_submits_one_array(mortal: None, tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("submitit", reason="submitit is not installed")
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "sacct": SACCT, "scancel": ""}.items():
        (tmp_path / name).write_text(text or "#!/bin/bash\n")
        (tmp_path / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("FAKE", str(tmp_path))
    where = backend("slurm:partition=short,timeout_min=5", 3)
    runs = [*runs_of(sizes=(20,)), replace(runs_of(sizes=(20,))[0], seed=1)]
    outcomes = list(where.outcomes(Work(runs, Store(tmp_path / "a"), "cpu")))
    assert [outcome.result.status for outcome in outcomes] == ["done", "done"]
    asked = (tmp_path / "script").read_text()
    assert "#SBATCH --partition=short" in asked
    assert "#SBATCH --array=0-1%2" in asked or "#SBATCH --array=0-1%3" in asked
    assert "#SBATCH --time=5" in asked


def test_slurm_a_job_whose_time_is_up_leaves_its_run_undone(
    mortal: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("submitit", reason="submitit is not installed")
    (run,) = runs_of(sizes=(20,))
    store = Store(tmp_path / "a")
    monkeypatch.setattr(eviction, "_coming", Event())
    with marked(store) as mark:
        job = Job(mark, "cpu", False, (run,), tmp_path / "record")

        def time_is_up(*_: object) -> None:
            # What submitit does within the signal, which may strike in a metric.
            assert job.checkpoint().function == job
            sys.exit(-1)

        with monkeypatch.context() as patch:
            patch.setattr(judge, "_evaluate", time_is_up)
            with pytest.raises(SystemExit):
                job()
        assert store.find(run) is None
        assert not job.record.exists()
        monkeypatch.setattr(eviction, "_coming", Event())
        assert [outcome.result.status for outcome in job()] == ["done"]


def test_dask_by_address_and_what_a_worker_refuses(
    mortal: None, tmp_path: Path, monkeypatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with distributed.LocalCluster(
        n_workers=2, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address=":0"
    ) as cluster:
        where = backend(f"dask:address={cluster.scheduler_address}")
        assert where.device("auto") == "cpu"
        results = done(where, runs_of(), tmp_path / "a")
        assert len(values(results)) == 3
        other = replace(runs_of()[0], versions={"torch": "0.1"})
        with pytest.raises(UnfitWorker, match="same environment"):
            done(where, [other], tmp_path / "b")
    with marked(Store(tmp_path / "c")) as mark:
        assert perform(mark, "cpu", False, runs_of()[0]).result.status == "done"
    with pytest.raises(UnfitWorker, match="file system that all machines share"):
        perform(mark, "cpu", False, runs_of()[0])


def test_a_run_that_kills_two_workers_is_failed() -> None:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    from transportkit.harness.executors.dask_workers import _outcome

    class Killed:
        def result(self) -> None:
            raise distributed.KilledWorker("task", None, 1)

    class Odd:
        def result(self) -> None:
            raise ModuleNotFoundError("No module named 'transportkit'")

    run = runs_of("cost")[0]
    assert _outcome(Killed(), run).result.status == "failed"
    with pytest.raises(TransportkitError, match="same environment on all machines"):
        _outcome(Odd(), run)


@pytest.mark.parametrize(
    ("text", "jobs", "said"),
    [
        ("slrm", 1, "did you mean 'slurm'"),
        ("local", 2, "one run at a time"),
        ("local:x=1", 1, "no parameters"),
        ("processes", 0, "at least 1"),
        ("dask:adress=x", 1, "did you mean 'address'"),
        ("slurm:cluster=moon", 1, "slurm|local"),
    ],
)
def test_what_is_not_understood(text: str, jobs: int, said: str) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    pytest.importorskip("submitit", reason="submitit is not installed")
    with pytest.raises(UsageError, match=said.replace("|", r"\|")):
        backend(text, jobs)


def test_a_scheduler_that_is_not_there(tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    monkeypatch.setattr("transportkit.harness.executors.dask_workers.PATIENCE", 0.2)
    with pytest.raises(UsageError, match="no dask scheduler answers"):
        done(backend("dask:address=127.0.0.1:1"), runs_of("cost"), tmp_path)
