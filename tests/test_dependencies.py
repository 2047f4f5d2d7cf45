"""Which part may import which, read from the source, for parts that exist now or later."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import transportkit

ROOT = Path(__file__).parents[1]
CORE = ROOT / "transportkit"
PLUGINS = ROOT / "plugins"
HEAVY = {"torch", "numpy", "scipy", "ot", "numba", "sklearn", "matplotlib", "torchdiffeq"}
LIGHT_PARTS = {"discovery", "errors", "installed"}
LIGHT_CORE = {"choice", "guest", "params", "patience", "record", "span", "spec", "status"}
LIGHT = [
    *(f"transportkit.core.{name}" for name in sorted(LIGHT_CORE)),
    *("transportkit", "transportkit.errors", "transportkit.discovery", "transportkit.registry"),
    *("transportkit.integrate", "transportkit.metrics", "transportkit.problems"),
    *("transportkit.cli", "transportkit.cli.app"),
    *sorted(p.parent.name for p in PLUGINS.glob("*/__init__.py")),
]
TYPES_ONLY = "TYPE_CHECKING"


@dataclass(frozen=True)
class Import:
    """One import of a file: module, name taken from it, whether it runs when the file loads."""

    file: Path
    line: int
    module: str
    name: str
    at_import: bool

    @property
    def top(self) -> str:
        return self.module.split(".")[0]

    @property
    def whole(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.whole}"


def imports(file: Path) -> Iterator[Import]:
    """Every import in a file, those within functions and under TYPE_CHECKING included."""
    base = ROOT if file.is_relative_to(CORE) else PLUGINS
    package = list(file.relative_to(base).parent.parts)
    tree = ast.parse(file.read_text(), str(file))
    later = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(node, ast.If) and TYPES_ONLY in ast.unparse(node.test))
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name, "", id(node) not in later)
        elif isinstance(node, ast.ImportFrom):
            parts = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*parts, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(file, node.lineno, module, alias.name, id(node) not in later)


def under(*folders: str) -> list[Import]:
    files = [f for folder in folders for f in sorted((CORE / folder).rglob("*.py"))]
    return [i for file in files for i in imports(file)]


def own(i: Import) -> str | None:
    """The part of transportkit that an import takes from: 'core', 'errors', ...; None outside."""
    parts = i.whole.split(".")
    return parts[1] if parts[0] == "transportkit" and len(parts) > 1 else None


def plugin_imports() -> list[Import]:
    return [i for file in sorted(PLUGINS.rglob("*.py")) for i in imports(file)]


def test_the_reader_of_imports_sees_them() -> None:
    seen = {i.whole for i in imports(CORE / "integrate" / "ode.py")}
    assert {"torchdiffeq", "torch.Tensor", "transportkit.core.span.Interval"} <= seen
    assert {"transportkit.errors.Refusal"} <= seen
    late = {i.whole: i.at_import for i in imports(CORE / "registry.py")}
    assert late["transportkit.core.params.coerce"]


def test_core_imports_torch_and_the_standard_library() -> None:
    allowed = {"torch", *sys.stdlib_module_names}
    for i in under("core"):
        part = own(i)
        assert part in ("core", "errors") if i.top == "transportkit" else i.top in allowed, str(i)


@pytest.mark.parametrize("folder", ["integrate", "train", "nets", "problems", "metrics"])
def test_the_parts_beside_core_import_core_and_themselves(folder: str) -> None:
    found = under(folder)
    assert found
    for i in found:
        assert i.top not in _plugin_names(), str(i)
        if i.top == "transportkit":
            assert own(i) in ("core", "errors", folder), str(i)


def test_the_registry_imports_light_parts() -> None:
    for name in ("registry.py", "discovery.py", "installed.py", "errors.py"):
        for i in imports(CORE / name):
            if i.top == "transportkit":
                whole = i.whole.split(".")
                light = whole[1] in LIGHT_PARTS or whole[2:3][0] in LIGHT_CORE
                assert light, str(i)
            else:
                assert i.top in sys.stdlib_module_names, str(i)


def test_harness_and_report_import_no_plugin_and_no_command_line() -> None:
    for i in under("harness", "report"):
        assert i.top not in _plugin_names(), str(i)
        assert own(i) != "cli", str(i)
    for i in under("report"):
        assert own(i) != "harness" or not i.at_import, str(i)


def test_the_command_line_imports_nothing_heavy_and_no_plugin() -> None:
    for i in under("cli"):
        assert i.top not in _plugin_names(), str(i)
        assert not i.at_import or i.top not in HEAVY, str(i)


def test_no_other_part_knows_the_command_line() -> None:
    inside = CORE / "cli", CORE / "__main__.py"
    others = [f for f in CORE.rglob("*.py") if not any(f.is_relative_to(i) for i in inside)]
    for i in (i for file in others for i in imports(file)):
        assert own(i) != "cli", str(i)


def test_a_plugin_imports_public_names_and_no_other_plugin() -> None:
    found = plugin_imports()
    assert found
    for i in found:
        mine = i.file.relative_to(PLUGINS).parts[0]
        assert i.top == mine or i.top not in _plugin_names(), str(i)
        if i.top == "transportkit":
            assert i.module == "transportkit", f"{i}, not a public name"
            assert i.name in transportkit.__all__, f"{i}, not a public name"


def test_optimal_transport_is_imported_where_it_is_the_subject() -> None:
    everything = [i for file in sorted(CORE.rglob("*.py")) for i in imports(file)]
    for i in (i for i in [*everything, *plugin_imports()] if i.top == "ot"):
        where = i.file.relative_to(ROOT).as_posix()
        coupling = where.startswith("plugins/transportkit_flow/") and "coupling" in where
        subject = where.startswith(("plugins/transportkit_ot/", "transportkit/metrics/"))
        assert subject or coupling, str(i)


def _plugin_names() -> set[str]:
    return {p.parent.name for p in PLUGINS.glob("*/__init__.py")}


def test_light_modules_load_nothing_heavy() -> None:
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[2:]:\n"
        "    importlib.import_module(name)\n"
        "    heavy = sorted(set(sys.argv[1].split(',')) & set(sys.modules))\n"
        "    assert not heavy, f'{name} loads {heavy}'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, ",".join(sorted(HEAVY)), *LIGHT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
