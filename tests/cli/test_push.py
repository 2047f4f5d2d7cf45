"""`tk push`: points of a file moved by a stored model."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save

from tests.commands import TINY, Answer, samples, tk
from tests.report.results import result, shelve
from transportkit import DataError, UsageError, load, push
from transportkit.harness.signing import signed
from transportkit.problems.files import read_points

DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture(scope="module")
def folder(cfm: Answer) -> Path:
    return Path(cfm.json["run"])


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Path:
    """The points that the run was judged on."""
    file = tmp_path_factory.mktemp("points") / "points.npy"
    np.save(file, samples(folder)["source"])
    return file


def test_points_go_where_the_run_took_them(folder: Path, points: Path, tmp_path: Path) -> None:
    answer = tk(f"push {folder} {points} --json -o {tmp_path / 'moved.npy'}")
    assert (answer.status, answer.err) == (0, "")
    assert answer.json["method"] == "cfm"
    assert answer.json["message"] == ""
    assert answer.json["points"] == 64
    assert answer.json["finished"] == 1.0
    moved = np.load(tmp_path / "moved.npy", allow_pickle=False)
    assert moved.tobytes() == samples(folder)["moved"].tobytes()

    table = tk(f"push {folder} {points} -o {tmp_path / 'moved.csv'}")
    assert table.out == f"64 points moved by cfm to {tmp_path / 'moved.csv'} (100.0% arrived)\n"
    read = np.loadtxt(tmp_path / "moved.csv", delimiter=",")
    np.testing.assert_allclose(read, moved, rtol=1e-6)

    np.save(tmp_path / "one.npy", np.load(points)[:1])
    one = tk(f"push {folder} {tmp_path / 'one.npy'} -o {tmp_path / 'moved-one.npy'}")
    assert one.out.startswith("1 point moved by cfm")


def test_a_file_that_is_there_is_kept(folder: Path, points: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("a week of work")
    line = f"push {folder} {points} -o {file}"
    refused = tk(line)
    assert (refused.status, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert f"'{file}' is there already; name another file, or give --replace" in (refused.err)
    moved = push(load(folder), points)
    with pytest.raises(UsageError, match=r"is there already; .* give replace=True"):
        moved.save(file)
    assert file.read_text() == "a week of work"
    assert tk(f"{line} --replace").status == 0
    assert len(read_points(file)) == 64
    assert moved.save(file, replace=True) == file
    inputs = tk(f"push {folder} {points} -o {points} --replace")
    assert (inputs.status, "holds the points that are to be moved" in inputs.err) == (2, True)
    # A device is written to as it is.
    (tmp_path / "y.csv").symlink_to("/dev/null")
    assert tk(f"push {folder} {points} -o {tmp_path / 'y.csv'}").status == 0


def test_columns_stand_in_the_order_of_those_fitted_to(tmp_path: Path) -> None:
    rows = "\n".join(f"{i}.5,{i % 7}" for i in range(40))
    (tmp_path / "p.csv").write_text(f"x,y\n{rows}\n")
    (tmp_path / "turned.csv").write_text(f"y,x\n{rows}\n")
    p = tmp_path / "p.csv"
    run = tk(f"run linear --source {p} --target {p} --metric cost --out {tmp_path} --json").json
    assert tk(f"push {run['run']} {p} -o {tmp_path / 'a.csv'}").status == 0
    answer = tk(f"push {run['run']} {tmp_path / 'turned.csv'} -o {tmp_path / 'b.csv'}")
    assert answer.status != 0
    assert "write both in one order" in answer.err


@pytest.mark.parametrize("name", ["moved.csv", "moved.txt"])
def test_columns_keep_their_names(name: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('# degrees\n"lon, east";lat\n1;2\n3;4\n')
    assert tk(f"push {folder} {tmp_path / 'x.csv'} -o {tmp_path / name}").status == 0
    first, *rows = (tmp_path / name).read_text().splitlines()
    # In a table of columns parted by spaces this name would read as two.
    assert len(rows) == 2 if name == "moved.csv" else len(rows) == 1
    assert (first == '"lon, east",lat') == (name == "moved.csv")
    assert read_points(tmp_path / name).shape == (2, 2)


def test_the_points_themselves_are_not_replaced(folder: Path, points: Path) -> None:
    before = points.read_bytes()
    answer = tk(f"push {folder} {points} -o {points}")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "holds the points that are to be moved; name another file" in answer.err
    with pytest.raises(DataError, match="holds the points that are to be moved"):
        push(folder, points).save(points)
    assert points.read_bytes() == before


def test_what_a_run_was_fitted_to_is_not_replaced(tmp_path: Path) -> None:
    for name in ("p", "q", "x"):
        (tmp_path / f"{name}.csv").write_text("\n".join(f"{i}.5,{i % 7}" for i in range(40)))
    p, q, x = (tmp_path / f"{name}.csv" for name in ("p", "q", "x"))
    run = tk(f"run linear --source {p} --target {q} --metric cost --out {tmp_path} --json").json
    for file in (p, q):
        before = file.read_bytes()
        answer = tk(f"push {run['run']} {x} -o {file}")
        assert (answer.status, answer.err.count("\n")) == (2, 1)
        assert f"'{file}' holds what this run was fitted to; name another file" in answer.err
        with pytest.raises(DataError, match="what this run was fitted to"):
            push(run["run"], x).save(file)
        # A table of another name is no table of results either.
        answer = tk(f"export {tmp_path} --to csv -o {file}")
        assert (answer.status, answer.err.count("\n")) == (2, 1)
        assert "is there already and is not an earlier table in csv" in answer.err
        assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("data", "inputs"),
    [
        ("samples:source={0}/both.npz#a,target={0}/both.npz#b", ["both.npz", "both.npz#a"]),
        ("timecourse:files={0}/day_*.npy", ["day_0.npy", "day_2.npy"]),
    ],
)
def test_parts_of_files_and_files_of_a_pattern_are_not_replaced(
    data: str, inputs: list[str], tmp_path: Path
) -> None:
    x = np.random.default_rng(0).normal(size=(4, 20, 2))
    np.savez(tmp_path / "both.npz", a=x[0], b=x[1])
    for k, each in enumerate(x[:3]):
        np.save(tmp_path / f"day_{k}.npy", each)
    np.save(tmp_path / "x.npy", x[3])
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    line = f"run linear --data {data.format(tmp_path)} --metric cost --json --out"
    run = tk(line, tmp_path / "runs").json["run"]
    for name in inputs:
        answer = tk(f"push {run} {tmp_path / 'x.npy'} -o {tmp_path / name}")
        assert (answer.status, answer.err.count("\n")) == (2, 1)
        assert "holds what this run was fitted to; name another file" in answer.err
        with pytest.raises(DataError, match="what this run was fitted to"):
            push(run, x[3]).save(tmp_path / name)
    assert before == {file: file.read_bytes() for file in before}


@pytest.mark.parametrize(("way", "side"), [("", "source"), ("--reverse", "target")])
def test_points_far_outside_are_told(
    way: str, side: str, folder: Path, points: Path, tmp_path: Path
) -> None:
    x = np.load(points)
    x[:3] += 1e8
    np.save(tmp_path / "x.npy", x)
    answer = tk(
        f"push {folder} {tmp_path / 'x.npy'} --replace -o {tmp_path / 'y.npy'} --json {way}"
    )
    assert answer.status == 0
    told = answer.json["message"]
    assert told.startswith(f"3 of 64 points lie far outside the {side} samples of this run")
    assert answer.err == f"Warning: {told}\n"
    assert np.load(tmp_path / "y.npy").shape == x.shape
    np.save(tmp_path / "x.npy", x[:1])
    one = tk(f"push {folder} {tmp_path / 'x.npy'} --replace -o {tmp_path / 'y.npy'}")
    assert one.err.startswith("Warning: 1 point lies far outside")


def test_reverse_comes_back(folder: Path, points: Path, tmp_path: Path) -> None:
    there, back = tmp_path / "there.npy", tmp_path / "back.npy"
    fine = "--integrator rk4 --nfe 200"
    assert tk(f"push {folder} {points} -o {there} {fine}").status == 0
    assert tk(f"push {folder} {there} -o {back} {fine} --reverse").status == 0
    np.testing.assert_allclose(np.load(back), np.load(points), atol=1e-4)


def test_an_integrator_that_is_typed_leaves_the_runs_evaluations(
    folder: Path, points: Path, out: Path, tmp_path: Path
) -> None:
    coarse = tk(f"run cfm --data gaussians {TINY} --json --integrator euler --nfe 4 --out", out)
    run, moved = coarse.json["run"], tmp_path / "moved.npy"
    assert tk(f"push {run} {points} --json --replace -o {moved}").json["nfe"] == 4
    assert tk(f"push {run} {points} --json --replace -o {moved} --nfe 6").json["nfe"] == 6
    adaptive = tk(f"push {run} {points} --json --replace -o {moved} --integrator dopri5")
    assert adaptive.status == 0
    assert adaptive.json["nfe"] > 6


def test_the_seed_of_a_random_map(tmp_path: Path) -> None:
    line = f"run sinkhorn --data gaussian-pair:dim=2 {TINY} --json --out {tmp_path}"
    run = tk(line).json["run"]
    np.save(tmp_path / "x.npy", samples(run)["source"])
    moved = {}
    for name, seed in (("one", 1), ("again", 1), ("two", 2)):
        file = tmp_path / f"{name}.npy"
        assert tk(f"push {run} {tmp_path / 'x.npy'} -o {file} --seed {seed}").status == 0
        moved[name] = file.read_bytes()
    assert moved["one"] == moved["again"]

    back = tk(f"push {run} {tmp_path / 'x.npy'} -o {tmp_path / 'y.npy'} --reverse")
    assert back.err == "Error: this map carries P to Q only; it has no way back\n"
    assert back.status == 2
    steps = tk(f"push {run} {tmp_path / 'x.npy'} -o {tmp_path / 'y.npy'} --nfe 5")
    assert steps.status == 2
    assert not (tmp_path / "y.npy").exists()


def test_points_of_another_dimension(folder: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((5, 3)))
    answer = tk(f"push {folder} {tmp_path / 'x.npy'} -o {tmp_path / 'y.npy'}")
    assert answer.status == 2
    assert "holds points of shape (3,); this model moves points of shape (2,)" in answer.err
    assert answer.err.count("\n") == 1


def test_a_run_without_a_model_says_why(tmp_path: Path, points: Path) -> None:
    refused = result("cfm", status="refused", message="it takes points of the plane alone")
    shelve(tmp_path / "runs", refused, result("emd", status="out of memory"))
    for method, said in (
        ("cfm", "was refused: it takes points of the plane alone; it has no model"),
        ("emd", "ran out of memory; it has no model"),
    ):
        (folder,) = (tmp_path / "runs").glob(f"{method}*")
        answer = tk(f"push {folder} {points} -o {tmp_path / 'y.npy'}")
        assert (answer.status, answer.err) == (2, f"Error: this run {said}\n")
        with pytest.raises(DataError, match=said):
            load(folder).transport()


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full")
@pytest.mark.parametrize("suffix", ["npy", "npz", "csv", "pt", "safetensors"])
def test_a_full_disk_is_told(suffix: str, folder: Path, points: Path, tmp_path: Path) -> None:
    (tmp_path / f"y.{suffix}").symlink_to("/dev/full")
    answer = tk(f"push {folder} {points} -o {tmp_path / f'y.{suffix}'}")
    assert (answer.status, answer.err.count("\n")) == (1, 1)
    assert "cannot be written: No space left on device; free some space or choose" in answer.err


def test_a_name_that_is_too_long(folder: Path, points: Path, tmp_path: Path) -> None:
    long = tmp_path / ("b" * 300)
    for line in (f"push {folder} {points} -o {long}.npy", f"run linear --data moons --out {long}"):
        answer = tk(line)
        assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
        assert "cannot be written: File name too long; choose another place" in answer.err


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("result.json", "{", "is damaged or is not the result of a run"),
        ("result.json", "[]", "is damaged or is not the result of a run"),
        ("result.json", "{}", "is damaged: it says nothing of 'run'"),
        ("result.json", DEEP, "values more than 64 deep"),
        ("model.json", DEEP, "values more than 64 deep"),
        ("model.json", '{"a":' * 500 + "{}" + "}" * 500, "values more than 64 deep"),
        ("model.json", "nonsense", "is damaged: Expecting value"),
        ("model.json", "{}", "is damaged: it says nothing of 'method'"),
        (
            "model.json",
            '{"method": {"name": "gone", "params": {}}, "config": {}}',
            "unknown method",
        ),
        (
            "model.json",
            '{"method": {"name": "cfm", "params": {}}, "config": {}}',
            "holds a model of an older version, or a damaged one; run it again",
        ),
        (
            "model.json",
            '{"method": {"name": "cfm", "params": 3}, "config": {}}',
            "model.json' is damaged: params of method should hold values by name, not 3",
        ),
        (
            "model.json",
            '{"method": {"name": "cfm"}, "config": {}}',
            "model.json' is damaged: it says nothing of 'params'",
        ),
        (
            "model.json",
            '{"method": {"name": 3, "params": {}}, "config": {}}',
            "model.json' is damaged: the name of method should be a text, not 3",
        ),
        (
            "model.json",
            '{"method": "cfm", "config": {}}',
            "model.json' is damaged: method should hold values by name, not 'cfm'",
        ),
        (
            "model.json",
            '{"method": {"name": "cfm", "params": {}}, "config": [1]}',
            "model.json' is damaged: config should hold values by name, not [1]",
        ),
        ("model.json", "", "model.json' is damaged: it is empty; run it again with --fresh"),
        ("model.json", "[]", "model.json' is damaged: it should hold values by name, not []"),
        ("model.safetensors", "nonsense", "model.safetensors' is damaged: "),
        ("model.safetensors", None, "holds no model.safetensors"),
        ("model.json", None, "holds no model.json"),
    ],
)
def test_a_damaged_run(
    name: str, content: str | None, text: str, folder: Path, points: Path, tmp_path: Path
) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content)
    answer = tk(f"push {tmp_path} {points} -o {tmp_path.with_suffix('.npy')}")
    assert (answer.status, answer.out) == (2, "")
    assert text in answer.err
    assert answer.err.count("\n") == 1
    assert (
        "run it again" in answer.err
        or name == "result.json"
        or content is None
        or "gone" in content
    )


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ({}, "model.json' is damaged or of another version: cfm has no such config; run it again"),
        (
            {"transportkit_flow": "0.0.9 0123456789ab"},
            "holds a model of another version (transportkit_flow 0.0.9 0123456789ab; here is ",
        ),
        (
            {"transportkit": "0.0.9 0123456789ab"},
            "holds a model of another version (transportkit 0.0.9 0123456789ab; here is ",
        ),
    ],
)
def test_a_model_that_other_code_laid_out_otherwise(
    code: dict[str, str], text: str, folder: Path, points: Path, tmp_path: Path
) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    saved = json.loads((folder / "model.json").read_text())
    saved["code"] |= code
    (tmp_path / "model.json").write_text(json.dumps(signed(saved)))
    # Code that lays a model out as this does is no reason to refuse it.
    assert tk(f"push {tmp_path} {points} --replace -o {tmp_path.with_suffix('.npy')}").status == 0
    saved["config"]["lifted"] = True
    (tmp_path / "model.json").write_text(json.dumps(signed(saved)))
    answer = tk(f"push {tmp_path} {points} --replace -o {tmp_path.with_suffix('.npy')}")
    assert (answer.status, answer.out) == (2, "")
    assert text in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    "config", [{"unknown": 1}, {"path": "nowhere"}, {"gap": "far"}, {"event_shape": 3}]
)
def test_a_config_that_the_method_does_not_have(
    config: dict[str, object], folder: Path, points: Path, tmp_path: Path
) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    saved = json.loads((folder / "model.json").read_text())
    saved["config"] |= config
    (tmp_path / "model.json").write_text(json.dumps(signed(saved)))
    answer = tk(f"push {tmp_path} {points} -o {tmp_path.with_suffix('.npy')}")
    assert answer.status == 2
    assert answer.err == (
        f"Error: '{tmp_path / 'model.json'}' is damaged or of another version: cfm has no such "
        "config; run it again with --fresh\n"
    )


def test_weights_that_are_not_those_that_were_saved(
    folder: Path, points: Path, tmp_path: Path
) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    place = tmp_path / "model.safetensors"
    content = bytearray(place.read_bytes())
    content[-2] ^= 1
    place.write_bytes(content)
    pushed = f"push {tmp_path} {points} --replace -o {tmp_path.with_suffix('.npy')}"
    said = f"'{place}' is damaged: its weights are not those that were saved; run it again"
    for command in (pushed, f"reproduce {tmp_path}", f"plot {tmp_path}"):
        answer = tk(command)
        assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
        assert said in answer.err
    place.write_bytes((folder / "model.safetensors").read_bytes())
    saved = json.loads((folder / "model.json").read_text())
    saved["config"]["width"] = 7
    (tmp_path / "model.json").write_text(json.dumps(signed(saved)))
    assert "model.json' is damaged: its config is not that of the weights" in tk(pushed).err
    place.write_bytes(content)
    # Those that were saved before there were digests are read.
    saved = json.loads((folder / "model.json").read_text())
    del saved["sha256"], saved["digest"]
    (tmp_path / "model.json").write_text(json.dumps(saved))
    assert tk(pushed).status == 0
    saved["config"]["width"] = 7
    (tmp_path / "model.json").write_text(json.dumps(saved))
    assert "model.safetensors' is damaged or not of this model" in tk(pushed).err


def test_a_description_that_is_not_the_one_that_was_saved(tmp_path: Path) -> None:
    line = f"run sf2m --data gaussian-pair:dim=3 {TINY} --integrator euler --json --out {tmp_path}"
    place = Path(tk(line).json["run"])
    np.save(tmp_path / "x.npy", samples(place)["source"][:5])
    pushed = f"push {place} {tmp_path / 'x.npy'} --replace -o {tmp_path / 'y.npy'} --seed 0"
    file = place / "model.json"
    saved = json.loads(file.read_text())
    # It fits the weights, and moves points otherwise.
    noise = {**saved["method"]["params"], "sigma": 3.5}
    changed = {**saved, "method": {**saved["method"], "params": noise}}
    for content in (changed, {**saved, "code": {}}, {**saved, "digest": None}):
        file.write_text(json.dumps(content))
        for command in (pushed, f"reproduce {place}"):
            answer = tk(command)
            assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
            assert f"'{file}' is damaged: it says something else than was saved" in answer.err
    # The order and the spaces of JSON say nothing.
    file.write_text(json.dumps(dict(reversed(saved.items()))))
    assert tk(pushed).status == 0
    # Those that were saved before there was such a digest are read.
    file.write_text(json.dumps({k: v for k, v in changed.items() if k != "digest"}))
    assert tk(pushed).status == 0


def test_a_damaged_fit_is_done_again(tmp_path: Path) -> None:
    line = f"run cfm --data gaussians {TINY} --json --out {tmp_path}"
    first = tk(line).json
    (fit,) = (tmp_path / "fits").iterdir()
    weights = (fit / "model.safetensors").read_bytes()
    content = bytearray(weights)
    content[-2] ^= 1
    # In place, so that the run's folder, which has a link to it, is harmed as well.
    (fit / "model.safetensors").write_bytes(content)
    again = tk(f"{line} --nfe 7")
    assert again.status == 0
    assert again.err == f"Warning: the fit in {fit} is damaged or not whole; it is done again\n"
    assert (fit / "model.safetensors").read_bytes() == weights
    assert again.json["steps"] == first["steps"]
    assert tk(f"{line} --nfe 8").err == ""


@pytest.mark.parametrize("source", [None, np.float32(3), np.zeros((4, 5))])
def test_points_that_cannot_be_checked_are_moved_all_the_same(
    source: object, folder: Path, points: Path, tmp_path: Path
) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "samples.npz").unlink()
    if source is not None:
        np.savez(tmp_path / "samples.npz", source=source, moved=source, target=source)
    answer = tk(f"push {tmp_path} {points} -o {tmp_path.with_suffix('.npy')} --json")
    assert answer.status == 0
    assert "it was not checked whether points lie far outside" in answer.json["message"]
    assert answer.err == f"Warning: {answer.json['message']}\n"
    moved = np.load(tmp_path.with_suffix(".npy"), allow_pickle=False)
    assert moved.tobytes() == samples(folder)["moved"].tobytes()


@pytest.mark.usefixtures("no_point_finite")
def test_where_no_point_arrives_nothing_is_written(
    folder: Path, points: Path, tmp_path: Path
) -> None:
    for of in ("", " --json"):
        answer = tk(f"push {folder} {points} -o {tmp_path / 'y.npy'} {of}")
        assert (answer.status, answer.out) == (1, "")
        assert answer.err == (
            "Error: none of 64 points arrived (100.0% not finite): take another integrator or "
            "another number of evaluations; nothing was written\n"
        )
    np.save(tmp_path / "one.npy", np.load(points)[:1] + 1e9)
    one = tk(f"push {folder} {tmp_path / 'one.npy'} -o {tmp_path / 'y.npy'}")
    assert one.status == 1
    far, error = one.err.splitlines()
    assert far.startswith("Warning: 1 point lies far outside")
    assert error.startswith("Error: the point did not arrive (100.0% not finite): ")
    assert not (tmp_path / "y.npy").exists()


def test_points_that_do_not_arrive_are_warned_of(tmp_path: Path) -> None:
    line = f"run linear --data gaussian-pair:dim=2 {TINY} --json --out {tmp_path}"
    run = Path(tk(line).json["run"])
    # A map so steep that it leads far points beyond all numbers.
    state = load_file(run / "model.safetensors")
    state["matrix"] *= 1e28
    saved = json.loads((run / "model.json").read_text())
    del saved["sha256"], saved["digest"]
    (run / "model.json").write_text(json.dumps(saved))
    (run / "model.safetensors").write_bytes(save(state))
    x = samples(run)["source"][:10]
    x[3] = 1e14
    np.save(tmp_path / "x.npy", x)
    answer = tk(f"push {run} {tmp_path / 'x.npy'} --replace -o {tmp_path / 'y.npy'}")
    assert answer.status == 0
    # A map has no lines that arrive.
    assert answer.out.endswith("y.npy (10.0% not finite)\n")
    told = "1 of 10 points came to no finite place: it is where it was"
    assert answer.err.splitlines()[1:] == [f"Warning: {told}"]
    assert (np.load(tmp_path / "y.npy")[3] == x[3]).all()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        moved = push(run, x)
        none = load(run).push(x[[3, 3, 3, 3]])
    said = [moved.message, told, none.message, none.lost]
    assert [str(w.message) for w in warned] == said
    assert {w.filename for w in warned} == {__file__}
    assert none.lost == (
        "none of 4 points came to a finite place: bring the points to the units of the run"
    )
    np.save(tmp_path / "x.npy", x[:3])
    answer = tk(f"push {run} {tmp_path / 'x.npy'} --replace -o {tmp_path / 'y.npy'}")
    assert answer.out == f"3 points moved by linear to {tmp_path / 'y.npy'}\n"
    assert "arrived" not in repr(push(run, x[:3]))
