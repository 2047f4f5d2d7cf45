"""Files of points: read and written by suffix, checked, and never unpickled.

    npy, npz, npz#key        numpy arrays, allow_pickle=False
    csv, tsv, txt            tables, with or without a line of names
    parquet                  tables, where pyarrow is installed
    pt, pth, pt#key          tensors, weights_only=True
    safetensors, ...#key     tensors

``#key`` chooses one of several arrays in a file. Raises DataError with one line for the user.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..core.writing import check_place, replacing
from ..errors import DataError
from .formats import KEYED, NAMES, READERS, TABLES, WRITERS

LARGEST = 1e15
"""Values up to which sums of many squares are numbers of single precision."""
SMALLEST = 1e-15
"""Distances from which on their squares, and parts of these, are."""


def read_points(path: str | os.PathLike[str]) -> Tensor:
    """The points in a file, (N, *E), float32, all finite. Raises DataError."""
    file, key = _locate(path)
    suffix = _suffix(file)
    if not os.path.exists(file):
        raise DataError(
            f"there is no file '{file}'; check the name, or give the whole path of a file of points"
        )
    if file.is_dir():
        raise DataError(f"'{file}' is a folder; name a file of points in it")
    if file.stat().st_size == 0:
        raise DataError(f"'{file}' is empty")
    if key is not None and suffix not in KEYED:
        raise DataError(f"'{path}': a {suffix} file holds one array, so leave out '#{key}'")
    try:
        array = _chosen(READERS[suffix](file), key, file)
    except DataError:
        raise
    except Exception as error:
        # Parsers of foreign bytes raise whatever they stumble over: IndexError, struct.error, ...
        raise _unreadable(file, suffix, error) from error
    return _checked(array, str(path))


def column_names(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """The names of the columns in a file of points that can be read; empty where it has none."""
    file, _ = _locate(path)
    read = NAMES.get(_suffix(file))
    return read(file) if read else ()


def check_order(path: str | os.PathLike[str], other: str | os.PathLike[str]) -> None:
    """Raise DataError for tables that have the same columns in two orders: points go by place."""
    names, others = column_names(path), column_names(other)
    if names != others and sorted(names) == sorted(others):
        raise DataError(
            f"the columns of '{os.fspath(path)}' are {','.join(names)} and those of "
            f"'{os.fspath(other)}' {','.join(others)}; write both in one order"
        )


def write_points(path: str | os.PathLike[str], points: Tensor, names: Sequence[str] = ()) -> None:
    """Write points (N, *E) to a file of the format its suffix names, whole or not at all.

    A table has `names` over its columns where there is one for each.

    Raises DataError where the format does not exist or cannot hold them, and Unwritten where the
    place cannot be written.
    """
    file, key = _locate(path)
    suffix = _suffix(file)
    points = points.detach().cpu().contiguous()
    if suffix in TABLES and points.ndim != 2:
        raise DataError(
            f"'{file}': a {suffix} file holds a table, not points of shape "
            f"{tuple(points.shape[1:])}; write npy, npz, pt or safetensors"
        )
    with replacing(file) as part:
        WRITERS[suffix](part, points, key or "points", names)


def check_output(
    path: str | os.PathLike[str],
    inputs: Mapping[str, Sequence[str | os.PathLike[str]]] | None = None,
) -> None:
    """Raise UsageError where `write_points` could not write this file, before the work is done.

    Or where it would replace one of the files `inputs`, by what they hold.
    """
    file, _ = _locate(path)
    for what, names in (inputs or {}).items() if os.path.exists(file) else ():
        for name in names:
            origin, _ = _locate(name)
            if os.path.exists(origin) and file.samefile(origin):
                raise DataError(f"'{file}' holds {what}; name another file")
    _suffix(file)
    check_place(file)


def _locate(path: str | os.PathLike[str]) -> tuple[Path, str | None]:
    """``file#key`` as the file and the key; a file whose own name has a # is found as it is."""
    text = os.path.expanduser(os.fspath(path))
    name, hash_sign, key = text.rpartition("#")
    if not hash_sign or os.path.exists(text):
        return Path(text), None
    return Path(name), key


def _suffix(file: Path) -> str:
    suffix = file.suffix.lower().removeprefix(".")
    if suffix not in READERS:
        known = ", ".join(READERS)
        what = f"'.{suffix}'" if suffix else "no suffix"
        raise DataError(f"'{file}' has {what}; files of points end in one of {known}")
    return suffix


