"""The store: a folder of run folders, each written whole or not at all.

A run's folder is made under a temporary name beside its place and renamed into it, so that what
is found there is complete whatever stopped the process. A fit is kept as soon as it is done and
shared by the runs that push it differently.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from ..core.parsing import parsed
from ..core.record import Result, Run, Status
from ..errors import DataError, PluginError, Unwritten, UsageError, unwritable
from .atomic import clear_halves, clear_leftovers, filling
from .index import WORTH, Index
from .results import RESULT, read_result
from .said import by_name
from .signing import signed, unsigned
from .whole import SAMPLES, model_is_whole, samples_are_whole

if TYPE_CHECKING:
    import numpy as np

    from ..core.trainer import Fit

log = logging.getLogger("transportkit")

FINISHED = ("done", "refused")
FIT = "fit.json"
FITS, FLOORS = "fits", "floors"
CHECKPOINT = ".checkpoint"
FEW = 20
"""Runs that are read when they are looked for; with more it is worth to read an index."""
_NO_ARCHIVE = (zipfile.BadZipFile, zlib.error)


class Store:
    """Results under one folder. Raises UsageError where there is none and none can be made.

    A folder that cannot be written serves those whose runs are finished there; for others see
    `check_writable`. What processes that died left half written is removed. With `reads` the store
    is for looking alone: the folder need not be there, may be read-only, and stays as it is.
    """

    def __init__(self, folder: Path, *, reads: bool = False) -> None:
        self.folder, self._asked = folder, 0
        self.refusal = ""
        """Why nothing can be written here; empty where it can."""
        if reads:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            self.refusal = unwritable(folder, error)
            if not os.path.isdir(folder):
                self.check_writable()
            return
        clear_leftovers(folder)
        clear_halves(folder / FITS, CHECKPOINT)

    def check_writable(self) -> None:
        """Raise UsageError where nothing can be written, before there is work to lose."""
        if self.refusal:
            raise UsageError(self.refusal)

    def place(self, run: Run, status: Status = "done") -> Path:
        """Where the run's folder is or will be; one that failed stands beside the finished."""
        name = _name(run)
        return self.folder / (name if status in FINISHED else f"{name}.failed")

    def find(self, run: Run) -> Result | None:
        """The finished result of an equal run, if there is one and its folder is whole."""
        self._asked += 1
        if self._asked <= FEW:
            return finished(self.place(run), run)
        return self._index.find(_name(run), run)

    @cached_property
    def _index(self) -> Index:
        return Index(self.folder, finished)

    def remember(self, runs: Sequence[Run]) -> None:
        """Have the finished among these runs in the index, where they are many."""
        if self.refusal or len(runs) < WORTH:
            return
        for run in runs:
            if (name := _name(run)) not in self._index.current:
                self._index.find(name, run)
        self._index.keep()

    @contextmanager
    def writing(self, place: Path) -> Iterator[Path]:
        """A folder to fill; it takes its place when the block ends, and vanishes if it fails.

        Raises Unwritten where the disk is full or the folder cannot be written any more.
        """
        try:
            with filling(place, self.folder) as partial:
                yield partial
        except (OSError, SafetensorError) as error:
            raise Unwritten(unwritable(place, error)) from error

    def _fit_place(self, run: Run) -> Path:
        return self.folder / FITS / _file_name(f"{run.method}-{run.fit_key()}")

    def checkpoint(self, run: Run) -> Path:
        """The file in which an unfinished fit of this run is kept."""
        return self._fit_place(run).with_name(f"{self._fit_place(run).name}{CHECKPOINT}")

    def keep_fit(self, run: Run, fit: Fit) -> None:
        """Store a fit, and drop the checkpoint that led to it."""
        with self.writing(self._fit_place(run)) as partial:
            (self.folder / FITS).mkdir(exist_ok=True)
            save_fit(partial, run, fit)
        self.checkpoint(run).unlink(missing_ok=True)

    def has_fit(self, run: Run) -> bool:
        """Whether the run's training is done and kept."""
        return (self._fit_place(run) / FIT).exists()

    def find_fit(self, run: Run, device: str) -> Fit | None:
        """The stored fit of this run's training, if there is one that can be read."""
        from ..core.trainer import Fit
        from .saving import load_model

        place = self._fit_place(run)
        try:
            record = unsigned(by_name(parsed((place / FIT).read_text()), "it"))
            history = _history(record)
            _, model = load_model(place, device)
            alone = bool(record.get("alone", True))
            return Fit(model, history, int(record["steps"]), float(record["seconds"]), alone)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, DataError, PluginError):
            log.warning("the fit in %s is damaged or not whole; it is done again", place)
            return None

    def put_fit(self, run: Run, fit: Fit, folder: Path) -> None:
        """Put the fit into a run's folder, without a second copy where links work."""
        kept = self._fit_place(run)
        if not kept.is_dir():
            save_fit(folder, run, fit)
            return
        for file in kept.iterdir():
            try:
                os.link(file, folder / file.name)
            except OSError:
                shutil.copyfile(file, folder / file.name)

    def results(self) -> Iterator[Result]:
        """Every result in the store that can be read."""
        for place in run_folders(self.folder):
            try:
                yield read_result(place)
            except DataError:
                continue


