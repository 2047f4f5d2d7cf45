"""The page about plugins: its commands are run and its code is executed."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from transportkit import registry
from transportkit.cli import main
from transportkit.testing import checks

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()
BLOCKS = re.findall(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL)
FILES = [(title, body) for _, title, body in BLOCKS if title]
CODE = [body for language, _, body in BLOCKS if language == "python"]
COMMANDS = [line for language, _, body in BLOCKS if not language for line in body.splitlines()]


def install(project: Path) -> None:
    """Put the metadata on the path that an installer would write for this project."""
    about = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    info = project / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
    )
    lines = []
    for group, points in about["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    sys.path.insert(0, str(project))
    registry.refresh()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder with the page's files, current and on the path; all is undone afterwards."""
    for name, text in FILES:
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = set(sys.modules)
    yield tmp_path
    monkeypatch.undo()
    for module in set(sys.modules) - before:
        if module.startswith(("transportkit_my", "my_shift")):
            del sys.modules[module]
    registry.refresh()


def test_every_command_works(bench: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    for line in COMMANDS:
        words = shlex.split(line)
        with monkeypatch.context() as patch:
            while "=" in words[0]:
                patch.setenv(*words.pop(0).split("=", 1))
            registry.refresh()
            if words[:2] == ["pip", "install"]:
                install(bench / words[-1])
            elif words[:2] == ["pip", "uninstall"]:
                shutil.rmtree(bench / words[-1])
            else:
                with pytest.raises(SystemExit) as stop:
                    main(words[1:])
                seen[line] = capsys.readouterr()
                assert stop.value.code == 0, f"{line}\n{seen[line].err}"
    assert "0 failed" in seen["tk plugin check my-method"].out
    listed = seen["tk plugin list"].out
    assert "my-method" not in listed
    assert "0 broken" in listed
    assert "shift" in next(v.out for k, v in seen.items() if "shift2" in k)


@pytest.mark.parametrize("code", CODE, ids=lambda code: code.splitlines()[0])
def test_code_runs(code: str, bench: Path) -> None:
    exec(compile(code, "plugins.md", "exec"), {"__name__": "page"})


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_check_is_on_the_page(kind: str) -> None:
    name = registry.entries(kind)[0].name
    for check in checks(kind, name):
        assert f"`{check.name}`" in PAGE, check.name


def test_every_variable_is_on_the_page() -> None:
    for name in ("TK_PLUGINS", "TK_DISABLE_PLUGINS", "TK_IMPORT_SECONDS"):
        assert f"`{name}" in PAGE
