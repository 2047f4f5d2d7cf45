"""A run that was executed, and everything that its folder holds."""

from __future__ import annotations

import html
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import registry
from ..core.integrator import Integrator
from ..core.model import Map, Model
from ..core.record import Result, Run, Value
from ..errors import DataError, UsageError
from ..harness import device as devices
from ..harness.execute import integrator_of
from ..harness.leave import PICTURE
from ..harness.plan import evaluations, of_maps
from ..harness.reproduce import Reproduction
from ..harness.reproduce import reproduce as again
from ..harness.results import read_result
from ..harness.saving import load_model
from ..harness.store import read_losses, read_samples
from ..report.document import result_document
from ..report.figures import four, three
from ..report.flat import flat_cell
from ..report.remarks import remarks
from ..transport import Transport
from .drawing import draw
from .given import path
from .progress import watched
from .pushing import Points, Pushed, check_fitted, pushed
from .tables import table

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class RunRecord:
    """A run and what came of it: its figures, its model and its samples.

    `found` says that it was stored before and not computed now.
    """

    result: Result
    found: bool = False

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> RunRecord:
        """The run that a folder holds. Raises DataError where it holds none."""
        if not isinstance(folder, str | os.PathLike):
            raise UsageError(f"name the folder of a run, not {folder!r}")
        return cls(read_result(Path(folder).expanduser()), found=True)

    @property
    def run(self) -> Run:
        """What was asked."""
        return self.result.run

    @property
    def status(self) -> str:
        return self.result.status

    @property
    def metrics(self) -> Mapping[str, Value]:
        """Every metric's value, floor and ratio, by name."""
        return self.result.metrics

    @property
    def folder(self) -> Path:
        """Where the run is kept. Raises DataError where it could not be."""
        if self.result.folder is None:
            raise DataError("this run was not kept, so it has no folder")
        return Path(self.result.folder)

    @cached_property
    def samples(self) -> dict[str, np.ndarray]:
        """The points judged: ``source``, ``moved``, ``target``, ``stop`` and ``evaluations``.

        Raises DataError where they cannot be read.
        """
        return read_samples(self.folder)

    @cached_property
    def losses(self) -> tuple[tuple[int, float], ...]:
        """Steps of the training with their losses. Raises DataError where they cannot be read."""
        return read_losses(self.folder)

    def transport(
        self,
        *,
        integrator: str | None = None,
        nfe: int | None = None,
        device: str = "auto",
    ) -> Transport:
        """The trained model with its integrator, or with another, on a device.

        Raises UsageError where a map is given an integrator, DataError where no model is kept.
        """
        nfe = None if nfe is None else evaluations(nfe)
        check_fitted(self.result)
        _, model = load_model(self.folder, devices.resolve(device))
        return Transport(model, _integrator(self.run, model, integrator, nfe))

    def push(
        self,
        points: Points,
        *,
        reverse: bool = False,
        seed: int = 0,
        integrator: str | None = None,
        nfe: int | None = None,
        device: str = "auto",
        batch: int | None = None,
    ) -> Pushed:
        """Move points of P to Q, or with `reverse` points of Q to P.

        Warns of points far outside what the model was fitted to, and of those that did not arrive.
        Raises DataError for points of another shape than the model moves.
        """
        moved = pushed(
            self, points, reverse=reverse, seed=seed, integrator=integrator, nfe=nfe, device=device,
            batch=batch,
        )  # fmt: skip
        for text in moved.warnings:
            warnings.warn(text, stacklevel=2)
        return moved

    def reproduce(self, *, device: str | None = None, progress: bool | None = None) -> Reproduction:
        """Do the run again with the code at hand, in a temporary place: ``tk reproduce``.

        `device` is that of the run unless another is named.
        """
        with watched(progress) as bars:
            return again(self.folder, device, bars.listen)

    def plot(
        self,
        what: Literal["lines", "slice", "animation", "all", "picture"] = "all",
        *,
        lines: int = 200,
        output: str | os.PathLike[str] | None = None,
    ) -> list[Path]:
        """Draw a run in the plane and give the files of the pictures: ``tk plot``.

        They are kept in the run's folder, or in the folder `output`; ``picture`` is the one that
        the run leaves there itself, drawn again, of images and of a map's points as well. Raises
        Refusal for a map, which has no lines, DataError for points of another shape, and
        TransportkitError where a picture cannot be written.
        """
        place = path("output", output) if output is not None else None
        return list(draw(self.folder, what, lines, place))

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON data, as ``tk run --json`` prints it."""
        return result_document(self.result, self.found)

    def to_frame(self) -> pandas.DataFrame:
        """One row, a column for each metric and fact. Raises UsageError without pandas."""
        return frame([flat_cell(self.to_dict())])

    @property
    def _title(self) -> str:
        return f"{self.run}: {self.status}"

    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (name, four(v.value), three(v.floor), three(v.ratio))
            for name, v in self.metrics.items()
            if v.value is not None
        ]

    def __repr__(self) -> str:
        rows = [("metric", "value", "floor", "ratio"), *self._rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        shown = ["  ".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=True)) for row in rows]
        note = [self.result.message] if self.result.message else []
        note += [f"{name}: {text}" for name, text in remarks(self.result).items()]
        return "\n".join([self._title, *note, *(shown if len(rows) > 1 else [])])

    def _repr_html_(self) -> str:
        picture = ""
        if self.result.folder and (self.folder / PICTURE).exists():
            import base64

            code = base64.b64encode((self.folder / PICTURE).read_bytes()).decode()
            picture = f'<img src="data:image/png;base64,{code}" style="max-width:100%">'
        said = [self.result.message] if self.result.message else []
        said += [f"{name}: {text}" for name, text in remarks(self.result).items()]
        note = "".join(f"<p>{html.escape(text)}</p>" for text in said)
        shown = table(("metric", "value", "floor", "ratio"), self._rows(), self._title)
        return note + shown + picture


def frame(rows: list[dict[str, Any]]) -> pandas.DataFrame:
    """Rows as a pandas.DataFrame. Raises UsageError where pandas is not installed."""
    try:
        import pandas
    except ImportError:
        raise UsageError("to_frame needs pandas: pip install pandas; or take to_dict()") from None
    return pandas.DataFrame(rows)


def _integrator(run: Run, model: Model, typed: str | None, nfe: int | None) -> Integrator | None:
    """The integrator typed, or else the run's own with the run's own number of evaluations."""
    if isinstance(model, Map):
        if typed or nfe is not None:
            raise UsageError(of_maps([run.method.name]))
        return None
    choice = registry.parse_choice("integrator", typed) if typed else run.integrator
    wanted = nfe if typed or nfe is not None else run.nfe
    return integrator_of(replace(run, integrator=choice, nfe=wanted))
