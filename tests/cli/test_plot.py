"""`tk plot`: pictures of a run in the plane, and clear errors for what cannot be drawn."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.commands import TINY, Answer, samples, tk
from transportkit import Lines, derive
from transportkit.report.scene import DIRECT, LOST, ROUND, look, slice_of
from transportkit.report.space import pieces
from transportkit_efm.charges import ChargedPlates


@pytest.fixture(scope="module")
def plates(out: Path) -> str:
    return str(tk(f"run efm-exact --data gaussians {TINY} --json --out", out).json["run"])


def test_every_picture_of_a_run_between_plates(
    plates: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transportkit.report.animation.FRAMES", 3)
    monkeypatch.setattr("transportkit.report.animation.HOLD", 1)
    answer = tk(f"plot {plates} --lines 12 --json -o", tmp_path / "new")
    assert (answer.status, answer.err) == (0, "")
    names = [Path(file).name for file in answer.json["files"]]
    assert names == ["lines.png", "slice.png", "animation.gif"]
    for name in names:
        with Image.open(tmp_path / "new" / name) as picture:
            # Something is drawn.
            assert len(picture.convert("RGB").getcolors(2**24)) > 50
    with Image.open(tmp_path / "new" / "animation.gif") as moving:
        assert moving.n_frames >= 3


def test_lines_of_a_run_without_plates(cfm: Answer, tmp_path: Path) -> None:
    answer = tk(f"plot {cfm.json['run']} --what lines --lines 5 -o {tmp_path}")
    assert (answer.status, answer.out) == (0, f"{tmp_path / 'lines.png'}\n")


def test_what_cannot_be_drawn(
    cfm: Answer, plates: str, out: Path, tmp_path: Path, files: Path
) -> None:
    solid = tk(
        f"run linear --source {files / 'a.npy'} --target {files / 'b.npy'} --json --out", out
    )
    flat = tk(f"run linear --data gaussians {TINY} --json --out", out)
    (tmp_path / "file").touch()
    for line, status, text in (
        (f"{tmp_path}", 2, "is not the folder of a run"),
        (f"{solid.json['run']}", 2, "only points of the plane"),
        (f"{flat.json['run']}", 2, "has no lines to draw"),
        (f"{cfm.json['run']} --what slice", 2, "there is no slice"),
        (f"{plates} --lines 0", 2, "at least 1"),
        (f"{plates} -o {tmp_path / 'file'}", 2, "cannot be written"),
        (f"{plates} --what nothing", 2, "nothing"),
        (f"{plates} -o {flat.json['run']}", 2, "is the folder of another run"),
    ):
        answer = tk(f"plot {line}")
        assert (answer.status, answer.out) == (status, ""), line
        assert text in answer.err
        assert "Traceback" not in answer.err


def test_a_run_that_moves_no_point_to_a_finite_place_has_no_lines(
    cfm: Answer, tmp_path: Path
) -> None:
    run = shutil.copytree(cfm.json["run"], tmp_path / "run")
    arrays = samples(run)
    (run / "samples.npz").unlink()
    np.savez(run / "samples.npz", **{**arrays, "stop": np.full_like(arrays["stop"], 4)})
    answer = tk(f"plot {run}")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == (
        f"Error: '{run}' moves no point to a finite place, so there are no lines to draw; do the "
        "run again with a lower lr or another integrator\n"
    )


def test_a_scene_between_two_charges() -> None:
    """One charge at the origin and one above it, whose field is known."""
    p, q = torch.zeros(1, 2), torch.zeros(1, 2)
    field = ChargedPlates.of(p, q, (2,), distance=2.0, offset=0.05, rule="forward")
    x, z = torch.linspace(-1, 1, 5).double(), torch.tensor([-1.0, 1.0, 3.0]).double()
    direction, log = slice_of(field, x, 0.0, z)
    # Straight up half way between them, against it beyond either.
    assert direction[:, 2, 1].tolist() == pytest.approx([-1, 1, -1], abs=1e-6)
    assert direction[1, :, 1] == pytest.approx(np.ones(5), abs=1e-6)
    # 1 + 1 between at distance 1, 1 - 1/9 outside.
    assert log is not None
    assert log[1, 2] - log[0, 2] == pytest.approx(np.log(2 / (1 - 1 / 9)), abs=1e-5)


def test_kinds_of_lines() -> None:
    g = derive(3, "samples")
    p, q = torch.randn(300, 2, generator=g), torch.randn(300, 2, generator=g)
    samples = {name: x.numpy() for name, x in (("source", p), ("moved", q), ("target", q))}
    field = ChargedPlates.of(p, q, (2,), distance=2.0, offset=None, rule="plate")
    scene = look("", field, Lines(), samples, 60, derive(3, "plot"))
    assert scene.top == pytest.approx(2.0, rel=1e-5)
    backwards = (scene.tracks[..., 2] < -0.01).any(1)
    assert 5 < backwards.sum() < 55
    assert set(scene.kinds[backwards]) == {ROUND}
    assert DIRECT in scene.kinds
    assert np.abs(scene.tracks[scene.kinds == DIRECT, -1, 2] - 2).max() < 1e-5
    lost = look("", field, Lines(max_steps=3), samples, 60, derive(3, "plot"))
    assert LOST in lost.kinds


def test_lines_are_cut_at_the_frame() -> None:
    track = np.array([[[0, 0, 0], [0, 0, 1], [0, 0, 5], [0, 0, 2], [0, 0, 1.5]]])
    limits = np.array([[-1, 1], [-1, 1], [-1, 3]])
    parts = pieces(track, limits, np.zeros(3))
    assert [(len(part), strength) for part, strength in parts] == [(2, 1), (2, 1)]
    broken = np.where(track == 5, np.nan, track)
    assert [len(part) for part, _ in pieces(broken, limits, np.zeros(3))] == [2, 2]


def test_lines_that_leave_the_frame_fade_and_others_do_not() -> None:
    limits = np.array([[-1.0, 1], [-1, 1], [0, 3]])
    way = np.zeros((2, 31, 3))
    way[0, :, 0] = np.linspace(0, 1.5, 31)
    way[1, :, 0] = np.linspace(0, 0.9, 31)
    parts = pieces(way, limits, np.array([0.5, 0.5, 0]))
    leaving = [(part[:, 0], strength) for part, strength in parts[:-1]]
    # One line without gaps, paler from half a unit before the limit on, and none beyond it.
    for (one, _), (other, _) in itertools.pairwise(leaving):
        assert one[-1] == other[0]
    strengths = [strength for _, strength in leaving]
    assert strengths[0] == 1
    assert strengths == sorted(strengths, reverse=True)
    assert leaving[0][0][-1] == pytest.approx(0.5, abs=0.06)
    assert leaving[-1][0][-1] == pytest.approx(1, abs=0.06)
    assert strengths[-1] <= 0.2
    assert (len(parts[-1][0]), parts[-1][1]) == (31, 1)
