"""New packages as a user has them: built, installed in a fresh environment, run, removed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest

from transportkit.scaffold.package import KINDS, distribution_of, write_package

NAMES = {template: f"fresh-{template}" for template in KINDS}
SMALL = ("--data", "fresh-problem", "--points", "100", "--budget", "steps=20")
JUDGED = ("--metric", "fresh-metric", "--metric", "cost")


class Environment:
    """A virtual environment that sees what this one has installed, as if it had been put there."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.python = str(folder / "bin" / "python")
        site = Path(self("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
        here = sysconfig.get_path("purelib")
        # `addsitedir` reads the .pth files there, by which an editable install is found.
        (site / "borrowed.pth").write_text(f"import site; site.addsitedir({here!r})\n")

    def __call__(self, *arguments: str) -> str:
        """Run its Python; what it printed. A failure fails the test."""
        return _out([self.python, *arguments])

    def tk(self, *arguments: str) -> Any:
        return json.loads(self("-m", "transportkit", *arguments, "--json"))

    def pip(self, *arguments: str) -> None:
        _out([sys.executable, "-m", "pip", "--python", self.python, *arguments])


def _out(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("fresh") / "venv")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A package of each kind, built."""
    for tool in ("pip", "hatchling"):
        if importlib.util.find_spec(tool) is None:
            pytest.skip(f"wheels cannot be built without {tool}")
    folder = tmp_path_factory.mktemp("packages")
    for template, name in NAMES.items():
        write_package(name, template, folder / name)
    build = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    sources = [str(folder / name) for name in NAMES.values()]
    _out([sys.executable, *build, "-w", str(folder / "wheels"), *sources])
    return {
        template: next((folder / "wheels").glob(f"{distribution_of(name).replace('-', '_')}-*"))
        for template, name in NAMES.items()
    }


def test_packages_are_installed_run_and_removed(
    fresh: Environment, wheels: dict[str, Path], tmp_path: Path
) -> None:
    fresh.pip("install", "-q", "--no-deps", "--no-index", *map(str, wheels.values()))
    out = ("--out", str(tmp_path / "runs"))
    field, solved = NAMES["method-field"], NAMES["method-map"]
    result = fresh.tk("run", solved, *SMALL, *JUDGED, *out)
    assert result["status"] == "done"
    assert set(result["metrics"]) == {NAMES["metric"], "cost"}
    both = fresh.tk("compare", field, solved, "linear", *SMALL, *JUDGED, *out)
    assert [cell["status"] for cell in both["cells"]] == ["done"] * 3
    assert next(c for c in both["cells"] if c["method"] == solved)["found"]

    # The conformance of each is asked for in the tests of what is written, without an installation.
    tests = [
        str(wheel.parents[1] / NAMES[t] / "tests" / f"test_{KINDS[t]}.py")
        for t, wheel in wheels.items()
    ]
    report = fresh("-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:xdist",
                   "-p", "no:cacheprovider", f"--rootdir={tmp_path}", "-c", "/dev/null",
                   *tests)  # fmt: skip
    assert " failed" not in report
    assert " passed" in report

    fresh.pip("uninstall", "-q", "-y", *(distribution_of(name) for name in NAMES.values()))
    left = {p["name"] for plugins in fresh.tk("list").values() for p in plugins}
    assert "linear" in left
    assert not left & set(NAMES.values())
