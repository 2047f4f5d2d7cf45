"""What is shown as an image, and which range of values its greys or colours stand for."""

from __future__ import annotations

from typing import Any


def is_image(shape: tuple[int, ...] | None) -> bool:
    """Whether points of this shape are images: channels (1 or 3), height and width."""
    return shape is not None and len(shape) == 3 and shape[0] in (1, 3) and min(shape[1:]) > 1


def pixel_range(target: Any) -> tuple[float, float]:
    """The lowest value of the target's pixels, and how far it is from there to the highest.

    `target` is a tensor or an array. All images of a run are shown on it, whether their pixels are
    in [0, 1] or [-1, 1]; the width is 1 where all pixels are equal.
    """
    low, high = float(target.min()), float(target.max())
    return low, high - low or 1.0
