"""Pictures of a run of two-dimensional data: lines, a slice of the field, an animation."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch

from ..core.metric import Evidence
from ..core.model import Field, PlateField
from ..core.params import whole
from ..core.random import derive
from ..core.record import Result
from ..core.status import Stop
from ..core.writing import is_kept, replacing
from ..errors import DataError, Refusal, Unwritten, UsageError, in_words, unwritable
from ..harness.execute import integrator_of
from ..harness.leave import LINES, PICTURE, draw_own
from ..harness.results import read_result
from ..harness.saving import load_model
from ..harness.store import read_samples
from ..report.images import is_image
from ..report.scene import Scene, look
from ..transport import Moved, Transport

log = logging.getLogger("transportkit")
What: TypeAlias = Literal["lines", "slice", "animation", "all", "picture"]
FILES = {"lines": "lines.png", "slice": "slice.png", "animation": "animation.gif"}
PICTURES = {".png", ".gif", ".jpg", ".jpeg", ".svg", ".pdf"}


def draw(
    folder: Path, what: str = "all", lines: int = 200, output: Path | None = None
) -> Iterator[Path]:
    """Draw the run in a folder into `output`, or into its own; each picture's file once it is
    there.

    Raises DataError for points that this picture is not made of, Refusal for a map, which has no
    lines, UsageError for what cannot be drawn, and TransportkitError where it cannot be written.
    """
    lines = whole("lines", lines, 1)
    if what not in (*FILES, "all", "picture"):
        known = ", ".join(FILES)
        raise UsageError(f"there is no picture '{what}'; there are {known}, all and picture")
    if output and output.suffix.lower() in PICTURES and not output.is_dir():
        raise UsageError(
            f"pictures go to a folder, by names of their own; '{output}' names a picture"
        )
    result = read_result(folder)
    if output and is_kept(output) and not output.samefile(folder):
        raise UsageError(
            f"'{output}' is the folder of another run, with pictures of its own; name another "
            "folder"
        )
    if result.status != "done":
        raise DataError(f"'{folder}' is a run that was not done ({result.status})")
    if what == "picture":
        yield _draw_own(result, _made(output or folder) / PICTURE)
        return
    if result.event_shape != (2,):
        raise DataError(
            f"'{folder}' moves points of shape {result.event_shape}; only points of the plane, of "
            "shape (2,), are drawn"
        )
    samples = read_samples(folder)
    if (samples.get("stop", np.zeros(1)) == int(Stop.NOT_FINITE)).all():
        raise DataError(
            f"'{folder}' moves no point to a finite place, so there are no lines to draw; do the "
            "run again with a lower lr or another integrator"
        )
    _, model = load_model(folder)
    integrator = integrator_of(result.run)
    if not isinstance(model, Field) or integrator is None:
        raise Refusal(
            f"{result.run.method} moves points by a map, which has no lines to draw; its points "
            "are in picture.png"
        )
    plates = isinstance(model, PlateField)
    if what == "slice" and not plates:
        raise UsageError(
            f"{result.run.method} knows its lines and not the field beside them, so there is no "
            "slice of it; efm-exact and efm-plates have one"
        )
    wanted = list(FILES) if what == "all" else [what]
    place = _made(output or folder)
    generator = derive(result.run.seed, "plot")
    scene = look(str(result.run), model, integrator, samples, lines, generator)
    for kind in wanted:
        if kind != "slice" or plates:
            yield _draw(kind, place / FILES[kind], scene, model)


def complete(result: Result) -> None:
    """Draw the picture of a run that was found without one; what prevents it is a warning."""
    drawn = result.event_shape == (2,) or is_image(result.event_shape)
    if not drawn or result.status != "done" or result.folder is None:
        return
    picture = Path(result.folder) / PICTURE
    if picture.exists():
        return
    try:
        _draw_own(result, picture)
    except Unwritten as error:
        log.warning("%s", error)
    except Exception as error:
        # It found its figures, which are what was asked for.
        log.warning("'%s' could not be drawn: %s", picture, in_words(error))


def _made(place: Path) -> Path:
    """A folder for pictures. Raises UsageError where it cannot be one."""
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(unwritable(place, error)) from None
    return place


def _draw_own(result: Result, path: Path) -> Path:
    """The picture that a run leaves, from its folder; its lines as well, if they are gone."""
    if result.event_shape != (2,) and not is_image(result.event_shape):
        raise DataError(
            f"'{result.folder}' moves points of shape {result.event_shape}; only points of the "
            "plane and images have a picture"
        )
    folder = Path(result.folder or "")
    stored = {name: torch.from_numpy(array) for name, array in read_samples(folder).items()}
    _, model = load_model(folder)
    evidence = Evidence(stored["source"], stored["moved"], stored["target"])
    moved = Moved(stored["moved"], stored["stop"], stored["evaluations"])
    transport = Transport(model, integrator_of(result.run))
    missing = result.event_shape == (2,) and not (folder / LINES).exists()
    with replacing(folder / LINES) if missing else nullcontext() as lines, replacing(path) as part:
        draw_own(part, lines, result, transport, evidence, moved)
    return path


def _draw(kind: str, path: Path, scene: Scene, field: Field) -> Path:
    """Write a picture whole or not at all; an older one stays until then."""
    from ..report.animation import draw_animation
    from ..report.section import draw_section
    from ..report.space import draw_space

    with replacing(path) as partial:
        if kind == "lines":
            draw_space(partial, scene)
        elif kind == "animation":
            draw_animation(partial, scene)
        else:
            assert isinstance(field, PlateField)
            draw_section(partial, scene, field)
    return path
