"""Transport: a fitted model, with the integrator that follows its lines, moves points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from .core.integrator import Integrator, Solution
from .core.model import Field, Map, Model
from .core.status import Stop
from .errors import PluginError, Refusal


@dataclass(frozen=True)
class Moved:
    """Points (B, *E) where they came to; a `Stop` (B,) and the evaluations (B,) of each line.

    path (K, B, *S) and times (K, B): states of the lines in the field's lifted space, where they
    were asked for and the model is a field. A lost line's point is where it stopped. at_rim (B,)
    says which lines arrived beside all of the target and were put on its rim; None of a model that
    does no such thing.
    """

    points: Tensor
    stop: Tensor
    evaluations: Tensor
    times: Tensor | None = None
    path: Tensor | None = None
    at_rim: Tensor | None = None

    @property
    def rim(self) -> float | None:
        """The share of lines that were put on the rim of the target."""
        return None if self.at_rim is None else float(self.at_rim.double().mean())

    @property
    def finished(self) -> float:
        """The share of lines that arrived."""
        return self.stops[Stop.ARRIVED.label]

    @property
    def stops(self) -> dict[str, float]:
        """The share of lines with each status, by label."""
        return Solution(self.points, self.stop, self.evaluations).shares()


@dataclass(frozen=True)
class Transport:
    """A model with the integrator for its lines (None for a map)."""

    model: Model
    integrator: Integrator | None = None

    def __post_init__(self) -> None:
        if isinstance(self.model, Field) and self.integrator is None:
            raise Refusal("a field needs an integrator")
        if isinstance(self.model, Field) and self.integrator is not None:
            if reason := self.integrator.refuses(self.model.span):
                raise Refusal(reason)
        elif self.integrator is not None:
            raise Refusal("a map moves points directly and takes no integrator")

    @property
    def device(self) -> torch.device:
        """Where the model lives."""
        for tensor in (*self.model.parameters(), *self.model.buffers()):
            return tensor.device
        return torch.device("cpu")

    def push(
        self,
        x: Tensor,
        generator: Generator,
        *,
        batch: int = 4096,
        save: int = 0,
        reverse: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Moved:
        """Carry points x (B, *E) of P to Q; with `reverse`, points of Q to P.

        They are moved in the precision of the model and returned in their own. At most `batch`
        points are moved at once; `progress` is told how many are done. With `save` = K ≥ 2 the
        lines are kept. Raises Refusal where the model cannot be reversed.
        """
        model = self.model.reverse() if reverse else self.model
        if batch < 1:
            raise ValueError(f"a batch has at least 1 point, not {batch}")
        x = x.to(self.device)
        given = x.dtype
        parts, done = [], 0
        for chunk in torch.split(x.to(_precision(model) or given), batch):
            # A learned field asks for gradients wherever an integrator evaluates it on its own.
            with torch.no_grad():
                parts.append(self._push(model, chunk, generator, save))
            done += len(chunk)
            if progress:
                progress(done)
        moved = Moved(
            torch.cat([p.points for p in parts]).to(given),
            torch.cat([p.stop for p in parts]),
            torch.cat([p.evaluations for p in parts]),
            _join([p.times for p in parts]),
            _join([p.path for p in parts]),
            _join([p.at_rim for p in parts], 0),
        )
        # A finite state may be beyond all numbers in the units or the precision of the data.
        return _finite(moved, x)

    def _push(self, model: Model, x: Tensor, generator: Generator, save: int) -> Moved:
        if isinstance(model, Map):
            points = model(x, generator) if len(x) else x
            if points.shape != x.shape:
                raise PluginError(
                    f"the map carries points of shape {tuple(x.shape)} to {tuple(points.shape)}; "
                    "it must keep their shape"
                )
            stop = torch.full((len(x),), int(Stop.ARRIVED), dtype=torch.uint8, device=x.device)
            return Moved(points, stop, torch.ones_like(stop, dtype=torch.long))
        assert isinstance(model, Field)
        assert self.integrator is not None
        solution = self.integrator.solve(model, x, generator, save=save)
        points = model.drop(solution.end).to(x.dtype)
        spent = solution.evaluations + model.finishing
        rim = model.at_rim(solution.end)
        if rim is not None:
            rim = rim & (solution.stop == int(Stop.ARRIVED))
        return Moved(points, solution.stop, spent, solution.times, solution.path, rim)


def _finite(moved: Moved, x: Tensor) -> Moved:
    """The same, with what came to no finite point left where it was, at x (B, *E), and told."""
    finite = moved.points.flatten(1).isfinite().all(1)
    points = torch.where(finite.view(-1, *[1] * (x.ndim - 1)), moved.points, x)
    stop = torch.where(finite, moved.stop, int(Stop.NOT_FINITE)).to(moved.stop.dtype)
    rim = None if moved.at_rim is None else moved.at_rim & finite
    return replace(moved, points=points, stop=stop, at_rim=rim)


def _precision(model: Model) -> torch.dtype | None:
    """The precision of a model's weights, if it has any."""
    tensors = (*model.parameters(), *model.buffers())
    return next((t.dtype for t in tensors if t.is_floating_point()), None)


def _join(parts: list[Tensor | None], axis: int = 1) -> Tensor | None:
    tensors = [p for p in parts if p is not None]
    return torch.cat(tensors, axis) if tensors else None
