"""Trained state as safetensors and JSON: no pickle, and the same outputs on any device."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save

from .. import registry
from ..core.choice import Choice
from ..core.model import Model
from ..errors import DataError, UsageError
from .provenance import code
from .whole import DESCRIPTION, WEIGHTS


def save_model(folder: Path, method: Choice, model: Model) -> None:
    """Write a model's state and the description it is rebuilt from."""
    # Tensors that share memory are refused by safetensors, so each is written for itself.
    state = {k: v.detach().cpu().contiguous().clone() for k, v in model.state_dict().items()}
    # Not `save_file`, whose file is for the owner's eyes alone.
    (folder / WEIGHTS).write_bytes(save(state))
    description = {
        "method": asdict(method),
        "config": dict(model.config),
        "code": code("method", method),
    }
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
        state = load_file(folder / WEIGHTS)
    except FileNotFoundError:
        raise DataError(f"'{folder}' holds no {WEIGHTS}, so its model is lost") from None
    except Exception as error:
        raise DataError(f"'{folder / WEIGHTS}' is damaged: {_first_line(error)}") from error
    try:
        model: Model = maker.blank(config)
        model.load_state_dict(state)
    except Exception as error:
        # Whatever a method stumbles over while it rebuilds a model of other code, or a damaged one.
        raise DataError(_unread(folder, method, description.get("code"), error)) from error
    return method, model.to(device).eval()


def _unread(folder: Path, method: Choice, then: Any, error: Exception) -> str:
    """Why the model saved in `folder` is not read: it was saved by other code, or is damaged."""
    if not isinstance(then, dict):
        return f"'{folder}' holds a model of an older version, or a damaged one; run it again"
    now = code("method", method)
    # The method's own package says more than transportkit, which changes oftener.
    for name in reversed(now):
        if then.get(name) != now[name]:
            return (
                f"'{folder}' holds a model of another version ({name} {then.get(name, 'unknown')}; "
                f"here is {now[name]}) that this one does not read; run it again"
            )
    return f"'{folder / WEIGHTS}' is damaged or not of this model: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")
