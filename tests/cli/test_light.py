"""What only looks is light, and a reader that leaves is no error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import tk

HEAVY = "torch numpy scipy ot matplotlib sklearn numba safetensors rich yaml"
LOOK = f"""
import sys
from transportkit.cli import main
for line in ("--help", "--version", "list", "list --json", "info efm", "run --help"):
    try:
        main(line.split())
    except SystemExit as stop:
        assert stop.code == 0, line
    heavy = sorted(set("{HEAVY}".split()) & set(sys.modules))
    assert not heavy, (line, heavy)
"""


def test_looking_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_leaves() -> None:
    command = f"{sys.executable} -m transportkit list | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stdout == "methods\n"
    assert done.stderr == ""


def test_an_output_that_takes_nothing() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    command = f"{sys.executable} -m transportkit list > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: standard output or a file cannot be written")
    assert done.stderr.count("\n") == 1


def test_list() -> None:
    everything = tk("list")
    assert everything.status == 0
    for word in ("methods", "data", "metrics", "integrators", "efm", "moons", "w2", "dopri5"):
        assert word in everything.out
    document = tk("list --json").json
    assert document.keys() == {"methods", "data", "metrics", "integrators"}
    efm = next(entry for entry in document["methods"] if entry["name"] == "efm")
    assert efm.keys() == {"name", "distribution", "version", "summary"}
    only = tk("list metrics --json").json
    assert only == {"metrics": document["metrics"]}


def test_info() -> None:
    assert "electrostatic field matching" in tk("info efm").out
    document = tk("info efm --json").json
    assert (document["name"], document["kind"], document["fits"]) == ("efm", "method", "a field")
    assert document["citation"]
    steps = document["params"]["steps"]
    assert steps["type"] == "a whole number"
    assert steps["bounds"] == {"≥": 1}
    for name in ("moons", "sliced_w2", "dopri5", "gaussian-pair"):
        assert tk(f"info {name} --json").json["name"] == name


def test_help_and_nothing_at_all() -> None:
    assert tk("--help").status == 0
    assert "tk run efm --data gaussians" in tk("run -h").out
    nothing = tk("")
    assert (nothing.status, nothing.out) == (2, "")
    assert nothing.err.startswith("Usage: tk")


def test_a_broken_plugin_is_listed_as_broken(trouble: None) -> None:
    assert "shattered" in tk("list methods").out
    broken = {e["name"]: e.get("broken") for e in tk("list methods --json").json["methods"]}
    assert "no_such_spec" not in str(broken["efm"])
    assert broken["shattered"].startswith("import failed: AttributeError")
    answer = tk("info shattered")
    assert answer.status == 1
    assert answer.err.count("\n") == 1
