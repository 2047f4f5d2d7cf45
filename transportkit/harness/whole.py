"""Whether what a run left is all there, told without reading the numbers and without torch."""

from __future__ import annotations

import json
import os
from pathlib import Path

WEIGHTS, DESCRIPTION, SAMPLES = "model.safetensors", "model.json", "samples.npz"


def model_is_whole(folder: Path) -> bool:
    """Whether `folder` holds a model whose description parses and whose weights are all there.

    The file of weights begins with the length of its header, which tells where the last one ends;
    the weights themselves are not read.
    """
    try:
        json.loads((folder / DESCRIPTION).read_text())
        with (folder / WEIGHTS).open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            size = os.fstat(stream.fileno()).st_size
            if length > size:
                return False
            header = json.loads(stream.read(length))
            ends = [v["data_offsets"][1] for k, v in header.items() if k != "__metadata__"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return False
    return size == 8 + length + max(ends, default=0)
