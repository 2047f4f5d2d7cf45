"""The command line, called within the test's process."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from transportkit.cli import main

TINY = "--budget steps=5 --points 64 --train 200 --metric sliced_w2"


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document in the strict sense."""
        assert self.out, self.err
        return json.loads(self.out, parse_constant=_refuse)


def tk(line: str, *more: object) -> Answer:
    """Run `tk` with the words of `line`, and `more` arguments as they are."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main([*line.split(), *map(str, more)])
        except SystemExit as stop:
            status = stop.code
    assert isinstance(status, int)
    return Answer(status, out.getvalue(), err.getvalue())


def samples(folder: str | Path) -> dict[str, np.ndarray]:
    """The arrays in a run's folder, which hold no pickle."""
    with np.load(Path(folder) / "samples.npz", allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def same(one: str | Path, other: str | Path) -> bool:
    """Whether two runs have the same samples to the bit."""
    a, b = samples(one), samples(other)
    return a.keys() == b.keys() and all(a[k].tobytes() == b[k].tobytes() for k in a)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")
