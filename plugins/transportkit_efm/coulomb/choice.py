"""Which way computes a field: by dimension, device, work, and what is compiled already."""

from __future__ import annotations

from typing import Literal, cast, get_args

from torch import Tensor

Way = Literal["unrolled", "tiled", "differences", "products"]
Accuracy = Literal["fast", "accurate"]


def choose(points: Tensor, charges: Tensor, *, method: str = "auto", accuracy: str = "fast") -> Way:
    """The name of the way in which `coulomb_field` would compute this field now.

    Raises ValueError for an unknown method or accuracy.
    """
    if accuracy not in get_args(Accuracy):
        raise ValueError(f"accuracy {accuracy!r} is unknown; expected 'fast' or 'accurate'")
    if method == "auto":
        return "differences"
    if method not in get_args(Way):
        raise ValueError(
            f"method {method!r} is unknown; expected 'auto' or one of {', '.join(get_args(Way))}"
        )
    return cast(Way, method)
