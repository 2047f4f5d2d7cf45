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

from torch import Tensor

from ..core.writing import check_place, is_device, replacing
from ..errors import DataError, UsageError
from .checks import checked
from .formats import KEYED, NAMES, READERS, TABLES, WRITERS


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
    return checked(array, f"'{path}'")


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
    replace: bool = True,
    how: str = "",
) -> None:
    """Raise UsageError where `write_points` could not write this file, before the work is done.

    Or where it would replace one of the files `inputs`, by what they hold, or without `replace` any
    other; `how` says the way to replace it all the same.
    """
    file, _ = _locate(path)
    for what, names in (inputs or {}).items() if os.path.exists(file) else ():
        for name in names:
            origin, _ = _locate(name)
            if os.path.exists(origin) and file.samefile(origin):
                raise DataError(f"'{file}' holds {what}; name another file")
    _suffix(file)
    check_place(file)
    if not replace and os.path.exists(file) and not is_device(file):
        raise UsageError(f"'{file}' is there already; name another file, or give {how}")


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
