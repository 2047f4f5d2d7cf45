"""Wrong usage: one clear line on standard error, nothing on standard output, the right status."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.commands import TINY, tk
from transportkit.cli import main

MOONS = "--data moons"
RUNS = {
    "rnu cfm": "unknown command 'rnu'; did you mean 'run'?",
    "run": "name a method",
    "run cfm moons": "'moons' is a problem and no method; write tk run cfm --data moons",
    "compare moons:noise=.1": "write tk compare efm --data moons:noise=.1",
    "moons": "unknown command 'moons'; 'moons' is a problem; write tk run efm --data moons",
    f"run cfm efm {MOONS}": "tk run takes one method, not 2; write tk compare cfm efm",
    "run cfm data=moons": "'data=moons' is no method; write --data moons",
    f"run cfm lr=1 {MOONS}": "'lr=1' is no method; write --set lr=1 for a parameter",
    f"compare efm,cfm {MOONS}": "these are 2, name each by itself: efm and cfm",
    "run cfm": "name a problem with --data",
    f"run cfn {MOONS}": "unknown method 'cfn'; did you mean 'cfm'?",
    "run cfm --data mons": "unknown problem 'mons'; did you mean 'moons'?",
    f"run cfm {MOONS} --metric slice_w2": "unknown metric 'slice_w2'; did you mean 'sliced_w2'?",
    f"run cfm {MOONS} --integrator dopri": "unknown integrator 'dopri'; did you mean 'dopri5'?",
    f"run cfm {MOONS} --set stpes=4": "method 'cfm' has no parameter 'stpes'; did you mean 'steps'",
    f"run cfm {MOONS} --set steps=many": "'steps' of method 'cfm' must be a whole number",
    f"run cfm {MOONS} --set batch=0": "'batch' of method 'cfm' must be ≥ 1, not 0",
    f"run cfm {MOONS} --set lr": "--set takes key=value, not 'lr'",
    "run cfm --data gaussian-pair:dmi=3": "has no parameter 'dmi'; did you mean 'dim'?",
    "run cfm --data gaussian-pair:dim=0": "'dim' of problem 'gaussian-pair' must be ≥ 1",
    f"run cfm {MOONS} --budget foo": "a budget reads steps=2000, seconds=60 or samples=",
    f"run cfm {MOONS} --budget steps=0": "a budget's steps must be at least 1, not 0",
    f"run cfm {MOONS} --budget steps=1e30": "a budget's steps must be at most 1000000000",
    f"run cfm {MOONS} --budget samples=1e30": "a budget's samples must be at most 1000000000000",
    f"run cfm {MOONS} --budget seconds=1e30": "at most 31622400 seconds, a year, not 1e+30",
    f"run cfm {MOONS} --set width=1e30": "must be at most 9223372036854775807, not 1e+30",
    f"run cfm {MOONS} --seed {'9' * 310}": "a seed must be at most 9223372036854775807, not one of",
    f"run cfm {MOONS} --nfe 1e30": "nfe must be at most 10000000, not 1e+30",
    f"run cfm {MOONS} --budget seconds=nan": "a budget has more than 0 seconds",
    f"run cfm {MOONS} --budget seconds=inf": "a budget's seconds must be finite, not inf",
    f"run cfm {MOONS} --integrator dopri5:rtol=1e-30": "'rtol' of integrator 'dopri5' must be ≥",
    f"run cfm {MOONS} --seed -1": "a seed must be at least 0, not -1",
    f"run cfm {MOONS} --points 1": "points must be at least 2, not 1",
    f"run cfm {MOONS} --points 9999999999999": "points must be at most 1000000000",
    f"run cfm {MOONS} --threads 100000": "threads must be at most ",
    f"compare cfm {MOONS} --threads 0": "threads must be at least 1, not 0",
    f"run cfm {MOONS} --nfe 0": "nfe must be at least 1, not 0",
    f"run linear {MOONS} --nfe 5": "linear moves points by a map; leave out integrator and nfe",
    f"run cfm {MOONS} --device nonsense": "unknown device 'nonsense'",
    f"run cfm {MOONS} --out /proc/nowhere": "'/proc/nowhere' cannot be written: ",
    f"run cfm {MOONS} --data gaussians": "tk run takes one --data",
    "run cfm --source a.npy": "--target is missing",
    "run cfm --target a.npy": "--source is missing",
    "run cfm --source none.npy --target none.npy": "none.npy'; check the name, or give",
    f"run cfm {MOONS} --config none.yaml": "there is no file 'none.yaml'",
    f"run cfm {MOONS} --config /": "'/' cannot be read: Is a directory",
    "compare": "name a problem with --data",
    f"compare cfm {MOONS} --seeds 5-2": "'5-2' names no seed",
    f"compare cfm {MOONS} --seeds one": "seeds read 0-4 or 0,3,7, not 'one'",
    f"compare cfm {MOONS} --seeds 0-999999999": "more than 100000",
    f"compare cfm {MOONS} --jobs 0": "jobs must be at least 1, not 0",
    f"compare linear emd {MOONS} --nfe 5": "linear, emd move points by maps; leave out integrator",
    f"compare cfm {MOONS} --nfe 5,x": "nfe reads 20 or 2,4,20, not '5,x'",
    f"run cfm {MOONS} --points 1.5": "'1.5' is not a valid integer",
    f"compare cfm {MOONS} --points 1e999": "points is a whole number, auto or",
    f"compare cfm {MOONS} --sweep lr": "--sweep takes key=value, not 'lr'",
    f"compare cfm {MOONS} --sweep rl=1": "no method here has the parameter 'rl' to sweep; known: ",
    f"compare cfm {MOONS} --sweep cfm:width=8,x": "is written 'cfm.width', not 'cfm:width'",
    f"compare cfm {MOONS} --sweep cmf.width=8": "no method 'cmf' here; did you mean 'cfm'?",
    f"compare cfm {MOONS} --seeds 1 --seeds 2": "--seeds is given as '1' and as '2'; write --seeds",
    f"run cfm {MOONS} --seed 1 --seed 2": "--seed is given as '1' and as '2'; give it once",
    f"run cfm {MOONS} --set lr=1 --set lr=2": "--set gives lr as '1' and as '2'; give it once",
    "push / a.npy -o a.npy --output b.npy": "--output is given as 'a.npy' and as 'b.npy'; give it",
    f"run gan {MOONS}": "unknown method 'gan'; tk list methods shows what is installed, and",
    "run cfm --data linear": "unknown problem 'linear', which is a method; tk list data shows",
    f"compare cfm {MOONS} --reduced": "reduced is for a suite",
    f"compare cfm {MOONS} --out=": "out is given as an empty text; name one, or leave it out",
    "compare --suite none.yaml": "there is no file 'none.yaml'",
    "info efn": "nothing is called 'efn'; did you mean 'efm'?",
    "push /nowhere a.npy -o moved.npy": "'/nowhere' is not the folder of a run",
    "push / a.npy -o moved.doc": "'moved.doc' has '.doc'",
    "push / a.npy -o /nowhere/moved.npy": "there is no folder '/nowhere'",
    "push / a.npy -o moved.npy --seed -1": "a seed must be at least 0",
    "push / a.npy -o moved.npy --nfe 0": "nfe must be at least 1",
}


@pytest.mark.parametrize("line", RUNS)
def test_wrong_usage(line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    answer = tk(line)
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.startswith("Error: ")
    assert RUNS[line] in answer.err
    assert answer.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "line",
    ["run cfm --nope", "run cfm --seed one", "list nothing", "push", "plot", "export runs"],
)
def test_what_click_refuses_says_where_to_look(line: str) -> None:
    answer = tk(line)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("Error: ")
    assert answer.err.endswith("--help\n")
    assert answer.err.count("\n") == 1


def test_a_question_ends_with_its_mark() -> None:
    said = "Error: No such option '--nfee'; did you mean '--nfe'? See tk run --help\n"
    assert tk("run cfm --nfee 3").err == said


def test_more_points_than_fit_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("transportkit.core.allowed.total", lambda: 2**33)
    # A run that another machine may hold has failed here; a comparison is not begun.
    for command, status in (("run", 1), ("compare", 2)):
        line = f"{command} linear {MOONS} --points 1000000000 --quiet"
        answer = tk(f"{line} --out {tmp_path / command}")
        assert (answer.status, answer.err.count("\n")) == (status, 1)
        assert "1000000000 points of dimension 2 take at least 130 GiB of memory" in answer.err
    train = tk(f"run linear {MOONS} --train 1000000000 --out {tmp_path}")
    assert "1000000000 training samples of dimension 2 take at least 15 GiB" in train.err


def test_what_is_written_to_a_file_needs_no_standard_output(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tk(f"run linear {MOONS} --points 20 --train 40 --metric cost --out {tmp_path / 'runs'}")
    for line, wanted in (
        (f"export {tmp_path / 'runs'} --to csv -o {tmp_path / 'table.csv'}", 0),
        (f"export {tmp_path / 'runs'} --to csv", 1),
    ):
        monkeypatch.setattr("sys.stdout", None)
        with pytest.raises(SystemExit) as stop:
            main(line.split())
        assert stop.value.code == wanted
    assert (tmp_path / "table.csv").stat().st_size > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_no_such_device(tmp_path: Path) -> None:
    answer = tk(f"run cfm {MOONS} --device cuda --out {tmp_path}")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "no CUDA device is available here" in answer.err


@pytest.mark.parametrize(
    ("integrator", "text"),
    [
        ("--integrator dopri5 --nfe 10", "dopri5 chooses its own number of evaluations"),
        ("--integrator lines", "'lines' follows fields between plates"),
    ],
)
def test_an_integrator_that_does_not_fit_is_refused_before_training(
    integrator: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(*args: object, **kwargs: object) -> None:
        raise AssertionError("it was trained")

    monkeypatch.setattr("transportkit.train.descent.Descent.fit", trained)
    answer = tk(f"run cfm {MOONS} {TINY} {integrator} --out {tmp_path}")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith(f"Error: cfm: {text}")
    assert answer.err.count("\n") == 1


def spoil(name: str, points: np.ndarray) -> np.ndarray:
    """Samples that cannot be used."""
    if name == "rank":
        return points[:, 0]
    if name == "dimension":
        return np.hstack([points, points])
    if name == "few":
        return points[:3]
    if name in ("near", "zero"):
        return points * {"near": 1e-30, "zero": 1e-50}[name]
    if name == "pickled":
        return np.array([{}, None], dtype=object)
    if name == "offset":
        return points + 1e8
    points[4, 1] = {"nan": np.nan, "inf": np.inf}.get(name, 1.0)
    if name == "constant":
        points[:, 1] = 1.0
    return points


FILES = {
    "rank": "has shape (40,); points have shape (N, D)",
    "dimension": "has points of shape (4,) and",
    "few": "has 3 samples; at least 8 are needed",
    "pickled": "holds pickled objects, which are never loaded",
    "nan": "1 of 40 rows have NaN or infinite values, the first is row 5",
    "inf": "1 of 40 rows have NaN or infinite values",
    "near": "at most, whose squares are below single precision; multiply by a number",
    "zero": "has values that are 0 in single precision",
    "constant": "column 2 is constant at 1; remove it",
    "offset": "all 40 rows are the same point in single precision; subtract its own mean",
}


@pytest.mark.parametrize("name", FILES)
def test_samples_that_cannot_be_used(name: str, tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(40, 2))
    np.save(tmp_path / "good.npy", points)
    np.save(tmp_path / "bad.npy", spoil(name, points.copy()), allow_pickle=True)
    own = f"--source {tmp_path / 'bad.npy'} --target {tmp_path / 'good.npy'}"
    for command in ("run linear", "compare linear emd --data moons"):
        answer = tk(f"{command} {own} {TINY} --out {tmp_path / 'runs'}")
        assert (answer.status, answer.out) == (2, "")
        assert FILES[name] in answer.err
        assert answer.err.count("\n") == 1
    # Not even the problem that is as it should be was begun.
    assert not list((tmp_path / "runs").glob("*-moons-*"))


PARAMETERS = {
    "gaussian-pair:shift=1e12": "column 1 is constant at 8.13836e+11 in single precision; choose",
    "gaussian-pair:condition=1e300": "'condition' of problem 'gaussian-pair' must be ≤ 1e+08",
    "gaussians:radius=1e30": "has values of up to 1e+30, whose squares are beyond single precision",
    "radial:radius=1e-30,inner=0": "at most, whose squares are below single precision; choose",
    "lse:softness=1e-300": "the target of problem 'lse' has values that are not finite",
    "lse:strength=1e-30": "strength=1e-30 and spread=1 are 1e+06 times or more apart",
    "lse:spread=1e10": "strength=0.4 and spread=1e+10 are 1e+06 times or more apart",
    "icnn:gain=1e30": "parameter 'gain' of problem 'icnn' must be ≤ 10000, not 1e+30",
    "icnn:gain=1e-30": "strength=0.1 hides a network of gain=1e-30",
    "icnn:strength=1e9": "strength=1e+09 hides a network of gain=6, whose map is then the identity",
    "entropic-pair:epsilon=1e30": "is 2e+30 times variance=0.5, and single precision holds no",
    "entropic-pair:epsilon=1e-30": "is 2e-30 times variance=0.5, and single precision holds no",
    "entropic-pair:variance=1e30": "single precision holds no such plan; choose from 1e-12 to",
    "entropic-pair:variance=1e-30": "is 1e+30 times variance=1e-30, and single precision holds",
    "entropic-pair:radius=1e7": "radius=1e+07 is more than 1e+06 standard deviations of",
}


@pytest.mark.parametrize("data", PARAMETERS)
def test_problems_beyond_single_precision(data: str, tmp_path: Path) -> None:
    for command in ("run linear", "compare linear emd --data moons"):
        answer = tk(f"{command} --data {data} {TINY} --out {tmp_path / 'runs'}")
        assert (answer.status, answer.out) == (2, "")
        assert PARAMETERS[data] in answer.err
        assert answer.err.count("\n") == 1
    assert not list((tmp_path / "runs").glob("*-moons-*"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("folder.csv", "folder.csv' is a folder; name a file in it"),
        ("pipe.csv", "pipe.csv' is no plain file; save it as one"),
        ("a\nb\x1b[31m.csv", "there is no file"),
    ],
)
def test_what_is_no_file_of_points(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    np.save(tmp_path / "good.npy", np.random.default_rng(0).normal(size=(40, 2)))
    line = ["--target", tmp_path / "good.npy", "--out", tmp_path / "runs"]
    answer = tk("run linear", *line, "--source", tmp_path / name)
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err
    assert "\x1b" not in answer.err


def test_a_law_that_hides_the_other_is_told_of(tmp_path: Path) -> None:
    line = f"run linear --data modes:offset=1e4 {TINY} --out {tmp_path}"
    (warning,) = (text for text in tk(line).err.splitlines() if "Warning" in text)
    assert warning.startswith("Warning: the target of problem 'modes' spreads")
    assert "times as much as the other side" in warning


CONFIGS = {
    "data: [moons\nseed: 1": "is not YAML: expected ',' or ']', but got ':' (line 2, column 5)",
    "sead: 1": "has an unknown option 'sead'; did you mean 'seed'?",
    "- moons": "should hold options by name",
    "": "should hold options by name",
    "seed: one": "'seed' in",
    "fresh: often": "should be true or false, not 'often'",
    "track: paper": "unknown tracker 'paper'; known: tensorboard",
    "seed: true": "should be a whole number, not True",
    "set: 3": "should hold parameters by name",
    "data: 3": "should be a name, or hold name and parameters",
    "out: [1]": "should be text, not [1]",
    "budget: {hours: 3}": "a budget reads steps=2000, seconds=60 or samples=1e6, not 'hours=3'",
    "data: !!python/object/apply:os.getcwd []": "is not YAML: could not determine a constructor",
    "set: " + "[" * 5000: "cannot be used: it holds values more than 64 deep in each other",
    "seed: " + "9" * 5000: "cannot be used: it holds a number of 5000 digits",
}


@pytest.mark.parametrize("text", CONFIGS)
def test_a_config_that_cannot_be_used(text: str, tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(text)
    answer = tk(f"run cfm {MOONS} --config {config}")
    assert (answer.status, answer.out) == (2, "")
    assert CONFIGS[text] in answer.err
    assert answer.err.count("\n") == 1


def test_binary_is_no_config(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_bytes(b"\xff\xfe\x00")
    answer = tk(f"run cfm --config {config}")
    assert answer.err.endswith("cannot be read: it is not UTF-8 text\n")


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    answer = tk("run linear --source none.npy --target none.npy --debug")
    assert answer.status == 2
    assert answer.err.startswith("Traceback")
    assert answer.err.splitlines()[-1].startswith("Error: there is no file")


def test_a_path_below_a_file_cannot_hold_results(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = tk(f"run linear {MOONS} --out {tmp_path / 'file' / 'runs'}")
    assert answer.status == 2
    assert "Not a directory; choose another place" in answer.err
