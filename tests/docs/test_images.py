"""The scripts that draw the pictures still draw them."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from transportkit.cli import main

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PNG = b"\x89PNG"


def test_capacitor(tmp_path: Path) -> None:
    script = runpy.run_path(str(IMAGES / "make_capacitor.py"))
    script["main"].__globals__["SHOWN"] = 6
    script["main"](tmp_path / "capacitor.png")
    assert (tmp_path / "capacitor.png").read_bytes().startswith(PNG)


def test_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = "tk run efm:steps=2,lines=20,charges=100,width=16 --data gaussians --points 40"
    with pytest.raises(SystemExit) as stop:
        main([*small.split()[1:], "--metric", "cost", "--out", str(tmp_path / "runs")])
    assert stop.value.code == 0, capsys.readouterr().err
    (run,) = (tmp_path / "runs").glob("efm-*")
    script = runpy.run_path(str(IMAGES / "make_lines.py"))
    script["main"](run, tmp_path / "lines.png")
    assert (tmp_path / "lines.png").read_bytes().startswith(PNG)


def test_every_picture_has_its_script() -> None:
    for picture in IMAGES.glob("*.png"):
        assert (IMAGES / f"make_{picture.stem}.py").exists()
