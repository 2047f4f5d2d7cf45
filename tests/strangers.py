"""Distributions of plugins, made on disk as an installer would and put on the path."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from transportkit import registry

GOOD = """
from transportkit import MetricSpec
one = MetricSpec(summary="counts to one", implementation="{module}_code:One", {extra})
"""
CODE = """
from dataclasses import dataclass
from transportkit import Metric

@dataclass(frozen=True)
class One(Metric):
    def evaluate(self, evidence, generator):
        return 1.0
"""


class Strangers:
    """A folder on the path in which distributions appear."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: list[str] = []

    def install(
        self,
        distribution: str,
        points: Mapping[str, str] | str,
        files: Mapping[str, str],
        kind: str = "metric",
        metadata: str | None = None,
    ) -> None:
        """One distribution with entry points of a kind and the modules in files."""
        info = self.folder / f"{distribution.replace('-', '_')}-1.5.dist-info"
        info.mkdir()
        if metadata is None:
            metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n"
        if metadata:
            (info / "METADATA").write_text(metadata)
        if not isinstance(points, str):
            lines = [f"{name} = {target}" for name, target in points.items()]
            points = "\n".join([f"[transportkit.{kind}s]", *lines])
        (info / "entry_points.txt").write_text(points)
        for module, text in files.items():
            (self.folder / f"{module}.py").write_text(text)
            self.modules.append(module)
        registry.refresh()

    def good(self, distribution: str, name: str, extra: str = "") -> None:
        """A distribution whose metric `name` works."""
        module = distribution.replace("-", "_")
        spec = GOOD.format(module=module, extra=extra)
        self.install(distribution, {name: f"{module}:one"}, {module: spec, f"{module}_code": CODE})

    def forget(self) -> None:
        """Let what was imported be imported again."""
        for module in self.modules:
            sys.modules.pop(module, None)
        registry.refresh()


@pytest.fixture
def strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Strangers]:
    """Plugins of strangers, gone again afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    made = Strangers(tmp_path)
    yield made
    monkeypatch.undo()
    made.forget()
