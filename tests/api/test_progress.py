"""Progress in a notebook is one line that is redrawn in place; in a pipe there is none."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from transportkit.api import progress
from transportkit.report.bars import Bars


class Handle:
    def __init__(self) -> None:
        self.shown: list[str] = []

    def update(self, text: str) -> None:
        self.shown.append(text)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Handle:
    """A process that looks like the kernel of a notebook."""
    handle = Handle()
    display = ModuleType("IPython.display")
    display.HTML = str  # type: ignore[attr-defined]

    def show(text: str, display_id: bool = False) -> Any:
        handle.shown.append(text)
        return handle if display_id else None

    display.display = show  # type: ignore[attr-defined]
    shell = ModuleType("IPython")
    shell.get_ipython = lambda: SimpleNamespace(kernel=True)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    return handle


def test_a_notebook_gets_one_line_that_goes_away(notebook: Handle) -> None:
    with progress.watched(None, total=2) as bars:
        bars.listen("fit", 3, 10, "loss <1")
        bars.next_run("a run")
        bars.listen("push", 1, None, "")
    assert 'value="3" max="10"' in notebook.shown[1]
    assert "run 1 of 2, fitting loss &lt;1" in notebook.shown[1]
    assert "run 2 of 2, moving points" in notebook.shown[2]
    assert notebook.shown[-1] == ""


def test_nothing_is_shown_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)
    with progress.watched(None) as bars:
        bars.listen("fit", 0, 1, "")
    assert isinstance(bars, Bars)
    assert not bars.shown
    assert isinstance(progress.watched(False), progress.Silent)
