"""Trained state as safetensors and JSON: no pickle, and the same outputs on any device."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file, save

from .. import registry
from ..core.choice import Choice
from ..core.model import Model
from ..errors import DataError, UsageError
from .whole import DESCRIPTION, WEIGHTS


def save_model(folder: Path, method: Choice, model: Model) -> None:
    """Write a model's state and the description it is rebuilt from."""
    # Tensors that share memory are refused by safetensors, so each is written for itself.
    state = {k: v.detach().cpu().contiguous().clone() for k, v in model.state_dict().items()}
    # Not `save_file`, whose file is for the owner's eyes alone.
    (folder / WEIGHTS).write_bytes(save(state))
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
