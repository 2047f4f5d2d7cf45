"""YAML read so that values mean what they say."""

from __future__ import annotations

import math

import pytest
import yaml

from transportkit.harness.plain_yaml import load


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10:30", "10:30"),
        ("no", "no"),
        ("on", "on"),
        ("1e-3", 1e-3),
        ("1.5", 1.5),
        (".5", 0.5),
        ("-7", -7),
        ("010", 10),
        ("1_000", "1_000"),
        ("true", True),
        ("null", None),
        ("~", None),
        ("2026-11-25", "2026-11-25"),
        ("'5'", "5"),
        ("[1, a, 0-4]", [1, "a", "0-4"]),
    ],
)
def test_values_mean_what_they_say(text: str, value: object) -> None:
    read = load(f"key: {text}")["key"]
    assert read == value
    assert type(read) is type(value)


def test_an_infinite_value() -> None:
    assert load("key: -.inf")["key"] == -math.inf


def test_a_key_that_stands_twice_is_an_error() -> None:
    with pytest.raises(yaml.YAMLError, match="'method' stands there twice"):
        load("method: linear\nmethod: cfm")


def test_objects_are_not_made() -> None:
    with pytest.raises(yaml.YAMLError):
        load("!!python/object/apply:os.getcwd []")


ROUNDS = "\n".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 9))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("key: " + "[" * 5000 + "]" * 5000, "more than 64 deep"),
        ("key: " + "{a: " * 200 + "1" + "}" * 200, "more than 64 deep"),
        ("key: &a [*a]", "more than 64 deep"),
        (f"a0: &a0 [1]\n{ROUNDS}", "more than 1000000 values, each alias counted as what it means"),
        ("key: " + "9" * 5000, "a number of 5000 digits"),
    ],
)
def test_what_is_too_large_is_told(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        load(text)


def test_an_alias_is_what_it_stands_for() -> None:
    assert load("a: &a [1, 2]\nb: [*a, *a]")["b"] == [[1, 2], [1, 2]]
