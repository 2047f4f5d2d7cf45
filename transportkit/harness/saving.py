"""Trained state as safetensors and JSON: no pickle, and the same outputs on any device."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from .. import registry
from ..core.model import Model
from ..core.record import Choice
from ..errors import DataError

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
    try:
        description = json.loads((folder / DESCRIPTION).read_text())
        method = Choice(description["method"]["name"], description["method"]["params"])
        config = description["config"]
    except FileNotFoundError:
        raise DataError(f"'{folder}' holds no {DESCRIPTION}, so no model was saved there") from None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"'{folder / DESCRIPTION}' cannot be read: {error}") from None
    model: Model = registry.make("method", method).blank(config)
    try:
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, SafetensorError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise DataError(f"'{folder / WEIGHTS}' does not fit the model: {first}") from None
    return method, model.to(device).eval()
