"""New packages are complete: installed as they are written, they conform and their tests pass."""

from __future__ import annotations

import ast
import errno
import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from transportkit import Budget, UsageError, registry
from transportkit.scaffold.package import KINDS, distribution_of, write_package
from transportkit.testing import conform


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for packages; what was imported from it is forgotten."""
    before = set(sys.modules)
    yield tmp_path
    monkeypatch.undo()
    for module in set(sys.modules) - before:
        if module.startswith("transportkit_new"):
            del sys.modules[module]
    registry.refresh()


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the package on the path with the metadata that an installer would write."""
    about = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: 1\n")
    lines = []
    for group, points in about["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    registry.refresh()


@pytest.mark.parametrize("template", KINDS)
def test_what_is_written_conforms(
    template: str, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"new-{template}"
    folder = site / distribution_of(name)
    written = write_package(name, template, folder)
    assert all(file.is_file() for file in written)
    assert not any("$" in file.read_text() for file in written)
    installed(folder, monkeypatch)
    loaded = registry.describe(KINDS[template], name)
    assert loaded.entry.distribution == distribution_of(name)
    budget = Budget(steps=300) if template == "method-field" else None
    report = conform(KINDS[template], name, budget=budget)
    assert report.conforms, [(o.check, o.message) for o in report.outcomes if o.status == "failed"]
    _run_tests(folder / "tests" / f"test_{KINDS[template]}.py")
    suite = folder / "tests" / "test_conformance.py"
    assert f'@conformance("{KINDS[template]}", "{name}"' in suite.read_text()
    _load(suite)


def _run_tests(file: Path) -> None:
    """The tests in a file that take no fixtures."""
    tests = [f for name, f in vars(_load(file)).items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test()


def _load(file: Path):
    spec = importlib.util.spec_from_file_location(f"transportkit_new_tests_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name",
    ["", "A", "1a", "a_b", "a--b", "-a", "a-", "a b", "ä", "../a", "none", "a" * 41, "a.b", "a\n"],
)
def test_names_that_cannot_be(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be a plugin's name"):
        write_package(name, "problem", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a method 'linear' is there already, of transportkit"):
        write_package("linear", "method-map", tmp_path / "new")
    # Nobody has a problem `flow`; its package would take the place of one of ours.
    with pytest.raises(UsageError, match="a package 'transportkit_flow' is installed already"):
        write_package("flow", "problem", tmp_path / "new")


@pytest.mark.parametrize("name", ["method", "problem", "metric", "moments", "params", "class"])
def test_names_that_hide_nothing(name: str, tmp_path: Path) -> None:
    for template, kind in KINDS.items():
        folder = tmp_path / template
        write_package(name, template, folder)
        package = f"transportkit_{name}"
        code = (folder / package / f"{kind}.py").read_text()
        made = [n.name for n in ast.walk(ast.parse(code)) if isinstance(n, ast.ClassDef)]
        taken = [a.name for n in ast.walk(ast.parse(code)) if isinstance(n, ast.ImportFrom)
                 for a in n.names]  # fmt: skip
        assert len({*made, *taken}) == len(made) + len(taken)


def test_a_package_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def full(file: Path, text: str, encoding: str | None = None) -> int:
        if file.name == "problem.py":
            write(file, text[:9], encoding=encoding)
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, text, encoding=encoding)

    monkeypatch.setattr(Path, "write_text", full)
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "new", tmp_path / "empty"):
        with pytest.raises(UsageError, match=r"problem\.py' cannot be written: No space left"):
            write_package("fresh", "problem", folder)
    assert [p.name for p in tmp_path.rglob("*")] == ["empty"]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for folder in (tmp_path, tmp_path / "mine.txt", tmp_path / "mine.txt" / "new"):
        with pytest.raises(UsageError, match=r"nothing was written|cannot be written"):
            write_package("fresh", "problem", folder)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    write_package("fresh", "problem", tmp_path / "new")
    before = {p: p.read_text() for p in (tmp_path / "new").rglob("*") if p.is_file()}
    with pytest.raises(UsageError, match="is not an empty folder"):
        write_package("fresh", "metric", tmp_path / "new")
    assert before == {p: p.read_text() for p in (tmp_path / "new").rglob("*") if p.is_file()}
