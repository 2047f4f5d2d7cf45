"""The pages that are made when the site is built say what the specs say."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

import transportkit
from transportkit import available

HOOKS = Path(__file__).parents[2] / "docs" / "site" / "hooks.py"


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    pytest.importorskip("mkdocs", reason="needs the extra docs")
    spec = importlib.util.spec_from_file_location("site_hooks", HOOKS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_method_has_a_page_of_its_spec(hooks: ModuleType) -> None:
    pages = dict(hooks._pages())
    own = [about for about in available("methods") if about.distribution == "transportkit"]
    assert own
    for about in own:
        page = pages[f"methods/{about.name}.md"]
        for parameter in about.parameters.values():
            assert f"| `{parameter.name}` |" in page
        assert about.spec is not None
        assert about.name in pages["cite.md"]


def test_every_public_name_is_in_the_reference(hooks: ModuleType) -> None:
    pages = {path: text for path, text in hooks._pages() if path.startswith("reference/")}
    named = {line.rpartition(".")[2] for text in pages.values() for line in text.splitlines()}
    assert set(transportkit.__all__) <= named


def test_formulas_become_mathml_and_code_stays(hooks: ModuleType) -> None:
    class Page:
        meta: dict[str, object] = {}  # noqa: RUF012

    text = "`a $b$ c` is $x_0$, and\n\n$$\\frac{1}{2}$$\n\n```\necho $HOME $PATH\n```\n"
    page = Page()
    replaced = hooks._without_formulas(text, page)
    assert "$HOME $PATH" in replaced
    assert "`a $b$ c`" in replaced
    assert "x_0" not in replaced
    assert "frac" not in replaced
    shown = hooks.on_page_content(replaced, page, None, None)
    assert shown.count("<math") == 2
    assert "<mfrac>" in shown
