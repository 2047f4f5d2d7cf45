"""Pages that are made when the site is built: of every method, of public names, of the notebooks.

A page of a method is made from its spec, so that it says what `tk info` says. Links that lead out
of the documentation, to source code, become the names of the files. Formulas become MathML, which
browsers show by themselves.
"""

from __future__ import annotations

import ast
import html
import json
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import transportkit
from transportkit import About, available

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
STUB = Path(transportkit.__file__).with_name("__init__.pyi")
GUIDE = ["index.md", "tutorial.md", "concepts.md", "theory.md", "methods.md", "problems.md"]
COPIES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
PARTS = {
    "api": ("Python API", "What the command line does, from Python."),
    "core": ("Contracts", "What models, methods, problems and metrics are."),
    "integrate": ("Integrators", "How lines are followed."),
    "train": ("Trainers", "How an objective becomes a model."),
    "nets": ("Networks", "Networks whose weights are drawn from a generator."),
    "transport": ("Transports", "A model with its integrator."),
    "harness": ("Findings", "What a comparison and a reproduction found."),
    "errors": ("Errors", "Each message is one line for the user."),
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The contents: known pages first, and every further page of the folder after them."""
    authors = ["write-a-method.md", "plugins.md"]
    project = ["cite.md", "contributing.md", "changelog.md"]
    others = sorted(p.name for p in DOCS.glob("*.md") if p.name not in {*GUIDE, *authors, *project})
    notebooks = [f"examples/{p.stem}.md" for p in sorted(DOCS.glob("examples/*.ipynb"))]
    pages = sorted(str(p.relative_to(DOCS)) for p in DOCS.glob("*/*.md"))
    config.nav = [
        {"Guide": [*GUIDE, *others, *pages, *notebooks]},
        {"Methods": [f"methods/{about.name}.md" for about in _methods()]},
        {"Plugins": authors},
        {"Reference": [f"reference/{part}.md" for part in [*PARTS, "testing"]]},
        {"Project": project},
    ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is made here to what lies in the folder."""
    for path, content in _pages():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links out of the folder lead to copies where there are some, and else name the file.

    A method's section leads to its page.
    """

    here = posixpath.dirname(page.file.src_uri)
    markdown = markdown.replace(".ipynb)", ".md)")

    def led(match: re.Match[str]) -> str:
        text, path = match[1], posixpath.normpath(posixpath.join(here, match[2]))
        if not path.startswith("../"):
            return match[0]
        outside = path.removeprefix("../")
        if outside in COPIES:
            return f"[{text}]({posixpath.relpath(COPIES[outside], here or '.')})"
        return text if outside in ("README.md", text) else f"{text} (`{outside}`)"

    markdown = re.sub(r"(?<!!)\[([^\]]+)\]\((\.\./[^)#\s]+)[^)]*\)", led, markdown)
    if page.file.src_uri == "methods.md":
        for about in _methods():
            markdown = re.sub(
                rf"^## {re.escape(about.name)}$",
                f"## {about.name}\n\n[Parameters](methods/{about.name}.md)",
                markdown,
                flags=re.MULTILINE,
            )
    return _without_formulas(markdown, page)


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the formulas in their places, as MathML."""
    for place, formula in page.meta.get("formulas", {}).items():
        content = content.replace(place, formula)
    return content


_CODE_OR_FORMULA = re.compile(
    r"^ *```.*?^ *```$|`[^`]+`"
    r"|\$\$(?P<display>.+?)\$\$|\$(?P<inline>[^\s$](?:[^$]*?[^\s$])?)\$",
    re.MULTILINE | re.DOTALL,
)


def _without_formulas(markdown: str, page: Page) -> str:
    """The text with a word in place of each formula, which Markdown would take apart."""
    formulas: dict[str, str] = {}

    def kept(match: re.Match[str]) -> str:
        formula = match["display"] or match["inline"]
        if formula is None:
            return match[0]
        place = f"FORMULA{len(formulas)}ENDS"
        formulas[place] = convert(formula, display="block" if match["display"] else "inline")
        return place

    replaced = _CODE_OR_FORMULA.sub(kept, markdown)
    page.meta = {**page.meta, "formulas": formulas}
    return replaced


def _pages() -> Iterator[tuple[str, str]]:
    for about in _methods():
        yield f"methods/{about.name}.md", _method(about)
    for part, names in _names().items():
        title, said = PARTS[part]
        yield f"reference/{part}.md", _reference(title, said, names)
    yield (
        "reference/testing.md",
        _reference(
            "Conformance",
            "Imported from `transportkit.testing`.",
            [f"transportkit.testing.{n}" for n in _testing()],
        ),
    )
    yield "cite.md", _cite()
    for name, copy in COPIES.items():
        # Their links are written from the top of the repository.
        yield copy, (ROOT / name).read_text().replace("](docs/", "](")
    for notebook in DOCS.glob("examples/*.ipynb"):
        yield f"examples/{notebook.stem}.md", _notebook(json.loads(notebook.read_text()))


def _methods() -> list[About]:
    return [about for about in available("methods") if about.distribution == "transportkit"]


def _method(about: About) -> str:
    facts = "".join(
        f"<tr><td>{title}</td><td>{html.escape(value)}</td></tr>" for title, value in about.lines()
    )
    rows = "\n".join(
        f"| `{name}` | `{default}` | {kind.replace('|', ', ')} | {html.escape(said)} |"
        for name, default, kind, said in about.rows()
    )
    table = "It has no parameters."
    if rows:
        table = f"| Parameter | Default | Type | Meaning |\n|---|---|---|---|\n{rows}"
    return (
        f"# {about.name}\n\n{about.summary[0].upper()}{about.summary[1:]}. What it is for: "
        f"[Methods](../methods.md#{_anchor(about.name)}).\n\n<table>{facts}</table>\n\n"
        f"## Parameters\n\n{table}\n\n## Run it\n\n```\ntk run {about.name} --data gaussians "
        f"--seed 0\n```\n\n```python\nfrom transportkit import run\n\n"
        f'run("{about.name}", "gaussians", seed=0)\n```\n'
    )


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _names() -> dict[str, list[str]]:
    """The public names by the part that they live in, as the stub lists them."""
    found: dict[str, list[str]] = defaultdict(list)
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = node.module or ""
                found[module.split(".")[0]].append(f"transportkit.{module}.{alias.name}")
    return {part: found[part] for part in PARTS}


def _testing() -> list[str]:
    tree = ast.parse((ROOT / "transportkit" / "testing" / "__init__.py").read_text())
    return [a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names]


def _reference(title: str, said: str, names: list[str]) -> str:
    return "\n\n".join([f"# {title}", said, *(f"::: {name}" for name in names)]) + "\n"


def _cite() -> str:
    (entry,) = re.findall(r"^```bibtex\n.*?^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    rows = "\n".join(
        f"| [`{about.name}`](methods/{about.name}.md) | {html.escape(about.spec.citation)} |"
        for about in _methods()
        if about.spec
    )
    return (
        "# How to cite\n\nCite transportkit with the version that was run, which every result "
        f"names, and the methods.\n\n{entry}\n\n| Method | Source |\n|---|---|\n{rows}\n"
    )


def _notebook(content: dict[str, Any]) -> str:
    """A notebook's cells with the outputs that are saved in it."""
    return "\n\n".join(filter(None, map(_cell, content["cells"]))) + "\n"


def _cell(cell: dict[str, Any]) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    parts = [f"```python\n{source}\n```"]
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "text/html" in data:
            parts.append("<div>" + "".join(data["text/html"]).replace("\n", " ") + "</div>")
        elif "image/png" in data:
            parts.append(f'<img src="data:image/png;base64,{"".join(data["image/png"]).strip()}">')
        elif text := "".join(data.get("text/plain", output.get("text", ""))):
            parts.append(f"```\n{text.rstrip()}\n```")
    return "\n\n".join(parts)
