"""What a run leaves in its folder: model and fit, result, samples, picture."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.metric import Evidence
from ..core.model import Field
from ..core.random import derive
from ..core.record import Result
from ..core.trainer import Fit
from ..errors import in_words, is_full
from ..report.images import is_image
from ..report.picture import draw_images, draw_run
from ..report.tracks import courses
from ..transport import Moved, Transport
from .results import write_result
from .store import Store
from .whole import SAMPLES

log = logging.getLogger("transportkit")
PICTURE, LINES = "picture.png", "lines.npz"
DRAWN_LINES, DRAWN_STATES = 150, 60


@dataclass(frozen=True)
class Finished:
    """A finished run with everything that its folder is made of."""

    result: Result
    fit: Fit
    transport: Transport
    evidence: Evidence
    moved: Moved


def leave(store: Store, finished: Finished) -> None:
    """Write the run's folder. Raises Unwritten."""
    result, evidence, moved = finished.result, finished.evidence, finished.moved
    with store.writing(store.place(result.run)) as folder:
        store.put_fit(result.run, finished.fit, folder)
        np.savez_compressed(
            folder / SAMPLES,
            source=evidence.start.cpu().numpy(),
            moved=moved.points.cpu().numpy(),
            target=evidence.target.cpu().numpy(),
            stop=moved.stop.cpu().numpy(),
            evaluations=moved.evaluations.cpu().numpy(),
        )
        write_result(folder, result)
        picture = folder / PICTURE
        try:
            draw_own(picture, folder / LINES, result, finished.transport, evidence, moved)
        except Exception as error:
            # The numbers are worth more than their picture, and half a picture is worth nothing.
            picture.unlink(missing_ok=True)
            log.warning(
                "the picture of %s could not be drawn: %s; %stk plot %s --what picture draws it",
                result.run,
                in_words(error),
                "free some space, then " if is_full(error) else "",
                result.folder,
            )


def draw_own(
    picture: Path,
    kept: Path | None,
    result: Result,
    transport: Transport,
    evidence: Evidence,
    moved: Moved,
) -> None:
    """Images as a grid; in the plane points with lines. What is of neither has no picture.

    Lines are `kept` for reports where a file is named.
    """
    if is_image(result.event_shape):
        draw_images(picture, result, evidence)
    if result.event_shape != (2,):
        return
    few = evidence.start[:DRAWN_LINES]
    save = DRAWN_STATES if isinstance(transport.model, Field) else 0
    generator = derive(result.run.seed, "picture", device=few.device)
    lines = transport.push(few, generator, save=save)
    if kept is not None:
        tracks = courses(few, lines, transport.model).cpu().numpy().astype(np.float32)
        np.savez_compressed(kept, tracks=tracks)
    draw_run(picture, result, evidence, moved, few, lines, transport.model)
