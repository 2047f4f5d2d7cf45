"""Typed hyperparameters: plain frozen dataclasses, declared once, read from any text.

A parameter set is a frozen dataclass whose fields are made with `param`. `coerce` turns whatever
the command line, a YAML file or a notebook gives into such an instance, or raises one clear line.
"""

from __future__ import annotations

import dataclasses
import math
import operator
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from types import SimpleNamespace
from typing import Any, Literal, TypeVar

from ..errors import UsageError, did_you_mean

P = TypeVar("P")
_MISSING = dataclasses.MISSING
_PLAIN: Mapping[str, Any] = {
    text: kind
    for plain in (int, float, bool, str)
    for text, kind in ((plain.__name__, plain), (f"{plain.__name__} | None", plain | None))
}
_TESTS = {"≥": operator.ge, ">": operator.gt, "≤": operator.le, "<": operator.lt}


@dataclass(frozen=True)
class NoParams:
    """A thing without hyperparameters."""


def param(
    default: Any = _MISSING,
    help: str = "",
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> Any:
    """Declare one hyperparameter: its default, what it means, and the range it must lie in."""
    bounds = {"≥": ge, ">": gt, "≤": le, "<": lt}
    metadata = {"help": help, "bounds": {k: v for k, v in bounds.items() if v is not None}}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Parameter:
    """One declared hyperparameter, as `tk info` shows it and `coerce` checks it."""

    name: str
    type: Any
    default: Any
    help: str
    bounds: Mapping[str, float]

    @property
    def required(self) -> bool:
        return self.default is _MISSING

    @property
    def type_text(self) -> str:
        return _type_text(self.type)

    @property
    def wanted(self) -> str:
        """What a value may be, in words: its type with its range, and `auto` where that is one."""
        bounds = " and ".join(f"{sign} {bound:g}" for sign, bound in self.bounds.items())
        union = typing.get_origin(self.type) in (typing.Union, types.UnionType)
        kinds = typing.get_args(self.type) if union else (self.type,)
        texts = [_in_words(kind) for kind in kinds if kind is not type(None)]
        text = " ".join(filter(None, [" or ".join(texts), bounds]))
        return f"auto, or {text}" if type(None) in kinds else text

    def read(self, value: Any) -> Any:
        """`value` as this parameter's type; ValueError says what is wrong with it."""
        read = _read(value, self.type)
        for number in read if isinstance(read, tuple) else (read,):
            if isinstance(number, int | float) and not isinstance(number, bool):
                self._check(number)
        return read

    def _check(self, number: float) -> None:
        for sign, bound in self.bounds.items():
            if not _TESTS[sign](number, bound):
                raise ValueError(f"must be {sign} {bound:g}, not {number:g}")


def parameters(cls: type) -> dict[str, Parameter]:
    """The declared hyperparameters of a parameter dataclass, by name, in order."""
    fields = [f for f in dataclasses.fields(cls) if f.init]
    types = _hints(cls, fields)
    return {
        f.name: Parameter(
            f.name,
            types[f.name],
            f.default if f.default_factory is _MISSING else f.default_factory(),
            f.metadata.get("help", ""),
            f.metadata.get("bounds", {}),
        )
        for f in fields
    }


def _hints(cls: type, fields: Iterable[dataclasses.Field[Any]]) -> Mapping[str, Any]:
    """The types of the fields, whose annotations may be text.

    Evaluating text takes longer than all else that reading a spec does, so only the text that is
    not plain is evaluated, in the module where it was written.
    """
    types = {f.name: _PLAIN.get(f.type) if isinstance(f.type, str) else f.type for f in fields}
    for base in reversed(cls.__mro__):
        written = vars(base).get("__annotations__", {})
        texts = {name: written[name] for name in written if types.get(name, ...) is None}
        if texts:
            holder = SimpleNamespace(__annotations__=texts)
            types |= typing.get_type_hints(holder, vars(sys.modules[base.__module__]))
    return typing.get_type_hints(cls) if None in types.values() else types


def coerce(cls: type[P], values: Mapping[str, Any], owner: str) -> P:
    """An instance of `cls` from `values`, each read by its declared type.

    `owner` names whose parameters they are in messages, such as ``method 'efm'``. Raises
    UsageError for an unknown key (with the near name), a value of the wrong type or out of range,
    a required parameter that is missing, or whatever the dataclass itself refuses.
    """
    declared = parameters(cls)
    read = {}
    for key, value in values.items():
        name = str(key).replace("-", "_")
        if name not in declared:
            if not declared:
                raise UsageError(f"{owner} has no parameters, so '{key}' cannot be set")
            raise UsageError(f"{owner} has no parameter '{key}'; {did_you_mean(name, declared)}")
        try:
            read[name] = declared[name].read(value)
        except ValueError as error:
            raise UsageError(f"parameter '{name}' of {owner} {error}") from None
    missing = [p.name for p in declared.values() if p.required and p.name not in read]
    if missing:
        raise UsageError(f"{owner} needs a value for {', '.join(missing)}")
    try:
        return cls(**read)
    except ValueError as error:
        raise UsageError(f"{owner}: {error}") from None


def whole(name: str, given: Any, least: int, most: int | None = None) -> int:
    """A number of things as an int, from whatever counts as one, such as ``numpy.int64``.

    Raises UsageError for what is no whole number, True and False among it, below `least`, and
    beyond `most`, where a number is a slip.
    """
    try:
        if isinstance(given, bool):
            raise TypeError
        number = operator.index(given)
    except TypeError:
        raise UsageError(f"{name} must be a whole number, not {given!r}") from None
    if number < least:
        raise UsageError(f"{name} must be at least {least}, not {number}")
    if most is not None and number > most:
        given = f"{number:.12g}" if number < 10**300 else f"one of {len(str(number))} digits"
        raise UsageError(f"{name} must be at most {most}, not {given}")
    return number


def to_dict(params: Any) -> dict[str, Any]:
    """The JSON form of a parameter dataclass: plain numbers, strings, booleans and lists."""
    return {
        f.name: list(v) if isinstance(v := getattr(params, f.name), tuple) else v
        for f in dataclasses.fields(params)
        if f.init
    }


# How YAML may have spelled the boolean that it read.
_SPELLINGS = {True: ("on", "yes", "true"), False: ("off", "no", "false")}
_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}
_NONE = {"none", "null", "auto", ""}