def _unreadable(file: Path, suffix: str, error: Exception) -> DataError:
    text = str(error)
    if isinstance(error, PermissionError):
        return DataError(f"'{file}' may not be read: permission denied")
    if isinstance(error, MemoryError):
        return DataError(f"'{file}' does not fit in memory, or is damaged")
    pickled = isinstance(error, pickle.UnpicklingError) or "pickle" in text or "Object arr" in text
    if pickled and "allow_pickle" in text:
        return DataError(
            f"'{file}' holds pickled objects, which are never loaded; save a plain array of numbers"
        )
    if pickled and "weights" in text.lower():
        return DataError(
            f"'{file}' holds pickled objects other than tensors, which are never loaded; "
            "save one tensor with torch.save"
        )
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    # Whole words, so that it is seen that something was left out.
    said = shorten(first, 200, placeholder=" ...")
    return DataError(f"'{file}' is damaged or is not a {suffix} file ({said})")


def _chosen(found: Any, key: str | None, file: Path) -> Any:
    """The array itself, or the one that `key` names among several."""
    if not isinstance(found, Mapping):
        if key is not None:
            raise DataError(f"'{file}' holds one array without a name; leave out '#{key}'")
        return found
    names = ", ".join(map(str, found))
    if not found:
        raise DataError(f"'{file}' holds no array")
    if key is None:
        if len(found) > 1:
            raise DataError(
                f"'{file}' holds several arrays; name one, as in '{file}#{next(iter(found))}' "
                f"(there are {names})"
            )
        key = next(iter(found))
    if key not in found:
        raise DataError(f"'{file}' holds no array '{key}'; there are {names}")
    return found[key]


def _checked(array: Any, path: str) -> Tensor:
    """An array as points (N, *E) in float32."""
    if isinstance(array, Tensor):
        if array.layout != torch.strided or array.is_quantized:
            raise DataError(f"'{path}' holds a sparse or quantised tensor; save a dense one")
        if array.dtype == torch.bfloat16:
            array = array.float()
        array = array.detach().numpy()
    if not isinstance(array, np.ndarray):
        raise DataError(f"'{path}' holds {type(array).__name__}, not one array of numbers")
    if array.dtype.kind not in "fiub":
        kind = {"c": "complex numbers", "U": "text", "S": "text", "V": "records"}
        raise DataError(
            f"'{path}' holds {kind.get(array.dtype.kind, str(array.dtype))}; points must be real "
            "numbers"
        )
    if array.ndim == 0:
        raise DataError(f"'{path}' holds a single number; points have shape (N, D)")
    if array.ndim == 1:
        raise DataError(
            f"'{path}' has shape {array.shape}; points have shape (N, D): {in_rows(len(array))}"
        )
    if array.size == 0:
        raise DataError(f"'{path}' has shape {array.shape} and so holds no points")
    finite = np.isfinite(array).reshape(len(array), -1).all(1)
    if not finite.all():
        raise DataError(
            f"'{path}': {int((~finite).sum())} of {len(array)} rows have NaN or infinite values, "
            f"the first is row {int(np.argmin(finite)) + 1}; remove or fill them"
        )
    with np.errstate(over="ignore"):
        points = np.array(array, dtype=np.float32, order="C")
    if np.isinf(points).any():
        limit = np.finfo(np.float32).max
        raise DataError(f"'{path}' has values beyond {limit:.2g}, the range of single precision")
    if array.any() and not points.any():
        raise DataError(f"'{path}' has values that are 0 in single precision; multiply them")
    return torch.from_numpy(points)


def in_rows(count: int) -> str:
    """What makes an array of one axis points."""
    return f"reshape to (-1, 1) for {count} points on a line, to (1, -1) for one point"


def check_spread(points: Tensor, owner: str, way: str = "multiply by a number that leaves") -> None:
    """Raise DataError where points (N, *E) lie so near each other that float32 holds no squares of
    their distances. Points that are all the same have the distance 0, which it does hold. `way`
    says how to change that."""
    spread = float((points.amax(0) - points.amin(0)).max())
    if 0 < spread < SMALLEST:
        raise DataError(
            f"{owner} has values that differ by {spread:.2g} at most, whose squares are below "
            f"single precision; {way} at least {SMALLEST:.0e}"
        )


def check_range(points: Tensor, owner: str, way: str = "divide by a number that leaves") -> None:
    """Raise DataError where points (N, *E) are too large for float32 to hold their squares.
    `way` says how to change that."""
    largest = float(points.abs().max())
    if largest > LARGEST:
        raise DataError(
            f"{owner} has values of up to {largest:.2g}, whose squares are beyond single "
            f"precision; {way} at most {LARGEST:.0e}"
        )
