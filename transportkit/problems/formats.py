"""Formats of files of points: one reader and one writer each, by suffix.

A reader takes the file and gives an array, or a mapping of names to arrays; a writer takes the
file, the points (N, *E), the name to give them and, for a table, those of its columns. Nothing is
ever unpickled.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor

from .tables import (
    read_names,
    read_parquet,
    read_parquet_names,
    read_table,
    write_parquet,
    write_table,
)

Names: TypeAlias = Sequence[str]
Writer: TypeAlias = Callable[[Path, Tensor, str, Names], None]


def _read_numpy(file: Path) -> Any:
    with file.open("rb") as stream:
        start = stream.read(6)
    # numpy takes all that begins otherwise for a pickle, and would say that it refuses one.
    if not start.startswith((b"\x93NUMPY", b"PK", b"\x80")):
        raise ValueError(f"it begins with {start!r}")
    return np.load(file, allow_pickle=False)


def _read_pt(file: Path) -> Any:
    with warnings.catch_warnings():
        # A pickle protocol that it does not expect: what cannot be read is refused all the same.
        warnings.simplefilter("ignore", UserWarning)
        return torch.load(file, map_location="cpu", weights_only=True)


def _read_safetensors(file: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        # Not `load_file`, which opens names in UTF-8 alone.
        return load(file.read_bytes())
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _write_npy(file: Path, points: Tensor, key: str, names: Names) -> None:
    with file.open("wb") as stream:
        # To a file as such numpy writes in a way that does not say what the system refuses.
        through = cast(Any, SimpleNamespace(write=stream.write))
        np.save(through, points.numpy(), allow_pickle=False)


def _write_npz(file: Path, points: Tensor, key: str, names: Names) -> None:
    with file.open("wb") as stream:
        np.savez(stream, **{key: points.numpy()})  # type: ignore[arg-type]


def _write_pt(file: Path, points: Tensor, key: str, names: Names) -> None:
    with file.open("wb") as stream:
        torch.save(points.clone(), stream)


def _write_safetensors(file: Path, points: Tensor, key: str, names: Names) -> None:
    from safetensors.torch import save

    file.write_bytes(save({key: points}))


def _write_delimited(delimiter: str) -> Writer:
    return lambda file, points, key, names: write_table(file, points.numpy(), delimiter, names)


def _write_parquet(file: Path, points: Tensor, key: str, names: Names) -> None:
    write_parquet(file, points.numpy(), names)


READERS: Mapping[str, Callable[[Path], Any]] = {
    "npy": _read_numpy,
    "npz": _read_numpy,
    "csv": read_table,
    "tsv": read_table,
    "txt": read_table,
    "parquet": read_parquet,
    "pt": _read_pt,
    "pth": _read_pt,
    "safetensors": _read_safetensors,
}
WRITERS: Mapping[str, Writer] = {
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
NAMES: Mapping[str, Callable[[Path], tuple[str, ...]]] = {
    "csv": read_names,
    "tsv": read_names,
    "txt": read_names,
    "parquet": read_parquet_names,
}
"""The names of columns, of formats that have some."""
KEYED = frozenset({"npz", "pt", "pth", "safetensors"})
"""Formats that can hold several arrays by name."""
TABLES = frozenset({"csv", "tsv", "txt", "parquet"})
"""Formats that hold (N, D) only."""
