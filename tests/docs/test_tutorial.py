"""The tutorial's commands and code run, in order, and find each other's runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.docs.test_pages import COMMANDS
from transportkit import gather
from transportkit.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_command_is_in_the_table() -> None:
    assert {f"`tk {name}`" for name in COMMANDS} <= set(re.findall(r"`tk [^`]+`", PAGE))


def test_every_block_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for language, body in BLOCKS:
        if language == "python":
            exec(compile(body, "tutorial.md", "exec"), names)
            continue
        for line in body.splitlines():
            with pytest.raises(SystemExit) as stop:
                main(shlex.split(line)[1:])
            assert stop.value.code == 0, capsys.readouterr().err
    # What was compared at the command line is what was compared in Python: three methods, three
    # seeds.
    runs = [r.run for r in gather("runs").records]
    assert len([r for r in runs if r.train == 1000]) == 9
    assert {r.method.name for r in runs} == {"linear", "sliced", "emd", "cfm"}
