"""Formats of files of points: one reader and one writer each, by suffix.

A reader takes the file and gives an array, or a mapping of names to arrays; a writer takes the
file, the points (N, *E) and the name to give them. Nothing is ever unpickled.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .tables import read_parquet, read_table, write_parquet, write_table


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
WRITERS: Mapping[str, Callable[[Path, Tensor, str], None]] = {
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
KEYED = frozenset({"npz", "pt", "pth", "safetensors"})
"""Formats that can hold several arrays by name."""
TABLES = frozenset({"csv", "tsv", "txt", "parquet"})
"""Formats that hold (N, D) only."""
