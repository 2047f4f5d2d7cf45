"""Whether what a run left is all there, told without reading the numbers and without torch.

Thousands of folders are looked at in a row, so files are opened by plain names, and once each.
"""

from __future__ import annotations

import os
import zipfile

from ..core.parsing import parsed

WEIGHTS, DESCRIPTION, SAMPLES = "model.safetensors", "model.json", "samples.npz"
_END, _END_SIZE = b"PK\x05\x06", 22
"""How the record at the end of a zip file begins, and its size where no comment follows."""
_HEAD = 8192
"""Bytes that the header of most models lies in."""


def model_is_whole(folder: str | os.PathLike[str]) -> bool:
    """Whether `folder` holds a model whose description parses and whose weights are all there.

    The file of weights begins with the length of its header, which tells where the last one ends;
    the weights themselves are not read.
    """
    try:
        parsed(content(os.path.join(folder, DESCRIPTION)))
        with open(os.path.join(folder, WEIGHTS), "rb", buffering=0) as stream:
            head = stream.read(_HEAD)
            length = int.from_bytes(head[:8], "little")
            size = os.fstat(stream.fileno()).st_size
            if length > size:
                return False
            while len(head) < 8 + length and (more := stream.read(8 + length - len(head))):
                head += more
            header = parsed(head[8 : 8 + length])
            ends = [v["data_offsets"][1] for k, v in header.items() if k != "__metadata__"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return False
    return size == 8 + length + max(ends, default=0)


def samples_are_whole(folder: str | os.PathLike[str]) -> bool:
    """Whether the archive of samples in `folder` has its end, which is written last."""
    file = os.path.join(folder, SAMPLES)
    try:
        with open(file, "rb", buffering=0) as stream:
            stream.seek(-_END_SIZE, os.SEEK_END)
            if stream.read(len(_END)) == _END:
                return True
    except OSError:
        return False
    return zipfile.is_zipfile(file)


def content(file: str) -> bytes:
    """All of a small file. Raises OSError."""
    with open(file, "rb", buffering=0) as stream:
        return stream.readall()
