"""YAML whose values mean what they say: the scalars of YAML 1.2's core schema, and no key twice.

YAML 1.1, which PyYAML reads, takes 10:30 for 630 and `no` for false, and the last of two equal keys
without a word.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from ..core.parsing import TOO_DEEP, check_depth

MOST = 1_000_000
"""Values that a file may hold: what is said of an experiment is a few hundred."""
LONGEST = 1000
"""Digits of a whole number, beyond any that is meant and below what Python refuses to read."""

_SCALARS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    "merge": ("<<", "<"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
}


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with other scalars."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = getattr(key, "value", None)
            if isinstance(name, str) and name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{name}' stands there twice", key.start_mark
                )
            seen.add(name if isinstance(name, str) else id(key))
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: Any) -> int:
        text = self.construct_scalar(node)
        if len(text) > LONGEST:
            raise ValueError(f"it holds a number of {len(text)} digits")
        return int(text)


for _name, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), _first
    )
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def load(text: str) -> Any:
    """The content of one YAML document. Raises yaml.YAMLError for what is not one, and ValueError
    for one that is nested too deeply or that aliases make too large."""
    try:
        content = yaml.load(text, Loader=_Loader)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    check_depth(content)
    if _count(content, {}) > MOST:
        raise ValueError(f"it holds more than {MOST} values, each alias counted as what it means")
    return content


def _count(value: Any, known: dict[int, int]) -> int:
    """The values in a value, an alias counted as what it stands for."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_count(each, known) for each in inner)
    return known[id(value)]
