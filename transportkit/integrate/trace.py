"""The states of lines as they were followed, and the same lines at equal parts of their length."""

from __future__ import annotations

import torch
from torch import Tensor


class Trace:
    """What each of many lines passed, in order, with the arc length at which it did."""

    def __init__(self, start: Tensor) -> None:
        """Lines that begin at the states start (B, *S)."""
        self.start = start
        rows = torch.arange(len(start), device=start.device)
        self.seen = [(rows, torch.zeros_like(start[:, -1]), start)]

    def add(self, rows: Tensor, length: Tensor, y: Tensor) -> None:
        """The states y of some of the lines, no shorter along the line than the last."""
        self.seen.append((rows, length, y))

    def resampled(self, count: int, length: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        """`count` arc lengths (count, B) and states of lines of length (B,) that stopped at end.

        They stand at equal parts of each line's own length, linear between the steps that were
        taken; the first is the start and the last the end, to the bit.
        """
        rows = torch.cat([r for r, _, _ in self.seen])
        lengths = torch.cat([s for _, s, _ in self.seen])
        states = torch.cat([y for _, _, y in self.seen])
        parts = torch.linspace(0, 1, count, dtype=lengths.dtype, device=rows.device)
        times = parts[:, None] * length
        path = end.expand(count, *end.shape).clone()
        order = torch.argsort(rows, stable=True)
        counts = torch.bincount(rows, minlength=len(end)).tolist()
        for line, own in enumerate(torch.split(order, counts)):
            s, y, t = lengths[own].contiguous(), states[own], times[1:-1, line].contiguous()
            if len(s) < 2:
                continue
            right = torch.searchsorted(s, t).clamp(1, len(s) - 1)
            gap = (s[right] - s[right - 1]).clamp_min(torch.finfo(s.dtype).tiny)
            part = ((t - s[right - 1]) / gap).clamp(0, 1)[:, None]
            path[1:-1, line] = torch.lerp(y[right - 1], y[right], part)
        path[0] = self.start
        return times, path
