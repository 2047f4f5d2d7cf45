"""The store: a folder of run folders, each written whole or not at all.

A run's folder is made under a temporary name beside its place and renamed into it, so that what
is found there is complete whatever stopped the process. A fit is kept as soon as it is done and
shared by the runs that push it differently.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..core.record import Budget, Choice, Result, Run, Status, Value
from ..core.trainer import Fit
from ..errors import DataError, TransportkitError, UsageError
from .saving import load_model, save_model

FINISHED = ("done", "refused")


class Store:
    """Results under one folder. Raises UsageError where the folder cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(
                f"results cannot be written to '{folder}': {reason}; choose another --out"
            ) from None

    def place(self, run: Run, status: Status = "done") -> Path:
        """Where the run's folder is or will be; one that failed stands beside the finished."""
        name = f"{run.method}-{run.problem}-seed{run.seed}-{run.key()}".replace(os.sep, "_")
        return self.folder / (name if status in FINISHED else f"{name}.failed")

    def find(self, run: Run) -> Result | None:
        """The finished result of an equal run, if there is one."""
        try:
            result = read_result(self.place(run))
        except DataError:
            return None
        return result if result.status in FINISHED else None

    @contextmanager
    def writing(self, place: Path) -> Iterator[Path]:
        """A folder to fill; it takes its place when the block ends, and vanishes if it fails."""
        try:
            partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=self.folder))
            try:
                yield partial
                _sync(partial)
                _replace(partial, place)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        except OSError as error:
            raise TransportkitError(
                f"'{place}' could not be written: {error.strerror or error}; free some space or "
                "choose another --out"
            ) from error

    def _fit_place(self, run: Run) -> Path:
        return self.folder / "fits" / f"{run.method}-{run.fit_key()}"

    def checkpoint(self, run: Run) -> Path:
        """The file in which an unfinished fit of this run is kept."""
        return self.folder / "fits" / f"{run.method}-{run.fit_key()}.checkpoint"

    def keep_fit(self, run: Run, fit: Fit) -> None:
        """Store a fit, and drop the checkpoint that led to it."""
        (self.folder / "fits").mkdir(exist_ok=True)
        with self.writing(self._fit_place(run)) as partial:
            save_model(partial, run.method, fit.model)
            record = {"history": fit.history, "steps": fit.steps, "seconds": fit.seconds}
            (partial / "fit.json").write_text(json.dumps(record) + "\n")
        self.checkpoint(run).unlink(missing_ok=True)

    def has_fit(self, run: Run) -> bool:
        """Whether the run's training is done and kept."""
        return (self._fit_place(run) / "fit.json").exists()

    def find_fit(self, run: Run, device: str) -> Fit | None:
        """The stored fit of this run's training, if there is one."""
        place = self._fit_place(run)
        try:
            record = json.loads((place / "fit.json").read_text())
            _, model = load_model(place, device)
        except (OSError, ValueError, DataError):
            return None
        history = tuple((step, loss) for step, loss in record["history"])
        return Fit(model, history, record["steps"], record["seconds"])

    def link_model(self, run: Run, folder: Path) -> None:
        """Put the stored model into a run's folder, without a second copy where links work."""
        for file in self._fit_place(run).iterdir():
            try:
                os.link(file, folder / file.name)
            except OSError:
                shutil.copyfile(file, folder / file.name)

    def results(self) -> Iterator[Result]:
        """Every result in the store that can be read."""
        for place in sorted(self.folder.glob("*/result.json")):
            try:
                yield read_result(place.parent)
            except DataError:
                continue


def write_result(folder: Path, result: Result) -> None:
    """Write result.json."""
    text = json.dumps(asdict(result), indent=2, allow_nan=False)
    (folder / "result.json").write_text(text + "\n")


def read_result(folder: Path) -> Result:
    """The result in a run's folder. Raises DataError where there is none that can be read."""
    file = folder / "result.json"
    try:
        content = json.loads(file.read_text())
        run = _run(content["run"])
        metrics = {name: Value(**value) for name, value in content["metrics"].items()}
        shape = content["event_shape"]
        known = {
            "run": run,
            "metrics": metrics,
            "event_shape": None if shape is None else tuple(shape),
            "folder": str(folder),
        }
        return Result(**{**content, **known})
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"'{folder}' is not the folder of a run: it has no result.json") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"'{file}' cannot be read as a result: {error}") from None


def _run(content: Mapping[str, Any]) -> Run:
    integrator = content["integrator"]
    return Run(
        **{
            **content,
            "method": Choice(**content["method"]),
            "problem": Choice(**content["problem"]),
            "budget": Budget(**content["budget"]),
            "integrator": Choice(**integrator) if integrator else None,
            "metrics": tuple(Choice(**metric) for metric in content["metrics"]),
        }
    )


def _sync(folder: Path) -> None:
    """Have everything in `folder` on the disk before it is renamed into place."""
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _replace(partial: Path, place: Path) -> None:
    """Rename `partial` to `place`; an older folder there makes way first."""
    try:
        os.rename(partial, place)
    except OSError:
        if not place.exists():
            raise
        old = Path(tempfile.mkdtemp(prefix=".replaced-", dir=partial.parent))
        os.rename(place, old / "run")
        os.rename(partial, place)
        shutil.rmtree(old, ignore_errors=True)
