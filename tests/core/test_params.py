"""Hyperparameters are read from whatever the command line or a YAML file gives."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from transportkit import NoParams, UsageError, param
from transportkit.core.params import coerce, parameters, to_dict


@dataclass(frozen=True)
class Example:
    steps: int = param(2000, "how many", ge=1)
    rate: float = param(1e-3, "how fast", gt=0, lt=1)
    name: str = param("a", "a word")
    flag: bool = param(False, "yes or no")
    mode: Literal["on", "off", "auto"] = param("on", "a mode")
    order: Literal[2, 3, 5] = param(3, "an order")
    hidden: tuple[int, ...] = param((64, 64), "widths", ge=1)
    betas: tuple[float, float] = param((0.9, 0.999), "two decays", ge=0, lt=1)
    clip: float | None = param(None, "a bound", gt=0)
    way: Literal["auto", "exact"] | None = param(None, "a way")
    label: str | None = param(None, "a label")


def read(**values: Any) -> Example:
    return coerce(Example, values, "method 'example'")


@pytest.mark.parametrize(
    ("key", "given_value", "expected"),
    [
        ("steps", "300", 300),
        ("steps", "1e3", 1000),
        ("steps", 3.0, 3),
        ("steps", " 7 ", 7),
        ("steps", str(2**62 + 1), 2**62 + 1),
        ("rate", "1e-3", 1e-3),
        ("rate", ".5", 0.5),
        ("name", 12, "12"),
        ("name", "a:b=c/d", "a:b=c/d"),
        ("flag", "no", False),
        ("flag", "Yes", True),
        ("flag", 1, True),
        ("flag", False, False),
        ("mode", True, "on"),
        ("mode", False, "off"),
        ("mode", "auto", "auto"),
        ("order", "5", 5),
        ("order", 2, 2),
        ("hidden", "128/64/32", (128, 64, 32)),
        ("hidden", [128, "64"], (128, 64)),
        ("hidden", 32, (32,)),
        ("hidden", "", ()),
        ("betas", "0.5/0.9", (0.5, 0.9)),
        ("betas", [0, 0.9], (0.0, 0.9)),
        ("clip", "none", None),
        ("clip", "auto", None),
        ("clip", None, None),
        ("clip", "2", 2.0),
        ("way", "auto", "auto"),
        ("way", "none", None),
        ("way", "exact", "exact"),
        ("label", "null", None),
        ("label", "x", "x"),
    ],
)
def test_a_value_is_read_by_its_declared_type(key: str, given_value: Any, expected: Any) -> None:
    value = getattr(read(**{key: given_value}), key)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("rate: 1e-3", "rate", 1e-3),
        ("flag: no", "flag", False),
        ("mode: no", "mode", "off"),
        ("mode: off", "mode", "off"),
        ("hidden: [3, 4]", "hidden", (3, 4)),
        ("clip: ~", "clip", None),
        ("steps: 2_000", "steps", 2000),
    ],
)
def test_the_traps_of_yaml(text: str, key: str, expected: Any) -> None:
    assert getattr(read(**yaml.safe_load(text)), key) == expected


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("steps", "many", "must be a whole number, not 'many'"),
        ("steps", 2.5, "must be a whole number, not 2.5"),
        ("steps", True, "must be a whole number"),
        ("steps", 0, "must be ≥ 1, not 0"),
        ("steps", "1e400", "must be finite"),
        ("steps", [3], "must be a whole number"),
        ("rate", "fast", "must be a number, not 'fast'"),
        ("rate", 1, "must be < 1, not 1"),
        ("rate", "-1", "must be > 0, not -1"),
        ("rate", "nan", "must be finite"),
        ("rate", 10**400, "must be finite"),
        ("rate", None, "must be a number, not None"),
        ("name", False, "must be text"),
        ("name", ["a"], "must be text"),
        ("flag", "maybe", "must be true or false, not 'maybe'"),
        ("mode", "none", r"must be one of on\|off\|auto, not 'none'"),
        ("order", 4, r"must be one of 2\|3\|5, not 4"),
        ("order", True, "must be one of"),
        ("hidden", "64/x", "must be a whole number, not 'x'"),
        ("hidden", "64/0", "must be ≥ 1, not 0"),
        ("betas", "0.9", "must be 2 values a number/a number"),
        ("clip", "-1", "must be > 0"),
        ("clip", "x", "must be a number or auto, not 'x'"),
        ("clip", "nan", "must be finite, not 'nan'"),
    ],
)
def test_a_value_that_does_not_fit_is_one_clear_line(key, value, message) -> None:
    with pytest.raises(UsageError, match=message) as error:
        read(**{key: value})
    assert str(error.value).startswith(f"parameter '{key}' of method 'example' ")
    assert "\n" not in str(error.value)


def test_an_unknown_key_is_met_with_the_near_name() -> None:
    with pytest.raises(UsageError, match="has no parameter 'step'; did you mean 'steps'"):
        read(step=3)
    with pytest.raises(UsageError, match="known: betas, clip"):
        read(zzzz=3)
    with pytest.raises(UsageError, match="has no parameters, so 'a' cannot be set"):
        coerce(NoParams, {"a": 1}, "metric 'm'")


def test_hyphens_stand_for_underscores() -> None:
    @dataclass(frozen=True)
    class Long:
        max_steps: int = param(1, "")

    assert coerce(Long, {"max-steps": "4"}, "x").max_steps == 4


def test_what_the_dataclass_refuses_is_a_usage_error() -> None:
    @dataclass(frozen=True)
    class Pair:
        high: int = param(help="must be given")
        low: int = param(0, "")

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("low exceeds high")

    with pytest.raises(UsageError, match="metric 'm': low exceeds high"):
        coerce(Pair, {"low": 3, "high": 1}, "metric 'm'")
    with pytest.raises(UsageError, match="metric 'm' needs a value for high"):
        coerce(Pair, {"low": 3}, "metric 'm'")


def test_parameters_describe_themselves() -> None:
    declared = parameters(Example)
    assert list(declared) == [f.name for f in dataclasses.fields(Example)]
    assert declared["steps"].help == "how many"
    assert declared["steps"].default == 2000
    assert declared["clip"].type_text == "a number or auto"
    assert declared["hidden"].type_text == "a whole number/..."
    assert declared["mode"].type_text == "on|off|auto"


@dataclass(frozen=True)
class Worded:
    rate: float | None = param(None, gt=0)
    decay: float | None = param(None, ge=0, lt=1)
    share: float = param(0.5, ge=0, le=1)
    mode: Literal["on", "off", "both"] = "on"
    lines: tuple[Literal["a", "b"], ...] = ("a",)
    plain: str = ""


def test_what_values_may_be_reads_well() -> None:
    assert {name: p.wanted for name, p in parameters(Worded).items()} == {
        "rate": "auto, or a number > 0",
        "decay": "auto, or a number ≥ 0 and < 1",
        "share": "a number ≥ 0 and ≤ 1",
        "mode": "on, off or both",
        "lines": "one or several of a or b, with / between them",
        "plain": "text",
    }


positive = st.floats(min_value=1e-300, max_value=1e300)
share = st.floats(min_value=0, max_value=1, exclude_max=True)
examples = st.builds(
    Example,
    steps=st.integers(min_value=1, max_value=2**63 - 1),
    rate=share.filter(lambda v: v > 0),
    name=st.text(),
    flag=st.booleans(),
    mode=st.sampled_from(["on", "off", "auto"]),
    order=st.sampled_from([2, 3, 5]),
    hidden=st.lists(st.integers(min_value=1, max_value=10**6)).map(tuple),
    betas=st.tuples(share, share),
    clip=st.none() | positive,
    way=st.sampled_from(["auto", "exact", None]),
    label=st.none() | st.text(min_size=1).filter(lambda t: t.strip().lower() not in _NONES),
)
_NONES = {"none", "null", "auto", ""}


@given(examples)
@settings(max_examples=150, deadline=None)
def test_reading_back_what_was_written_changes_nothing(example: Example) -> None:
    assert coerce(Example, to_dict(example), "x") == example


@given(examples)
@settings(max_examples=60, deadline=None)
def test_numbers_survive_text(example: Example) -> None:
    written = {
        "steps": str(example.steps),
        "rate": repr(example.rate),
        "hidden": "/".join(map(str, example.hidden)),
        "betas": "/".join(map(repr, example.betas)),
        "clip": str(example.clip),
    }
    read_back = coerce(Example, written, "x")
    assert all(getattr(read_back, key) == getattr(example, key) for key in written)
