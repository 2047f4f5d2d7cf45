"""A complete, installable plugin package, written from templates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from string import Template

from .. import registry
from ..errors import UsageError, did_you_mean, unwritable

KINDS: Mapping[str, str] = {
    "method-field": "method",
    "method-map": "method",
    "problem": "problem",
    "metric": "metric",
}
"""What can be begun, and the kind of plugin that it is."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_RESERVED = {"none", "true", "false"}
_LONGEST = 40
_USE = {
    "method": "```\ntk run $name --data gaussians\ntk compare $name linear --data gaussians\n```",
    "problem": "```\ntk run linear --data $name\ntk compare linear emd --data $name\n```",
    "metric": "```\ntk run linear --data gaussians --metric $name\n```",
}


def write_package(name: str, template: str, folder: Path) -> list[Path]:
    """Write the package of a new plugin into `folder`; the files written, in order.

    Raises UsageError for a name that cannot be one or is taken, and where the folder is not empty
    or cannot be written; then nothing is left of what was.
    """
    if template not in KINDS:
        raise UsageError(f"no '{template}' can be begun; {did_you_mean(template, KINDS)}")
    kind = KINDS[template]
    _check_name(name, kind)
    there = folder.exists()
    try:
        if there and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"'{folder}' exists and is not an empty folder; nothing was written")
    except OSError as error:
        raise UsageError(f"'{folder}' cannot be read: {error.strerror}") from error
    written: list[Path] = []
    for path, text in _files(name, template).items():
        file = folder / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            written.append(file)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            _take_back(written, folder, there)
            raise UsageError(unwritable(file, error)) from error
    return written


def _take_back(written: Sequence[Path], folder: Path, there: bool) -> None:
    """Remove files and the folders that they are in; `folder` itself where it was not `there`."""
    for file in written:
        file.unlink(missing_ok=True)
    for place in {file.parent for file in written} - {folder}:
        place.rmdir()
    if not there and folder.is_dir():
        folder.rmdir()


def distribution_of(name: str) -> str:
    """The distribution, and the folder, of a new plugin."""
    return f"transportkit-{name}"


def _files(name: str, template: str) -> Mapping[str, str]:
    """The text of every file, by its path in the package."""
    kind, package = KINDS[template], distribution_of(name).replace("-", "_")
    words = {
        "name": name,
        "kind": kind,
        "package": package,
        "distribution": distribution_of(name),
        "class_name": _class_name(name, kind),
        "function": "make_" + name.replace("-", "_"),
        "budget": ", budget=Budget(steps=500)" if template == "method-field" else "",
        "use": Template(_USE[kind]).substitute(name=name),
    }
    conformance = _read("shared", "test_conformance.py").substitute(words)
    if words["budget"]:
        before = "from transportkit.testing import"
        conformance = conformance.replace(before, f"from transportkit import Budget\n{before}")
    return {
        "pyproject.toml": _read("shared", "pyproject.toml").substitute(words),
        "README.md": _read("shared", "README.md").substitute(words),
        f"{package}/__init__.py": _read(template, "init.py").substitute(words),
        f"{package}/{kind}.py": _read(template, "implementation.py").substitute(words),
        "tests/test_conformance.py": conformance,
        f"tests/test_{kind}.py": _read(template, "test_own.py").substitute(words),
    }


def _class_name(name: str, kind: str) -> str:
    """A class name that ends with the kind, so that it hides no other name of the module."""
    words = [*name.split("-"), kind]
    if words[-2] == kind and len(words) > 2:
        words.pop()
    return "".join(word.capitalize() for word in words)


def _read(template: str, file: str) -> Template:
    source = resources.files(__package__) / "templates" / template / f"{file}.in"
    return Template(source.read_text(encoding="utf-8"))


def _check_name(name: str, kind: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST or name in _RESERVED:
        raise UsageError(
            f"'{name}' cannot be a plugin's name; write small letters, digits and single hyphens, "
            f"a letter first, at most {_LONGEST} characters, such as my-{kind}"
        )
    package = distribution_of(name).replace("-", "_")
    if find_spec(package) is not None:
        raise UsageError(f"a package '{package}' is installed already; choose another name")
    for entry in registry.entries(kind):
        if entry.name == name:
            raise UsageError(
                f"a {kind} '{name}' is there already, of {entry.distribution} {entry.version}; "
                "choose another name"
            )
