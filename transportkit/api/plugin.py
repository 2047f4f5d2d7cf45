"""A package to begin a plugin from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from ..scaffold.package import distribution_of, write_package


def new_plugin(
    name: str,
    kind: Literal["method-field", "method-map", "problem", "metric"] = "method-field",
    output: str | os.PathLike[str] | None = None,
) -> list[Path]:
    """Write a complete package for a new plugin; the files written: ``tk plugin new``.

    They go into the new folder `output`, or ``transportkit-NAME``. Raises UsageError for a name
    that is taken or cannot be one, and where the folder is there or cannot be written.
    """
    return write_package(name, kind, Path(output or distribution_of(name)).expanduser())
