"""Trained state as safetensors and JSON: no pickle, and the same outputs on any device."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, load_file, save

from .. import registry
from ..core.choice import Choice
from ..core.model import Model
from ..core.parsing import parsed
from ..errors import DataError, TransportkitError, UsageError
from .provenance import code
from .results import read_choice
from .said import by_name
from .signing import signed, unsigned
from .whole import DESCRIPTION, WEIGHTS

DIGEST = "sha256"
"""What the description calls the digest of the file of weights; older ones have none."""
AGAIN = "run it again with --fresh"
"""What to do about damage that a run is not looked at for when it is found again."""


def save_model(folder: Path, method: Choice, model: Model) -> None:
    """Write a model's state and the description it is rebuilt from."""
    # Tensors that share memory are refused by safetensors, so each is written for itself.
    state = {k: v.detach().cpu().contiguous().clone() for k, v in model.state_dict().items()}
    weights = save(state)
    # Not `save_file`, whose file is for the owner's eyes alone.
    (folder / WEIGHTS).write_bytes(weights)
    description = {
        "method": asdict(method),
        "config": dict(model.config),
        "code": code("method", method),
        DIGEST: hashlib.sha256(weights).hexdigest(),
    }
    (folder / DESCRIPTION).write_text(json.dumps(signed(description), indent=2) + "\n")


def load_model(folder: Path, device: torch.device | str = "cpu") -> tuple[Choice, Model]:
    """The method and the model saved in `folder`. Raises DataError if it is not whole."""
    file = folder / DESCRIPTION
    description = _description(folder)
    try:
        method = read_choice(description["method"], "method")
        # Those of today would stand for parameters that are not named.
        by_name(description["method"]["params"], "params of method")
        config = by_name(description["config"], "config")
    except KeyError as error:
        raise DataError(f"'{file}' is damaged: it says nothing of {error}; {AGAIN}") from None
    except ValueError as error:
        raise DataError(f"'{file}' is damaged: {error}; {AGAIN}") from None
    try:
        maker = registry.make("method", method)
    except UsageError as error:
        raise DataError(f"'{file}' cannot be used here: {error}") from None
    check_weights(folder)
    try:
        state = _state(folder / WEIGHTS)
    except FileNotFoundError:
        raise _lost(folder) from None
    except Exception as error:
        raise DataError(
            f"'{folder / WEIGHTS}' is damaged: {_first_line(error)}; {AGAIN}"
        ) from error
    # Whatever a method stumbles over while it rebuilds a model of other code, or a damaged one.
    then = description.get("code")
    try:
        model: Model = maker.blank(config)
    except Exception as error:
        damaged = f"'{file}' is damaged or of another version: {method} has no such config"
        # Other errors speak of Python.
        why = f" ({error})" if isinstance(error, TransportkitError) else ""
        raise DataError(_other(folder, method, then) or f"{damaged}{why}; {AGAIN}") from error
    try:
        model.load_state_dict(state)
    except Exception as error:
        damaged = f"'{folder / WEIGHTS}' is damaged or not of this model: {_first_line(error)}"
        if DIGEST in description:
            damaged = f"'{file}' is damaged: its config is not that of the weights beside it"
        raise DataError(_other(folder, method, then) or f"{damaged}; {AGAIN}") from error
    return method, model.to(device).eval()


def _state(file: Path) -> dict[str, torch.Tensor]:
    """The tensors in a file."""
    try:
        str(file).encode()
    except UnicodeEncodeError:
        # safetensors opens names in UTF-8 alone, and folders may have any.
        return load(file.read_bytes())
    return load_file(file)


def check_weights(folder: Path) -> None:
    """Raise DataError where the weights in `folder`, or what is said of them, are not what was
    saved there."""
    said = _description(folder).get(DIGEST)
    if said is None:
        return
    try:
        with (folder / WEIGHTS).open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        raise _lost(folder) from None
    except OSError as error:
        raise DataError(f"'{folder / WEIGHTS}' cannot be read: {error}") from None
    if found != said:
        raise DataError(
            f"'{folder / WEIGHTS}' is damaged: its weights are not those that were saved; {AGAIN}"
        )


def _description(folder: Path) -> Mapping[str, Any]:
    file = folder / DESCRIPTION
    try:
        # What a model is rebuilt with moves points as much as its weights do: a noise or a distance
        # that was changed would fit them as well.
        return unsigned(by_name(parsed(file.read_text()), "it"))
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"'{folder}' holds no {DESCRIPTION}, so no model was saved there") from None
    except (OSError, ValueError) as error:
        raise DataError(f"'{file}' is damaged: {error}; {AGAIN}") from None


def _lost(folder: Path) -> DataError:
    return DataError(f"'{folder}' holds no {WEIGHTS}, so its model is lost; {AGAIN}")


def _other(folder: Path, method: Choice, then: Any) -> str:
    """That other code saved the model in `folder`, or may have; empty where this did."""
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
    return ""


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")
