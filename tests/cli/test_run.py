"""`tk run`: what it prints, what it leaves, and that it does the same again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.commands import TINY, Answer, same, samples, tk
from tests.report.results import result
from transportkit.cli.console import print_result

FIELDS = {
    "method", "data", "seed", "params", "integrator", "budget", "device", "fit_seconds",
    "push_seconds", "steps", "nfe", "finished", "peak_memory_mb", "metrics", "status", "run",
    "versions",
}  # fmt: skip


def test_json_is_one_document_with_every_field(cfm: Answer, out: Path) -> None:
    assert cfm.status == 0
    assert cfm.err == ""
    result = cfm.json
    assert result.keys() >= FIELDS
    assert (result["method"], result["data"], result["seed"]) == ("cfm", "gaussians", 0)
    assert (result["status"], result["steps"], result["budget"]) == ("done", 5, {"steps": 5})
    assert result["points"] == 64
    value = result["metrics"]["sliced_w2"]
    assert value["ratio"] == pytest.approx(value["value"] / value["floor"])
    assert result["metrics"]["cost"]["floor"] is None
    assert Path(result["run"]).parent == out


def test_the_folder_is_whole(cfm: Answer) -> None:
    folder = Path(cfm.json["run"])
    present = {path.name for path in folder.iterdir()}
    assert present == {
        "model.safetensors", "model.json", "result.json", "samples.npz", "picture.png", "fit.json",
        "lines.npz",
    }  # fmt: skip
    assert load_file(folder / "model.safetensors")
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")
    stored = samples(folder)
    assert stored["source"].shape == stored["moved"].shape == stored["target"].shape == (64, 2)
    assert json.loads((folder / "result.json").read_text())["status"] == "done"
    assert json.loads((folder / "fit.json").read_text())["steps"] == 5


def test_again_is_found_and_fresh_gives_the_same_bits(cfm: Answer, out: Path) -> None:
    folder = Path(cfm.json["run"])
    line = f"run cfm --data gaussians --json {TINY} --metric cost --out"
    before = (folder / "samples.npz").stat().st_ino
    again = tk(line, out)
    assert again.json == {**cfm.json, "found": True}
    assert again.err.startswith(f"Found finished in {folder}")
    assert again.err.count("\n") == 1
    assert (folder / "samples.npz").stat().st_ino == before

    kept = folder.parent / "kept.npz"
    kept.write_bytes((folder / "samples.npz").read_bytes())
    # Whatever else happens in the process is nothing to a run.
    torch.manual_seed(123)
    np.random.seed(5)  # noqa: NPY002 - the global state is the point
    other = tk(f"run cfm --data moons --seed 3 {TINY} --out", out)
    assert other.status == 0
    fresh = tk(f"{line} {out} --fresh")
    assert fresh.json["found"] is False
    (folder.parent / "before").mkdir()
    kept.rename(folder.parent / "before" / "samples.npz")
    assert same(folder.parent / "before", folder)
    assert fresh.json["metrics"] == cfm.json["metrics"]


def test_flags_from_a_file(cfm: Answer, tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("fresh: true\nquiet: true\njson: true\n")
    line = f"run cfm --data gaussians {TINY} --metric cost --config {config} --out {tmp_path}"
    assert [tk(line).json["found"] for _ in range(2)] == [False, False]


def test_what_is_damaged_is_done_again_and_said(tmp_path: Path) -> None:
    line = f"run linear --data moons --json {TINY} --out {tmp_path}"
    folder = Path(tk(line).json["run"])
    assert not (folder / "model.safetensors").stat().st_mode & 0o044 ^ (
        (folder / "result.json").stat().st_mode & 0o044
    )
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-3])
    again = tk(line)
    assert (again.status, again.json["found"]) == (0, False)
    assert "is damaged or not whole; the run is done again" in again.err
    assert (folder / "model.safetensors").read_bytes() == weights


@pytest.mark.parametrize("method", ["otcfm", "efm-exact", "emd", "sinkhorn", "linear"])
def test_a_seed_is_the_same_bits_in_any_order(method: str, tmp_path: Path) -> None:
    line = f"run {method} --data gaussian-pair:dim=3 --json {TINY}"
    first = tk(f"{line} --seed 1 --out", tmp_path / "one").json
    other = tk(f"{line} --seed 2 --out", tmp_path / "two").json
    torch.manual_seed(7)
    last = tk(f"{line} --seed 1 --out", tmp_path / "two").json
    assert last["found"] is False
    assert same(first["run"], last["run"])
    assert not same(first["run"], other["run"])


def test_a_table_for_people(cfm: Answer, out: Path) -> None:
    answer = tk(f"run cfm --data gaussians {TINY} --metric cost --out", out)
    assert answer.status == 0
    for word in (
        "cfm on gaussians, seed 0",
        "sliced_w2",
        "finished",
        "evaluations",
        cfm.json["run"],
    ):
        assert word in answer.out
    assert "nan" not in answer.out
    quiet = tk(f"run cfm --data gaussians {TINY} --metric cost -q --out", out)
    assert (quiet.out, quiet.err) == (answer.out, "")


def test_a_users_own_samples(files: Path, tmp_path: Path) -> None:
    line = f"run linear {TINY} --json --source {files / 'a.npy'} --target {files / 'b.npy'}"
    result = tk(f"{line} --out", tmp_path).json
    assert result["data"] == "samples"
    assert result["points"] == 25
    assert not (Path(result["run"]) / "picture.png").exists()
    moved = samples(result["run"])["moved"]
    assert moved.shape == (25, 3)
    # Half is held out: no point that is judged on was seen.
    shown = np.load(files / "a.npy").astype(np.float32)
    start = samples(result["run"])["source"]
    assert all(any((row == known).all() for known in shown) for row in start)

    changed = tmp_path / "a.npy"
    np.save(changed, np.load(files / "a.npy"))
    line = f"run linear {TINY} --json --source {changed} --target {files / 'b.npy'} --out"
    assert tk(line, tmp_path).json["found"] is False
    assert tk(line, tmp_path).json["found"] is True
    np.save(changed, np.load(files / "a.npy") + 1)
    assert tk(line, tmp_path).json["found"] is False


def test_one_fit_serves_every_integrator(cfm: Answer, out: Path) -> None:
    line = f"run cfm --data gaussians {TINY} --json --out {out}"
    fitted = json.loads((Path(cfm.json["run"]) / "fit.json").read_text())
    euler = tk(f"{line} --integrator euler --nfe 7").json
    assert euler["integrator"]["name"] == "euler"
    assert euler["nfe"] == 7
    assert euler["fit_seconds"] == fitted["seconds"]
    adaptive = tk(f"{line} --integrator dopri5:rtol=1e-3,atol=1e-2").json
    assert adaptive["integrator"]["params"]["rtol"] == 1e-3
    assert adaptive["fit_seconds"] == fitted["seconds"]


def test_parameters_and_budgets(tmp_path: Path) -> None:
    line = f"run cfm --data gaussian-pair:dim=3 --json --points 32 --train 100 --out {tmp_path}"
    result = tk(f"{line} --set steps=4 --set batch=16 --metric sliced_w2:projections=8 -q").json
    assert result["data_params"]["dim"] == 3
    assert result["params"]["steps"] == result["steps"] == 4
    assert result["params"]["batch"] == 16
    assert result["budget"] == "default"
    assert list(result["metrics"]) == ["sliced_w2:projections=8"]
    timed = tk(f"{line} --budget seconds=0.05 --metric cost").json
    assert timed["budget"] == {"seconds": 0.05}
    assert timed["steps"] >= 1
    solved = tk(f"{line.replace('cfm', 'linear')} --budget seconds=1e-9 --metric cost")
    assert solved.err.startswith("Warning: linear took ")
    assert solved.err.endswith(" of seconds=1e-09: it is solved at once, whatever the budget\n")
    inline = tk(f"{line} --metric cost --budget steps=2".replace("run cfm", "run cfm:batch=8"))
    assert inline.json["params"]["batch"] == 8


def test_config_stands_between_defaults_and_what_is_typed(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(
        "method: {name: cfm, batch: 32}\n"
        "data: {name: gaussian-pair, dim: 3}\n"
        "set: {steps: 3, lr: 1e-2}\n"
        "seed: 4\npoints: 40\ntrain: 100\nmetrics: [cost, {name: sliced_w2, projections: 8}]\n"
        f"out: {tmp_path / 'runs'}\nnfe:\n"
    )
    result = tk("run --json --config", config).json
    assert result["params"]["lr"] == 0.01
    assert result["params"]["batch"] == 32
    assert (result["steps"], result["seed"], result["points"]) == (3, 4, 40)
    assert result["data_params"]["dim"] == 3
    assert list(result["metrics"]) == ["cost", "sliced_w2:projections=8"]
    typed = tk("run --json --set steps=2 --seed 0 --data moons --metric cost --config", config).json
    assert (typed["steps"], typed["seed"], typed["data"], typed["points"]) == (2, 0, "moons", 40)
    assert typed["params"]["lr"] == 0.01
    assert list(typed["metrics"]) == ["cost"]


def test_files_in_a_config_give_way_to_a_problem_that_is_typed(files: Path, tmp_path: Path) -> None:
    config = tmp_path / "own.yaml"
    config.write_text(f"source: {files / 'a.npy'}\ntarget: {files / 'b.npy'}\n")
    line = f"run linear {TINY} --json --out {tmp_path} --config {config}"
    assert tk(line).json["data"] == "samples"
    assert tk(f"{line} --data moons").json["data"] == "moons"


@pytest.mark.parametrize("harm", ["result.json", "model.safetensors", "model.json", "samples.npz"])
def test_a_damaged_folder_is_done_again(harm: str, tmp_path: Path) -> None:
    line = f"run linear --data gaussian-pair:dim=3 {TINY} --json --out {tmp_path}"
    folder = Path(tk(line).json["run"])
    content = (folder / harm).read_bytes()
    (folder / harm).unlink()
    (folder / harm).write_bytes(content[: len(content) // 2])
    pushed = tk(f"push {folder} {folder}/none.npy -o {tmp_path}/moved.npy")
    assert pushed.status == 2
    assert pushed.err.count("\n") == 1
    again = tk(line)
    assert again.status == 0
    assert again.json["found"] is False
    assert (folder / harm).read_bytes()[:4] == content[:4]
    assert tk(line).json["found"] is True


@pytest.mark.parametrize(
    ("rim", "stops", "note"),
    [
        (None, {"arrived": 1.0}, ""),
        (0.0, {"arrived": 1.0}, ""),
        (
            0.051,
            {"arrived": 1.0},
            "  (5.1% of lines arrived beside the target and were put on its rim)",
        ),
        (
            0.5,
            {"arrived": 0.9, "turned": 0.1},
            "  (10.0% turned, 50.0% of lines arrived beside the",
        ),
    ],
)
def test_points_on_the_rim_are_told_beside_those_that_are_lost(
    rim: float | None, stops: dict[str, float], note: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_result(replace(result(sliced_w2=0.2), rim=rim, stops=stops))
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line[:8] == "finished")
    assert line.startswith(f"finished    100.0%{note}")
    assert note or line == "finished    100.0%"
