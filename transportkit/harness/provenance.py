"""Provenance: the versions, sources and files that a result depends on."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from .. import registry
from ..core.choice import Choice
from ..core.record import JUDGING, Run
from ..core.spec import ProblemSpec
from ..errors import DataError

_MISSING = "not installed"
_LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "POT", "torchdiffeq", "numba")


def versions(chosen: dict[str, list[Choice]]) -> dict[str, str]:
    """What the numbers of a run depend on beyond its parameters.

    `chosen` holds the plugins in use by kind. The code of transportkit and of each plugin is named
    by version and by a digest of its sources, so that a result is never taken for that of code
    which has changed since; files that a problem reads are named by their digest. Packages of
    what judges a fit bear their kind ("metric:theirs"): the fit does not depend on them.
    """
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        if (number := _version(library)) != _MISSING:
            found[library] = number
    for kind, choices in chosen.items():
        for choice in choices:
            for package, told in code(kind, choice).items():
                own = kind in JUDGING and package != "transportkit"
                found[f"{kind}:{package}" if own else package] = told
            spec = registry.describe(kind, choice.name).spec
            if isinstance(spec, ProblemSpec):
                for name in spec.files:
                    found[_of_file(choice, name)] = digest(Path(str(choice.params[name])))
    return found


def inputs(run: Run) -> list[Path]:
    """The files that a run's problem is read from: those whose digest the run has."""
    params = run.problem.params
    names = [name for name in params if _of_file(run.problem, name) in run.versions]
    return [file for name in names for file in files(Path(str(params[name])))]


def _of_file(problem: Choice, parameter: str) -> str:
    return f"{problem.name} {parameter}"


def code(kind: str, choice: Choice) -> dict[str, str]:
    """The version and the digest of transportkit, and of the package that a plugin is of."""
    found = {"transportkit": f"{_version('transportkit')} {sources('transportkit')}"}
    loaded = registry.describe(kind, choice.name)
    package = loaded.spec.implementation.partition(":")[0].partition(".")[0]
    if package != "transportkit":
        found[package] = f"{loaded.entry.version} {sources(package)}"
    return found


@cache
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return _MISSING


@cache
def sources(package: str) -> str:
    """A digest of a package's Python files."""
    spec = sys.modules[package].__spec__ if package in sys.modules else find_spec(package)
    places = [Path(p) for p in (spec.submodule_search_locations or [])] if spec else []
    total = hashlib.sha256()
    for place in places:
        for path in sorted(place.rglob("*.py")):
            total.update(path.relative_to(place).as_posix().encode())
            total.update(path.read_bytes())
    if not places and spec and spec.origin:
        total.update(Path(spec.origin).read_bytes())
    return total.hexdigest()[:12]


def files(path: Path) -> list[Path]:
    """The files that a name stands for: all that match one with ``*`` or ``?``, and without what
    stands after the last ``#``, which picks a part. A file that has the whole name is that."""
    if _is_pattern(path):
        return sorted(path.parent.glob(path.name))
    name, hash_sign, _ = str(path).rpartition("#")
    return [Path(name) if hash_sign and not os.path.exists(path) else path]


def _is_pattern(path: Path) -> bool:
    return any(mark in path.name for mark in "*?") and not os.path.exists(path)


def digest(path: Path) -> str:
    """The SHA-256 of the file that a name stands for, or of the names and digests of several."""
    found = files(path)
    if _is_pattern(path):
        total = hashlib.sha256()
        for file in found:
            total.update(f"{file.name} {digest(file)}\n".encode())
        return total.hexdigest()
    (file,) = found
    if file.exists() and not file.is_file():
        # A pipe or a device may have no end, and does not say the same twice.
        what = "a folder; name a file in it" if file.is_dir() else "no plain file; save it as one"
        raise DataError(f"'{file}' is {what}")
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        raise DataError(
            f"there is no file '{file}'; check the name, or give the whole path"
        ) from None
    except OSError as error:
        raise DataError(f"'{file}' cannot be read: {error.strerror}") from None