def finished(place: str | os.PathLike[str], run: Run) -> Result | None:
    """The result in the folder of a run, if it is finished and whole."""
    try:
        # The folder's name holds the key of the run, so that the run need not be read again.
        result = read_result(place, run)
    except DataError:
        return None
    if result.status == "done":
        return result if model_is_whole(place) and samples_are_whole(place) else None
    return result if result.status in FINISHED else None


def run_folders(folder: Path) -> list[Path]:
    """The folders of runs in a store's folder by name, without those that are being filled."""
    found = [file.parent for file in folder.glob(f"*/{RESULT}")]
    return sorted(place for place in found if not place.name.startswith("."))


def folders_without_result(folder: Path) -> list[Path]:
    """Folders in a store's folder that hold the points of a run and nothing to say of it."""
    found = [file.parent for file in folder.glob(f"*/{SAMPLES}")]
    lost = [place for place in found if not (place / RESULT).exists()]
    return sorted(place for place in lost if not place.name.startswith("."))


def _name(run: Run) -> str:
    """The name of a run's folder, which its key is a part of."""
    return _file_name(f"{run.method}-{run.problem}-seed{run.seed}-{run.key()}")


def _file_name(text: str) -> str:
    """The name of a file or folder. Names of plugins are other people's, and may hold a slash."""
    return text.replace(os.sep, "_")


def save_fit(folder: Path, run: Run, fit: Fit) -> None:
    """Write a fit: its model and fit.json."""
    from .saving import save_model

    save_model(folder, run.method, fit.model)
    history = [(step, loss) for step, loss in fit.history if math.isfinite(loss)]
    record = {
        "history": history,
        "steps": fit.steps,
        "seconds": fit.seconds,
        "alone": fit.alone,
    }
    (folder / FIT).write_text(json.dumps(signed(record), allow_nan=False) + "\n")


def read_losses(folder: Path) -> tuple[tuple[int, float], ...]:
    """Steps of the training of a run with their losses. Raises DataError if they cannot be read."""
    file = folder / FIT
    try:
        return _history(unsigned(by_name(parsed(file.read_bytes()), "it")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"'{file}' is damaged or missing: {error}") from None


def _history(fit: Mapping[str, Any]) -> tuple[tuple[int, float], ...]:
    return tuple((int(step), float(loss)) for step, loss in fit["history"])


def read_samples(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    """The points that a run was judged on, ``source``, ``moved`` and ``target`` among them.

    Raises DataError where they cannot be read.
    """
    import numpy as np

    file = folder / SAMPLES
    try:
        with np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in ("source", "moved", "target", *stored)}
    except (OSError, ValueError, TypeError, KeyError, EOFError, *_NO_ARCHIVE) as error:
        raise DataError(f"'{file}' is damaged or missing: {error}") from None
