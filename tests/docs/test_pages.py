"""The pages agree with the program: names, options, fields, links, commands."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest
import yaml

from transportkit import Budget, Choice, Result, Run, registry
from transportkit.cli.app import tk
from transportkit.cli.options import merged, parse_set
from transportkit.cli.run import SHARED, chosen_data, settings
from transportkit.harness.compare import Row
from transportkit.harness.experiment import Experiment
from transportkit.harness.plan import parse_seeds, plan
from transportkit.harness.suite import parse_nfes, read_suite
from transportkit.report.document import result_document

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
SECTIONS = {"method": "methods.md", "problem": "problems.md", "metric": "metrics.md"}


def flat(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command by its name as typed, those of groups included."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from flat(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


COMMANDS = dict(flat(tk))


def docs(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def headings(text: str) -> list[str]:
    """The headings of a page, outside its code blocks."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ (.+)$", prose, re.MULTILINE)


def anchor(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def blocks(text: str, language: str = r"\w*") -> list[str]:
    pattern = rf"^```({language})(?: [^\n]*)?\n(.*?)^```$"
    return [body for _, body in re.findall(pattern, text, re.MULTILINE | re.DOTALL)]


def commands(text: str) -> Iterator[list[str]]:
    """Every `tk ...` command in the code blocks and code spans of a page, as arguments."""
    lines = [line for block in blocks(text) for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines += re.findall(r"`(tk [^`]+)`", prose)
    for line in lines:
        for part in re.split(r"&&|\|", line.removeprefix("$ ")):
            words = shlex.split(part, comments=True) if part.strip().startswith("tk ") else []
            # A word in capitals stands for what a reader fills in; a command alone is its name.
            alone = " ".join(words[1:]) in ("", *tk.commands, *COMMANDS)
            if not alone and not any(word.isupper() for word in words):
                yield words[1:]


ALL_COMMANDS = [
    pytest.param(page, words, id=f"{page.stem}-{' '.join(words)}")
    for page in PAGES
    for words in commands(page.read_text())
]


@pytest.mark.parametrize("kind", SECTIONS)
def test_every_plugin_has_a_section(kind: str) -> None:
    own = {e.name for e in registry.entries(kind) if e.distribution == "transportkit"}
    page = headings(docs(SECTIONS[kind]))
    assert own
    assert not own - set(page)


def test_every_integrator_is_described() -> None:
    for entry in registry.entries("integrator"):
        if entry.distribution == "transportkit":
            assert f"`{entry.name}`" in docs("methods.md")


def test_readme_names_every_plugin() -> None:
    readme = (ROOT / "README.md").read_text()
    for kind in registry.KINDS:
        for entry in registry.entries(kind):
            if entry.distribution == "transportkit":
                assert f"`{entry.name}`" in readme, entry.name


def test_every_command_and_option_is_on_the_page() -> None:
    page = docs("command-line.md")
    assert {f"tk {name}" for name in COMMANDS} <= set(headings(page))
    for name, command in COMMANDS.items():
        for parameter in command.params:
            for option in parameter.opts if isinstance(parameter, click.Option) else []:
                assert re.search(rf"`{option}\b", page), f"tk {name} {option}"


def test_every_option_on_the_pages_exists() -> None:
    known = {"--help", "--version"}
    for command in COMMANDS.values():
        for parameter in command.params:
            known |= set(parameter.opts)
    foreign = {
        "--check",
        "--exact",
        "--hook-type",
        "--nproc-per-node",
        "--nthreads",
        "--nworkers",
        "--repeats",
        "--scale",
        "--standalone",
        "--strict",
        "--width",
    }
    for page in PAGES:
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", page.read_text()))
        assert named <= known | foreign, page


@pytest.mark.parametrize(("page", "words"), ALL_COMMANDS)
def test_commands_parse(page: Path, words: list[str]) -> None:
    name, *arguments = words
    if name.startswith("-"):
        assert name in ("--help", "--version")
        return
    if isinstance(tk.commands.get(name), click.Group):
        name = f"{name} {arguments.pop(0)}"
    given = COMMANDS[name].make_context(name, arguments).params
    if page.name in ("write-a-method.md", "plugins.md") or name == "plugin new":
        # Their methods exist only there, and are run by the tests of those pages.
        own = {"method", "methods", "sets", "name", "data", "metric", "integrator"}
        given = {k: v for k, v in given.items() if k not in own}
    _check_choices(given)


def _check_choices(given: dict) -> None:
    """Names, parameters and values of a command, without running it."""
    overrides = parse_set(tuple(given.get("sets", ())))
    for method in [given.get("method"), *given.get("methods", ())]:
        if method:
            registry.parse_choice("method", method, overrides)
    for problem in given.get("data", ()):
        registry.parse_choice("problem", problem)
    for metric in given.get("metric", ()):
        registry.parse_choice("metric", metric)
    for integrator in _several(given.get("integrator")):
        registry.parse_choice("integrator", integrator)
    for budget in _several(given.get("budget")):
        Budget.parse(budget)
    for nfe in _several(given.get("nfe")):
        parse_nfes(str(nfe))
    parse_set(given.get("sweep", ()), "--sweep")
    if given.get("seeds"):
        parse_seeds(given["seeds"])
    if given.get("name"):
        assert any(e.name == given["name"] for k in registry.KINDS for e in registry.entries(k))


def _several(given: object) -> list:
    if given is None:
        return []
    return list(given) if isinstance(given, tuple) else [given]


def test_the_suite_example_is_read(tmp_path: Path) -> None:
    (example,) = blocks(docs("comparing.md"), "yaml")
    file = tmp_path / "suite.yaml"
    file.write_text(example)
    smaller = Experiment(**read_suite(file, reduced=True)).runs()
    assert 0 < len(smaller) < len(Experiment(**read_suite(file)).runs())


def test_the_config_example_is_read(tmp_path: Path) -> None:
    (example,) = blocks(docs("command-line.md"), "yaml")
    file = tmp_path / "run.yaml"
    file.write_text(example)
    values = merged({}, str(file), SHARED | {"method", "set", "seed"})
    assert set(yaml.safe_load(example)) <= set(values)
    (run,) = plan(
        [values["method"]],
        chosen_data(values),
        [values["seed"]],
        settings(values),
        values["set"],
    )
    assert run.method.params["lr"] == 1e-3
    assert run.problem.params["dim"] == 16
    assert run.budget == Budget(steps=500)
    assert run.seed == 3


def test_every_json_field_is_on_the_page() -> None:
    page = docs("command-line.md")
    result = Result(Run(Choice("linear"), Choice("moons")), "done")
    for name in [*result_document(result), *(field.name for field in fields(Row))]:
        assert f"`{name}`" in page, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if link.startswith(("http://", "https://")):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if fragment:
            assert fragment in map(anchor, headings(target.read_text())), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_place_of_one_machine_is_named(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"(?<![\w.])/(?:work|tmp|home|opt|root|Users)/", text)
    assert "pypi" not in text.lower()


def test_readme_and_ci_install_and_test_alike() -> None:
    readme = blocks((ROOT / "README.md").read_text())
    ci = (ROOT / ".ci" / "run").read_text()
    (run,) = (b.strip() for b in readme if "venv" in b)
    assert run.splitlines() == [
        "python3 -m venv .venv && . .venv/bin/activate && pip install -c constraints.txt -e . "
        "&& tk run efm --data gaussians --seed 0"
    ]
    (test,) = (b.strip() for b in readme if "pytest" in b)
    install, command = test.split(" && ")
    assert install.replace("pip install", "pip install -q") in ci.splitlines()
    assert command in ci.splitlines()
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    for check in ("ruff check .", "ruff format --check .", "mypy", "pytest"):
        assert check in ci.splitlines()
        assert check in contributing.splitlines()


def test_what_the_install_lines_name_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for page in PAGES:
        for extra in re.findall(r"(?:\.|transportkit)\[(\w+)\]'", page.read_text()):
            assert extra in project["optional-dependencies"]
    assert (ROOT / "constraints.txt").exists()
    assert project["scripts"]["tk"] == "transportkit.cli:main"
    version = re.search(r"version += \{([\d.]+)\}", (ROOT / "README.md").read_text())
    assert version is not None
    assert version[1] == project["version"]
