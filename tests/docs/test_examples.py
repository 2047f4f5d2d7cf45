"""The package on the page about writing a method, built from the page and run."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from transportkit import Budget, registry
from transportkit.cli import main
from transportkit.testing import conform

PAGE = Path(__file__).parents[2] / "docs" / "write-a-method.md"
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
PACKAGE = "transportkit_quantiles"

Tk = Callable[..., Any]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page's files, on the path, with the metadata that an installer would write."""
    folder = tmp_path_factory.mktemp("site")
    for name, text in BLOCK.findall(PAGE.read_text()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"{PACKAGE}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        registry.refresh()
        yield folder
    for module in [m for m in sys.modules if m.partition(".")[0] == PACKAGE]:
        del sys.modules[module]
    registry.refresh()


@pytest.fixture
def tk(installed: Path, capsys: pytest.CaptureFixture[str]) -> Tk:
    """Run `tk` in this process; its JSON document."""

    def run(*arguments: str) -> Any:
        with pytest.raises(SystemExit) as stop:
            main([*arguments, "--json"])
        printed = capsys.readouterr()
        assert stop.value.code == 0, printed.err
        return json.loads(printed.out)

    return run


def test_the_page_holds_the_whole_package(installed: Path) -> None:
    names = [name for name, _ in BLOCK.findall(PAGE.read_text())]
    assert "pyproject.toml" in names
    assert f"{PACKAGE}/__init__.py" in names


def test_it_is_listed_and_described(tk: Tk) -> None:
    listed = {p["name"]: p["distribution"] for p in tk("list", "methods")["methods"]}
    assert listed["quantiles"] == listed["moments"] == "transportkit-quantiles"
    about = tk("info", "quantiles")
    assert about["params"]["levels"]["default"] == 200


PARTS = [
    *[("method", name) for name in ("quantiles", "moments", "drift")],
    *[("problem", "stretch"), ("metric", "quantile-gap"), ("integrator", "heun")],
]


def test_its_parts_are_those_of_the_page(installed: Path) -> None:
    found = [
        (kind, entry.name)
        for kind in registry.KINDS
        for entry in registry.entries(kind)
        if entry.distribution == "transportkit-quantiles"
    ]
    assert sorted(found) == sorted(PARTS)


@pytest.mark.parametrize(("kind", "name"), PARTS, ids=lambda text: text)
def test_it_conforms(installed: Path, kind: str, name: str) -> None:
    report = conform(kind, name, budget=Budget(steps=300) if name == "drift" else None)
    assert report.conforms, report


def test_its_commands_work(tk: Tk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("tk ")]
    said = {line: tk(*shlex.split(line)[1:]) for line in lines}
    (drift,) = (document for line, document in said.items() if "run drift" in line)
    assert drift["nfe"] == 20
    assert drift["metrics"]["quantile-gap"]["ratio"] < 3
    assert drift["metrics"]["l2_uvp"]["value"] < 5
    (both,) = (document for line, document in said.items() if "compare" in line)
    assert {cell["status"] for cell in both["cells"]} == {"done"}


@pytest.mark.parametrize("method", ["quantiles:levels=500", "moments"])
def test_it_transports(tk: Tk, tmp_path: Path, method: str) -> None:
    # With condition 1 both covariances are the identity, so that coordinates are independent.
    result = tk(
        *("run", method, "--data", "gaussian-pair:condition=1", "--points", "1000"),
        *("--metric", "l2_uvp", "--metric", "sliced_w2", "--out", str(tmp_path)),
    )
    assert result["status"] == "done"
    assert result["finished"] == 1
    assert result["metrics"]["l2_uvp"]["value"] < 1
    assert result["metrics"]["sliced_w2"]["ratio"] < 2


def test_it_moves_images_and_loads_again(tk: Tk, tmp_path: Path) -> None:
    common = ("--metric", "cost", "--points", "100", "--out", str(tmp_path))
    run = tk("run", "quantiles", "--data", "digits", *common)["run"]
    points, moved = tmp_path / "points.npz", tmp_path / "moved.npz"
    samples = dict(_load(Path(run) / "samples.npz"))
    _save(points, samples["source"])
    tk("push", run, str(points), "-o", str(moved))
    assert torch.equal(_load(moved)["points"], samples["moved"])


def test_its_field_runs_backwards(tk: Tk, tmp_path: Path) -> None:
    common = ("--metric", "cost", "--points", "200", "--out", str(tmp_path))
    run = tk("run", "moments", "--data", "gaussians", *common)["run"]
    samples = _load(Path(run) / "samples.npz")
    points, back = tmp_path / "points.npz", tmp_path / "back.npz"
    _save(points, samples["moved"])
    tk("push", run, str(points), "-o", str(back), "--reverse")
    torch.testing.assert_close(_load(back)["points"], samples["source"], atol=1e-2, rtol=0)


def _load(file: Path) -> dict[str, torch.Tensor]:
    with np.load(file) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def _save(file: Path, points: torch.Tensor) -> None:
    np.savez(file, points=points.numpy())
