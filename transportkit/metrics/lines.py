"""Points moved again, along the model's lines, for metrics that ask for more than their ends."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Generator, Tensor

from ..core.integrator import Integrator, Solution
from ..core.metric import Evidence
from ..core.model import Field, Map
from ..errors import Refusal

_BATCH = 4096


def pushed(evidence: Evidence, x: Tensor, generator: Generator, *, reverse: bool = False) -> Tensor:
    """The points x (B, *E) moved by the model, with draws of their own where it is random; with
    `reverse`, points of Q carried to P.

    Raises Refusal where there is no model at hand, or none that goes back.
    """
    parts, given = [], _in_precision(evidence, x)
    if reverse and evidence.model is not None:
        evidence = replace(evidence, model=evidence.model.reverse())
    with torch.no_grad():
        for part in given.split(_BATCH):
            if isinstance(evidence.model, Map):
                parts.append(evidence.model(part, generator))
            else:
                field, integrator = followed(evidence)
                parts.append(field.drop(integrator.solve(field, part, generator).end))
    return torch.cat(parts).to(x)


def at_share(evidence: Evidence, x: Tensor, share: float, generator: Generator) -> Tensor:
    """The lines from x (B, *E) at this share of the time of the span, as data points (B, *E).

    Linear between the states that the integrator keeps. Raises Refusal where the model has no
    lines.
    """
    field, integrator = followed(evidence)
    # Of so many states one stands at the share itself, for the usual shares.
    saved = next(k for k in range(2, 102) if abs(share * k - round(share * k)) < 1e-9 or k == 101)
    parts = []
    with torch.no_grad():
        for part in _in_precision(evidence, x).split(_BATCH):
            solution = integrator.solve(field, part, generator, save=saved + 1)
            parts.append(field.along(_state(solution, share)))
    return torch.cat(parts).to(x)


def followed(evidence: Evidence) -> tuple[Field, Integrator]:
    """The model and its integrator. Raises Refusal where there are none."""
    if not isinstance(evidence.model, Field) or evidence.integrator is None:
        raise Refusal("this model has no lines")
    return evidence.model, evidence.integrator


def _state(solution: Solution, share: float) -> Tensor:
    """The states (B, *S) at this share of the time between the first and the last that was kept."""
    times, path = solution.times, solution.path
    assert times is not None
    assert path is not None
    parts = (times - times[0]) / (times[-1] - times[0]).where(times[-1] != times[0], 1)
    # Lines that stopped early are kept where they stopped; their last times may be equal.
    right = (parts < share).sum(0).clamp(1, len(parts) - 1)
    line = torch.arange(parts.shape[1], device=parts.device)
    low, high = parts[right - 1, line], parts[right, line]
    weight = ((share - low) / (high - low).where(high > low, 1)).clamp(0, 1)
    column = (-1, *[1] * (path.ndim - 2))
    return torch.lerp(path[right - 1, line], path[right, line], weight.view(column).to(path.dtype))


def _in_precision(evidence: Evidence, x: Tensor) -> Tensor:
    """x on the device and in the precision of the model. Raises Refusal where there is none."""
    if evidence.model is None:
        raise Refusal("the model is not at hand")
    for tensor in (*evidence.model.parameters(), *evidence.model.buffers()):
        if tensor.is_floating_point():
            return x.to(tensor)
    return x
