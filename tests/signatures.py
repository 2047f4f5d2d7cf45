"""The public names with their signatures, as text: `python -m tests.signatures` prints it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

from torch import nn

import transportkit
from transportkit import testing

INDENT, WIDTH = "    ", 90


def listing() -> str:
    """A line for each public name and for each public member of a class."""
    lines = [f"plugin API {transportkit.API_VERSION}", ""]
    for module in (transportkit, testing):
        names = sorted(n for n in getattr(module, "__all__", None) or _exported(module))
        for name in names:
            lines += _lines(name, getattr(module, name))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _exported(module: object) -> list[str]:
    return [n for n, v in vars(module).items() if not n.startswith("_") and not inspect.ismodule(v)]


def _lines(name: str, value: object) -> Iterator[str]:
    if not callable(value):
        yield f"{name}: {type(value).__name__}"
        return
    if not inspect.isclass(value):
        yield f"{name}{_signature(value)}"
        return
    bases = ", ".join(b.__name__ for b in value.__bases__ if b is not object)
    made = "" if issubclass(value, Exception | Enum | nn.Module) else _signature(value)
    yield f"class {name}{made}" + (f" is {bases}" if bases else "")
    fields = getattr(value, "__dataclass_fields__", {})
    for member, held in sorted(vars(value).items()):
        if not member.startswith("_") and member not in fields:
            yield f"{INDENT}{_member(member, held)}"


def _member(name: str, held: object) -> str:
    if inspect.isfunction(held):
        return f"{name}{_signature(held, INDENT)}"
    if isinstance(held, staticmethod | classmethod):
        return f"{name}{_signature(held.__func__, INDENT)}"
    return name


def _signature(value: Any, indent: str = "") -> str:
    """A signature on one line, or with a line for each parameter where that is too long."""
    signature = inspect.signature(value)
    parts = [_parameter(p) for p in signature.parameters.values()]
    named = [p.kind for p in signature.parameters.values()]
    if inspect.Parameter.KEYWORD_ONLY in named and inspect.Parameter.VAR_POSITIONAL not in named:
        parts.insert(named.index(inspect.Parameter.KEYWORD_ONLY), "*")
    result = signature.return_annotation
    gives = "" if result in (inspect.Signature.empty, "None", None) else f" -> {result}"
    line = f"({', '.join(parts)}){gives}"
    if len(line) <= WIDTH:
        return line
    between = f"\n{indent}{INDENT}"
    return f"({between}{between.join(parts)}\n{indent}){gives}"


def _parameter(parameter: inspect.Parameter) -> str:
    empty = inspect.Parameter.empty
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    text = stars.get(parameter.kind, "") + parameter.name
    if parameter.annotation is not empty:
        text += f": {parameter.annotation}"
    if parameter.default is not empty:
        text += f" = {re.sub(r'<(?:class )?[^<>]*>', '...', repr(parameter.default))}"
    return text


if __name__ == "__main__":
    print(listing(), end="")  # noqa: T201
