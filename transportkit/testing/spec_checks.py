"""What is asked of every plugin: that it says what it is, lightly."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from ..core.params import coerce, parameters, to_dict
from .subject import Subject

HEAVY = ("torch", "numpy", "scipy", "sklearn", "matplotlib", "numba", "ot", "jax", "tensorflow")
SECONDS = 60

_LOAD = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from importlib import import_module
import random
state = random.getstate()
module, _, attribute = sys.argv[2].partition(":")
value = import_module(module)
for part in attribute.split("."):
    value = getattr(value, part)
heavy = [name for name in json.loads(sys.argv[3]) if name in sys.modules]
print("\\n" + json.dumps({"heavy": heavy, "seeded": random.getstate() != state}))
"""


def light_spec(subject: Subject) -> None:
    """Does loading the spec import nothing heavy? `tk list` loads the spec of every plugin."""
    target = subject.loaded.entry.target
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, json.dumps(sys.path), target, json.dumps(HEAVY)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"'{target}' cannot be imported alone: {_last(done.stderr)}"
    *printed, last = done.stdout.strip().splitlines()
    found = json.loads(last)
    assert not found["heavy"], f"importing '{target}' imports {', '.join(found['heavy'])}"
    assert not found["seeded"], f"importing '{target}' changes Python's global random state"
    assert not "".join(printed).strip(), f"importing '{target}' prints {printed[0]!r}"


def described(subject: Subject) -> None:
    """Does the spec say what the plugin is, in one line? Users choose by that line."""
    spec = subject.loaded.spec
    assert spec.summary.strip(), "the spec's summary is empty"
    assert "\n" not in spec.summary, "the spec's summary is more than one line"
    assert len(spec.summary) <= 120, f"the spec's summary has {len(spec.summary)} characters"


def parameters_declared(subject: Subject) -> None:
    """Has every parameter a meaning, and a default that its own type and range allow?"""
    spec = subject.loaded.spec
    declared = parameters(spec.params)
    for p in declared.values():
        assert p.help.strip(), f"parameter '{p.name}' has no help; declare it with param(...)"
        if not p.required:
            try:
                read = p.read(p.default)
            except ValueError as error:
                raise AssertionError(f"the default of parameter '{p.name}' {error}") from None
            assert read == p.default, f"the default of '{p.name}' reads as {read!r}"
    if all(not p.required for p in declared.values()):
        made: Any = coerce(spec.params, {}, "the plugin")
        again: Any = coerce(spec.params, to_dict(made), "the plugin")
        assert again == made, "parameters written as JSON do not read back as they were"


def constructs(subject: Subject) -> None:
    """Can it be made from its defaults, and is what is made of its kind?"""
    subject.make()


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"


ALL = (light_spec, described, parameters_declared, constructs)