_LARGEST = 2**63 - 1
"""Beyond it no whole number is one of torch's."""


class _Unfit(ValueError):
    """A number, but one that nothing can be set to."""


def _read(value: Any, kind: Any) -> Any:
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _read_union(value, kind, arguments)
    if origin is Literal:
        return _read_literal(value, kind, arguments)
    if origin is tuple:
        return _read_tuple(value, kind, arguments)
    return _read_plain(value, kind)


def _read_literal(value: Any, kind: Any, arguments: tuple[Any, ...]) -> Any:
    # YAML reads a bare `no` or `off` as False; the word that the author meant is one of a few.
    meant = _SPELLINGS[value] if isinstance(value, bool) else (str(value).strip(),)
    for argument in arguments:
        if type(argument) is type(value) and argument == value:
            return argument
    for argument in arguments:
        if str(argument) in meant:
            return argument
    raise ValueError(f"must be one of {_type_text(kind)}, not {value!r}")


def _read_tuple(value: Any, kind: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    parts = value.split("/") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        parts = [parts]
    if parts == [""]:
        parts = []
    if arguments[-1] is Ellipsis:
        return tuple(_read(part, arguments[0]) for part in parts)
    if len(parts) != len(arguments):
        raise ValueError(f"must be {len(arguments)} values {_type_text(kind)}, not {value!r}")
    return tuple(_read(part, each) for part, each in zip(parts, arguments, strict=True))


def _read_union(value: Any, kind: Any, arguments: tuple[Any, ...]) -> Any:
    for argument in arguments:
        if typing.get_origin(argument) is Literal and str(value) in map(
            str, typing.get_args(argument)
        ):
            return _read(value, argument)
    if type(None) in arguments and (
        value is None or (isinstance(value, str) and value.strip().lower() in _NONE)
    ):
        return None
    reason = f"must be {_type_text(kind)}, not {value!r}"
    for argument in arguments:
        if argument is not type(None):
            try:
                return _read(value, argument)
            except _Unfit as error:
                reason = str(error)
            except ValueError:
                continue
    raise ValueError(reason)


def _read_plain(value: Any, kind: Any) -> Any:
    text = value.strip() if isinstance(value, str) else value
    wrong = ValueError(f"must be {_type_text(kind)}, not {value!r}")
    if kind is bool:
        if isinstance(text, bool):
            return text
        if str(text).lower() in _TRUE | _FALSE:
            return str(text).lower() in _TRUE
        raise wrong
    if kind is str:
        if isinstance(value, bool | list | dict) or value is None:
            raise wrong
        return str(value)
    if kind in (int, float):
        if isinstance(text, bool) or not isinstance(text, Real | str):
            raise wrong
        try:
            number = _whole(text) if kind is int else _finite(text)
        except OverflowError:
            raise _Unfit(f"must be finite, not {value!r}") from None
        except ValueError:
            raise wrong from None
        if kind is int and abs(number) > _LARGEST:
            raise _Unfit(f"must be at most {_LARGEST}, not {number:.12g}")
        return number
    raise TypeError(f"parameters of type {kind!r} cannot be read from text")


def _whole(value: Any) -> int:
    """A whole number, exactly, however it is written: 3, "3", "1e3", 3.0."""
    if isinstance(value, Integral):
        return int(value)
    try:
        return int(str(value))
    except ValueError:
        number = _finite(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise OverflowError
    return number


_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def _in_words(kind: Any) -> str:
    """A kind of value as a reader of a table wants it, where `_type_text` says it in one word."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        *others, last = map(str, arguments)
        return f"{', '.join(others)} or {last}" if others else last
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"one or several of {_in_words(arguments[0])}, with / between them"
    return _type_text(kind)


def _type_text(kind: Any) -> str:
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin is Literal:
        return "|".join(str(a) for a in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join("auto" if a is type(None) else _type_text(a) for a in arguments)
    if origin is tuple:
        return "/".join("..." if a is Ellipsis else _type_text(a) for a in arguments)
    return _WORDS.get(kind, getattr(kind, "__name__", str(kind)))
