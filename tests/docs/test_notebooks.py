"""The example notebooks run from top to bottom."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(notebook: Path, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="needs the extra dev")
    client = pytest.importorskip("nbclient", reason="needs the extra dev")
    content = nbformat.read(notebook, as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    client.NotebookClient(content, timeout=300, kernel_name="python3", resources=place).execute()
    cells = [cell for cell in content.cells if cell.cell_type == "code"]
    shown = [o for cell in cells for o in cell.outputs if o.output_type == "execute_result"]
    assert any("<table>" in output.data.get("text/html", "") for output in shown)
    assert (tmp_path / "runs").is_dir()
