"""Trained state as safetensors and JSON: no pickle, and the same outputs on any device."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from .. import registry
from ..core.model import Model
from ..core.record import Choice
from ..errors import DataError, UsageError

WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"


def save_model(folder: Path, method: Choice, model: Model) -> None:
    """Write a model's state and the description it is rebuilt from."""
    # Tensors that share memory are refused by safetensors, so each is written for itself.
    state = {k: v.detach().cpu().contiguous().clone() for k, v in model.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    description = {"method": asdict(method), "config": dict(model.config)}
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")


def load_model(folder: Path, device: torch.device | str = "cpu") -> tuple[Choice, Model]:
    """The method and the model saved in `folder`. Raises DataError if it is not whole."""
    file = folder / DESCRIPTION
    try:
        description = json.loads(file.read_text())
        method = Choice(description["method"]["name"], description["method"]["params"])
        config = description["config"]
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"'{folder}' holds no {DESCRIPTION}, so no model was saved there") from None
    except KeyError as error:
        raise DataError(f"'{file}' is damaged: it says nothing of {error}") from None
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"'{file}' is damaged: {error}") from None
    try:
        maker = registry.make("method", method)
    except UsageError as error:
        raise DataError(f"'{file}' cannot be used here: {error}") from None
    try:
        model: Model = maker.blank(config)
        model.load_state_dict(load_file(folder / WEIGHTS))
    except FileNotFoundError:
        raise DataError(f"'{folder}' holds no {WEIGHTS}, so its model is lost") from None
    except Exception as error:
        # Whatever a method stumbles over while it rebuilds a model from damaged files.
        first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")
        raise DataError(f"'{folder / WEIGHTS}' is damaged or not of this model: {first}") from error
    return method, model.to(device).eval()


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
