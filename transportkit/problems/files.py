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
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError
from .tables import read_parquet, read_table, write_parquet, write_table

_READ_ERRORS = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    RuntimeError,
    MemoryError,
    OverflowError,
    AttributeError,
    TypeError,
    zipfile.BadZipFile,
    pickle.UnpicklingError,
)
"""What numpy and torch are known to raise for files that are damaged or are something else."""


def read_points(path: str | os.PathLike[str]) -> Tensor:
    """The points in a file, (N, *E), float32, all finite. Raises DataError."""
    file, key = _locate(path)
    suffix = _suffix(file)
    if not file.exists():
        raise DataError(f"there is no file '{file}'")
    if file.is_dir():
        raise DataError(f"'{file}' is a folder; name a file of points in it")
    if file.stat().st_size == 0:
        raise DataError(f"'{file}' is empty")
    if key is not None and suffix not in _KEYED:
        raise DataError(f"'{path}': a {suffix} file holds one array, so '#{key}' names nothing")
    try:
        found = _READERS[suffix](file)
    except DataError:
        raise
    except _READ_ERRORS as error:
        raise _unreadable(file, suffix, error) from error
    return _checked(_chosen(found, key, file), str(path))


def write_points(path: str | os.PathLike[str], points: Tensor) -> None:
    """Write points (N, *E) to a file of the format its suffix names, whole or not at all.

    Raises DataError where the format does not exist or cannot hold them, or the place cannot be
    written.
    """
    file, key = _locate(path)
    suffix = _suffix(file)
    points = points.detach().cpu().contiguous()
    if suffix in _TABLES and points.ndim != 2:
        raise DataError(
            f"'{file}': a {suffix} file holds a table, not points of shape "
            f"{tuple(points.shape[1:])}; write npy, npz, pt or safetensors"
        )
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        _WRITERS[suffix](part, points, key or "points")
        os.replace(part, file)
    except OSError as error:
        raise DataError(f"cannot write '{file}': {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _locate(path: str | os.PathLike[str]) -> tuple[Path, str | None]:
    """``file#key`` as the file and the key; a file whose own name has a # is found as it is."""
    text = os.path.expanduser(os.fspath(path))
    name, hash_sign, key = text.rpartition("#")
    if not hash_sign or os.path.exists(text):
        return Path(text), None
    return Path(name), key


def _suffix(file: Path) -> str:
    suffix = file.suffix.lower().removeprefix(".")
    if suffix not in _READERS:
        known = ", ".join(_READERS)
        what = f"'.{suffix}'" if suffix else "no suffix"
        raise DataError(f"'{file}' has {what}; files of points end in one of {known}")
    return suffix


def _unreadable(file: Path, suffix: str, error: BaseException) -> DataError:
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
    return DataError(f"'{file}' is damaged or is not a {suffix} file ({first[:120]})")


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
            f"'{path}' has shape {array.shape}; points have shape (N, D): for {len(array)} points "
            "on a line, reshape to (-1, 1)"
        )
    if array.size == 0:
        raise DataError(f"'{path}' has shape {array.shape} and so holds no points")
    finite = np.isfinite(array).reshape(len(array), -1).all(1)
    if not finite.all():
        raise DataError(
            f"'{path}': {int((~finite).sum())} of {len(array)} rows have NaN or infinite values, "
            f"the first is row {int(np.argmin(finite)) + 1}; remove or fill them"
        )
    limit = np.finfo(np.float32).max
    if array.dtype.kind == "f" and (np.abs(array) > limit).any():
        raise DataError(f"'{path}' has values beyond {limit:.2g}, the range of single precision")
    return torch.from_numpy(np.array(array, dtype=np.float32, order="C"))


def _read_npy(file: Path) -> Any:
    found = np.load(file, allow_pickle=False)
    if isinstance(found, np.lib.npyio.NpzFile):
        with found:
            return {name: found[name] for name in found.files}
    return found


def _read_pt(file: Path) -> Any:
    return torch.load(file, map_location="cpu", weights_only=True)


def _read_safetensors(file: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _write_npy(file: Path, points: Tensor, key: str) -> None:
    with file.open("wb") as stream:
        np.save(stream, points.numpy(), allow_pickle=False)


def _write_npz(file: Path, points: Tensor, key: str) -> None:
    with file.open("wb") as stream:
        np.savez(stream, **{key: points.numpy()})  # type: ignore[arg-type]


def _write_pt(file: Path, points: Tensor, key: str) -> None:
    with file.open("wb") as stream:
        torch.save(points.clone(), stream)


def _write_safetensors(file: Path, points: Tensor, key: str) -> None:
    from safetensors.torch import save

    file.write_bytes(save({key: points}))


def _write_delimited(delimiter: str) -> Callable[[Path, Tensor, str], None]:
    return lambda file, points, key: write_table(file, points.numpy(), delimiter)


def _write_parquet(file: Path, points: Tensor, key: str) -> None:
    write_parquet(file, points.numpy())


_READERS: Mapping[str, Callable[[Path], Any]] = {
    "npy": _read_npy,
    "npz": _read_npy,
    "csv": read_table,
    "tsv": read_table,
    "txt": read_table,
    "parquet": read_parquet,
    "pt": _read_pt,
    "pth": _read_pt,
    "safetensors": _read_safetensors,
}
_WRITERS: Mapping[str, Callable[[Path, Tensor, str], None]] = {
    "npy": _write_npy,
    "npz": _write_npz,
    "csv": _write_delimited(","),
    "tsv": _write_delimited("\t"),
    "txt": _write_delimited(" "),
    "parquet": _write_parquet,
    "pt": _write_pt,
    "pth": _write_pt,
    "safetensors": _write_safetensors,
}
_KEYED = {"npy", "npz", "pt", "pth", "safetensors"}
_TABLES = {"csv", "tsv", "txt", "parquet"}
