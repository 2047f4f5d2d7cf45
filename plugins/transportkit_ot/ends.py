"""Batches of both ends of a problem."""

from __future__ import annotations

from typing import NamedTuple

from torch import Generator, Tensor

from transportkit import Problem

from .frame import Frame


class Ends(NamedTuple):
    """Independent draws x of P and y of Q (B, D), in a frame's units."""

    x: Tensor
    y: Tensor


def draw_ends(problem: Problem, frame: Frame, n: int, generator: Generator) -> Ends:
    """n draws of each side."""
    x = frame.from_source(problem.source.sample(n, generator))
    return Ends(x, frame.from_target(problem.target.sample(n, generator)))
