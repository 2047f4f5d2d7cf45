"""Files of points: what is written reads back, and what cannot be used is refused in one line."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Generator, Tensor

from transportkit import DataError, Empirical, registry
from transportkit.errors import Unwritten
from transportkit.problems.files import read_points, write_points

PYARROW = importlib.util.find_spec("pyarrow") is not None
FORMATS = ["npy", "npz", "csv", "tsv", "txt", "pt", "pth", "safetensors"]
FORMATS += ["parquet"] if PYARROW else []


class Bomb:
    """Unpickling this makes the file it names."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return (open, (str(self.marker), "w"))


@pytest.fixture
def points(generator: Generator) -> Tensor:
    return torch.randn(20, 3, generator=generator) * torch.tensor([1.0, 1e-6, 1e20])


def refusal(path: Path | str) -> str:
    with pytest.raises(DataError) as caught:
        read_points(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_written_reads_back_to_the_bit(suffix: str, points: Tensor, tmp_path: Path) -> None:
    file = tmp_path / f"points.{suffix}"
    write_points(file, points)
    assert torch.equal(read_points(file), points)
    write_points(file, 2 * points)
    assert torch.equal(read_points(str(file)), 2 * points)
    assert os.listdir(tmp_path) == [file.name]


@pytest.mark.parametrize("suffix", ["npy", "npz", "pt", "safetensors"])
def test_images_keep_their_shape(suffix: str, tmp_path: Path) -> None:
    images = torch.rand(9, 1, 8, 8)
    write_points(tmp_path / f"a.{suffix}", images)
    assert torch.equal(read_points(tmp_path / f"a.{suffix}"), images)


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5),
        elements=st.floats(allow_nan=False, allow_infinity=False, width=32),
    )
)
def test_every_float32_survives_text(
    tmp_path_factory: pytest.TempPathFactory, x: np.ndarray
) -> None:
    file = tmp_path_factory.mktemp("text") / "a.csv"
    write_points(file, torch.from_numpy(x))
    assert np.array_equal(read_points(file).numpy(), x)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200), suffix=st.sampled_from(FORMATS))
def test_noise_is_refused_or_read_and_never_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str
) -> None:
    file = tmp_path_factory.mktemp("noise") / f"a.{suffix}"
    file.write_bytes(data)
    with contextlib.suppress(DataError):
        assert read_points(file).ndim >= 2


@pytest.mark.parametrize("suffix", FORMATS)
def test_truncated_files_are_refused(suffix: str, tmp_path: Path) -> None:
    whole, part = tmp_path / f"whole.{suffix}", tmp_path / f"part.{suffix}"
    write_points(whole, torch.randn(200, 3))
    data = whole.read_bytes()
    for share in (0.02, 0.5, 0.95):
        part.write_bytes(data[: int(len(data) * share)])
        if suffix in ("csv", "tsv", "txt"):
            continue  # A table cut at the end of a cell is a table.
        said = refusal(part)
        assert "damaged or is not" in said
        assert said.endswith(")")
        assert said.count("(") == said.count(")")


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64, np.uint8, bool])
def test_real_numbers_of_any_kind_become_float32(dtype: type, tmp_path: Path) -> None:
    array = np.arange(12).reshape(6, 2).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    read = read_points(tmp_path / "a.npy")
    assert read.dtype == torch.float32
    assert np.array_equal(read.numpy(), array.astype(np.float32))


def test_arrays_in_other_orders_and_byte_orders_are_read(tmp_path: Path) -> None:
    array = np.arange(12, dtype=">f8").reshape(2, 6).T
    np.save(tmp_path / "a.npy", array)
    assert np.array_equal(read_points(tmp_path / "a.npy").numpy(), array)


def test_bfloat16_and_gradients_are_read(tmp_path: Path) -> None:
    x = torch.ones(4, 2, dtype=torch.bfloat16, requires_grad=True)
    torch.save(x, tmp_path / "a.pt")
    assert torch.equal(read_points(tmp_path / "a.pt"), torch.ones(4, 2))


BAD_ARRAYS = {
    "complex": (np.ones((4, 2), complex), "complex numbers"),
    "text": (np.full((4, 2), "a"), "text"),
    "scalar": (np.float64(3.0), "single number"),
    "flat": (np.arange(5.0), "reshape to (-1, 1)"),
    "no rows": (np.ones((0, 2)), "no points"),
    "no columns": (np.ones((4, 0)), "no points"),
    "nan": (np.array([[1.0, 2.0], [3.0, np.nan], [np.nan, 0.0]]), "2 of 3 rows"),
    "infinite": (np.array([[1.0, 2.0], [3.0, -np.inf]]), "the first is row 2"),
    "too large": (np.full((4, 2), 1e300), "single precision"),
    "records": (np.zeros(3, dtype=[("x", float)]), "records"),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_bad_arrays_say_what_is_wrong(name: str, tmp_path: Path) -> None:
    array, message = BAD_ARRAYS[name]
    np.save(tmp_path / "a.npy", array)
    assert message in refusal(tmp_path / "a.npy")
    np.savez(tmp_path / "a.npz", x=array)
    assert message in refusal(tmp_path / "a.npz")


def test_places_without_a_usable_file(tmp_path: Path) -> None:
    assert "there is no file" in refusal(tmp_path / "none.npy")
    (tmp_path / "folder.npy").mkdir()
    assert "is a folder" in refusal(tmp_path / "folder.npy")
    (tmp_path / "a.xlsx").touch()
    assert "'.xlsx'" in refusal(tmp_path / "a.xlsx")
    assert "no suffix" in refusal(tmp_path / "a")
    (tmp_path / "empty.csv").touch()
    assert "is empty" in refusal(tmp_path / "empty.csv")


def test_one_of_several_arrays_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, x=np.zeros((3, 2)), y=np.ones((3, 2)), odd=np.array([None]))
    assert read_points(f"{file}#y").sum() == 6
    assert "#x" in refusal(file)
    assert "there are x, y, odd" in refusal(f"{file}#z")
    assert "pickled" in refusal(f"{file}#odd")
    (tmp_path / "text.npy").write_text("1 2\n3 4\n")
    assert "is damaged or is not a npy file (it begins with b'1 2" in refusal(tmp_path / "text.npy")
    torch.save({"x": torch.zeros(3, 2)}, tmp_path / "a.pt")
    assert read_points(f"{tmp_path}/a.pt#x").shape == (3, 2)
    np.save(tmp_path / "one.npy", np.ones((3, 2)))
    assert "leave out" in refusal(f"{tmp_path}/one.npy#x")
    torch.save([torch.zeros(3, 2)], tmp_path / "list.pt")
    assert "list" in refusal(tmp_path / "list.pt")


def test_pickles_are_refused_and_never_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    np.save(tmp_path / "object.npy", np.array([Bomb(marker)], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "object.npz", x=np.array([Bomb(marker)], dtype=object), allow_pickle=True)
    for suffix in FORMATS:
        (tmp_path / f"plain.{suffix}").write_bytes(pickle.dumps(Bomb(marker)))
    torch.save(Bomb(marker), tmp_path / "object.pt")
    torch.save({"x": torch.zeros(3, 2), "y": Bomb(marker)}, tmp_path / "mixed.pt")
    torch.save(Bomb(marker), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    files = [f for f in tmp_path.iterdir() if f.is_file()]
    assert len(files) == len(FORMATS) + 5
    for file in files:
        message = refusal(file)
        if file.stem != "plain":
            assert "never loaded" in message
    assert not marker.exists()
    pickle.load(io.BytesIO(pickle.dumps(Bomb(marker)))).close()
    assert marker.exists(), "the file must be one that would have run"


TABLES = {
    "names": "x,y\n1,2\n3,4\n",
    "quoted names": '"x one";"y"\n1;2\n3;4\n',
    "tabs": "1\t2\n3\t4",
    "spaces": "# made by hand\n1 2\n\n3   4\n",
    "windows": "\ufeffx,y\r\n1,2\r\n3,4\r\n",
    "blanks": "1, 2\n 3 ,4 \n",
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_read_however_they_are_parted(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(TABLES[name].encode())
    assert read_points(tmp_path / "a.csv").tolist() == [[1, 2], [3, 4]]


BAD_TABLES = {
    "x,y\n1,2\n3,four\n": "line 3, column 2: 'four' is not a number",
    "1,2\n3,\0\x1b[0m\n": r"line 2, column 2: '\x00\x1b[0m' is not a number",
    "1,2\n3\n": "line 2: 1 columns, where the first row has 2",
    "1,2\n3,\n": "line 2, column 2 is empty",
    "1;2\n3;4,5\n": "write decimals with a point",
    "x,y\n": "no rows of numbers",
    "1,2\nnan,3\n": "1 of 2 rows",
}


@pytest.mark.parametrize("text", BAD_TABLES)
def test_bad_cells_are_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert BAD_TABLES[text] in refusal(tmp_path / "a.csv")


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("é,ü\n1,2\n".encode("latin-1"))
    assert "is not text in UTF-8; save it as UTF-8" in refusal(tmp_path / "a.csv")


@pytest.mark.skipif(PYARROW, reason="pyarrow is installed")
def test_parquet_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    assert "transportkit[parquet]" in refusal(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="pyarrow"):
        write_points(tmp_path / "b.parquet", torch.ones(3, 2))


@pytest.mark.skipif(not PYARROW, reason="needs pyarrow")
def test_parquet_columns_are_checked(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"x": [1, 2], "name": ["a", "b"]}), tmp_path / "a.parquet")
    assert "column 'name' holds string" in refusal(tmp_path / "a.parquet")
    parquet.write_table(pa.table({"x": [1, None]}), tmp_path / "b.parquet")
    assert "1 missing" in refusal(tmp_path / "b.parquet")


@pytest.mark.parametrize("suffix", ["npy", "csv", "pt", "safetensors", "parquet"])
def test_names_need_not_be_text_in_utf8(suffix: str, tmp_path: Path) -> None:
    if suffix == "parquet" and not PYARROW:
        pytest.skip("needs pyarrow")
    file = tmp_path / os.fsdecode(b"\xff." + suffix.encode())
    try:
        file.touch()
    except OSError:
        pytest.skip("the file system has no such names")
    write_points(file, torch.ones(3, 2))
    assert torch.equal(read_points(file), torch.ones(3, 2))


def test_writing_where_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(Unwritten, match="cannot be written: No such file or directory; choose"):
        write_points(tmp_path / "none" / "a.npy", torch.ones(3, 2))
    with pytest.raises(DataError, match="holds a table"):
        write_points(tmp_path / "a.csv", torch.ones(3, 1, 8, 8))
    with pytest.raises(DataError, match="no suffix"):
        write_points(tmp_path / "a", torch.ones(3, 2))
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, points: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_points(tmp_path / "a.npy", points)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(Unwritten, match=r"No space left.*; free some space or choose another"):
        write_points(tmp_path / "a.npy", 2 * points)
    assert torch.equal(read_points(tmp_path / "a.npy"), points)
    assert os.listdir(tmp_path) == ["a.npy"]


def problem(source: object, target: object, **params: str) -> object:
    values = {"source": str(source), "target": str(target), **params}
    return registry.make("problem", registry.parse_choice("problem", "samples", values))


def test_two_files_are_a_problem(tmp_path: Path, generator: Generator) -> None:
    x, y = torch.randn(30, 2, generator=generator), torch.randn(50, 2, generator=generator)
    write_points(tmp_path / "a.npy", x)
    write_points(tmp_path / "b.csv", y)
    made = problem(tmp_path / "a.npy", tmp_path / "b.csv")
    assert isinstance(made.source, Empirical)
    assert torch.equal(made.source.data, x)
    assert torch.equal(made.target.data, y)
    split = made.split(1000, generator)
    assert (split.source.size, split.held_out.source.size) == (15, 15)


def test_columns_of_two_files_stand_in_one_order(tmp_path: Path) -> None:
    rows = "\n".join(f"{i}.5,{-i}" for i in range(20))
    for name, head in (("p", "x,y"), ("q", "y,x"), ("r", "a,b")):
        (tmp_path / f"{name}.csv").write_text(f"{head}\n{rows}\n")
    with pytest.raises(DataError, match=r"are y,x and those of .* x,y; write both in one order"):
        problem(tmp_path / "p.csv", tmp_path / "q.csv")
    # Other names may well mean the same.
    assert problem(tmp_path / "p.csv", tmp_path / "r.csv").event_shape == (2,)


def test_unlike_units_and_outliers_are_told_of_once(
    generator: Generator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    points = torch.randn(200, 3, generator=generator)
    outlying = points.clone()
    outlying[0] = 300
    written = {"plain": points, "column": points * torch.tensor([1.0, 40.0, 1.0])}
    written |= {"small": points / 100, "outlying": outlying, "offset": points + 2e6}
    for name, each in written.items():
        np.save(tmp_path / f"{name}.npy", each)
    np.save(tmp_path / "source.npy", points.flip(0))
    told = {}
    for name in written:
        caplog.clear()
        for _ in range(2):
            choice = f"samples:source={tmp_path}/source.npy,target={tmp_path}/{name}.npy"
            registry.make("problem", registry.parse_choice("problem", choice))
        told[name] = caplog.text
        assert caplog.text.count("WARNING") == (0 if name == "plain" else 1)
    assert "column 2 spreads" in told["column"]
    assert "the source spreads 100 times" in told["small"]
    assert "energy and mmd are not" in told["outlying"]
    assert "values of up to 2e+06 in column" in told["offset"]
    assert "are stored in steps of 0.12, coarse beside their spread of 1" in told["offset"]


@pytest.mark.parametrize(
    ("offsets", "advice"),
    [
        ((2e6, 2e6), "subtract the same offset from both sides"),
        ((2e6, 2.2e6), "subtract the same offset from both sides"),
        ((0.0, 2e6), "subtract its own mean from either side, and add the target's"),
        ((-2e6, 2e6), "subtract its own mean from either side, and add the target's"),
        ((1e9, 1e9), "the same point in single precision; subtract the same offset from both"),
        ((1e9, 0.0), "the same point in single precision; subtract its own mean from either"),
    ],
)
def test_advice_on_samples_far_from_zero_helps_both_sides(
    offsets: tuple[float, float],
    advice: str,
    generator: Generator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sides = [torch.randn(200, 2, generator=generator).double() for _ in offsets]
    for name, x, offset in zip("pq", sides, offsets, strict=True):
        np.save(tmp_path / f"{name}.npy", x + offset)
    try:
        problem(tmp_path / "p.npy", tmp_path / "q.npy")
        told = [record.getMessage() for record in caplog.records]
    except DataError as error:
        told = [str(error)]
    assert told
    assert all(advice in each for each in told)
    # And so it does.
    caplog.clear()
    middles = offsets if "its own" in advice else (offsets[0], offsets[0])
    for name, x, offset, middle in zip("pq", sides, offsets, middles, strict=True):
        np.save(tmp_path / f"{name}.npy", x + offset - middle)
    problem(tmp_path / "p.npy", tmp_path / "q.npy")
    assert not any("stored in steps" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(("copies", "told"), [(1, 0), (2, 0), (3, 1), (199, 1)])
def test_copies_of_rows_are_told_of(
    copies: int,
    told: int,
    generator: Generator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    points, other = torch.randn(2, 200, 1, 1, 3, generator=generator)
    points[:copies] = points[-1]
    for name, each in (("p", points), ("q", other)):
        np.save(tmp_path / f"{name}.npy", each)
    problem(tmp_path / "p.npy", tmp_path / "q.npy")
    assert caplog.text.count(f"{copies} of 200 rows are copies of other rows") == told


@pytest.mark.parametrize(
    ("mean", "count", "dim", "kind"),
    [
        (200.0, 10_000, 1, np.float64),
        (5000.0, 2000, 1, np.float32),
        (300.0, 20_000, 2, np.float32),
        (0.0, 2000, 1, np.float16),
    ],
)
@pytest.mark.parametrize("copied", [0, 0.3])
def test_copies_that_rounding_makes_are_none(
    mean: float,
    count: int,
    dim: int,
    kind: type,
    copied: float,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rng = np.random.default_rng(0)
    for name in "pq":
        # Of two coordinates the second follows from the first.
        x = rng.normal(mean, 1, (count, 1)) * (1 + np.arange(dim))
        np.save(tmp_path / f"{name}.npy", np.vstack([x, x[: int(copied * count)]]).astype(kind))
    problem(tmp_path / "p.npy", tmp_path / "q.npy")
    assert len(np.unique(np.load(tmp_path / "p.npy").astype(np.float32), axis=0)) < 0.99 * count
    assert caplog.text.count("are copies of other rows") == (2 if copied else 0)


@pytest.mark.parametrize(
    ("step", "dim"), [(0.1, 2), (1, 2), (0.01, 1), (0.1, 3), (0.25, 2), (5, 2), (1 / 255, 1)]
)
def test_rounded_values_that_coincide_are_no_copies(
    step: float, dim: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rng = np.random.default_rng(0)
    for name in "pq":
        x = rng.normal(0, 10, (2000, dim)).round() * step
        np.savetxt(tmp_path / f"{name}.csv", x, delimiter=",")
    problem(tmp_path / "p.csv", tmp_path / "q.csv")
    assert "are copies of other rows" not in caplog.text


@pytest.mark.parametrize("kind", ["of few values", "beside others one bit off"])
def test_copies_are_not_put_down_to_rounding(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rng = np.random.default_rng(0)
    for name in "pq":
        if kind == "of few values":
            x = np.tile(rng.integers(0, 3, (300, 12)), (2, 1)).astype(np.float32)
        else:
            x = rng.normal(size=(850, 3)).astype(np.float32)
            x = np.vstack([x, x[:100], np.nextafter(x[:250], np.float32(9))])
        np.save(tmp_path / f"{name}.npy", x)
    problem(tmp_path / "p.npy", tmp_path / "q.npy")
    assert caplog.text.count("are copies of other rows") == 2


def test_a_file_of_one_point_is_told_once(generator: Generator, tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.full((20, 3), 1.5))
    np.save(tmp_path / "q.npy", torch.randn(20, 3, generator=generator))
    with pytest.raises(DataError, match="all 20 rows are the same point; give points") as error:
        problem(tmp_path / "p.npy", tmp_path / "q.npy")
    assert "column" not in str(error.value)
    assert problem(tmp_path / "p.npy", tmp_path / "q.npy", constant="keep").event_shape == (3,)


def test_one_file_for_both_sides_is_told_of(
    generator: Generator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    np.save(tmp_path / "p.npy", torch.randn(20, 3, generator=generator))
    problem(tmp_path / "p.npy", tmp_path / "p.npy")
    assert "source and target are the same points" in caplog.text


def test_pixels_may_be_constant(tmp_path: Path) -> None:
    images = torch.rand(10, 1, 8, 8)
    images[:, :, 0] = 0
    write_points(tmp_path / "a.npy", images)
    made = problem(tmp_path / "a.npy", tmp_path / "a.npy")
    assert made.about["image"] == [1, 8, 8]
    write_points(tmp_path / "flat.npy", images.flatten(1))
    problem(tmp_path / "flat.npy", tmp_path / "flat.npy", constant="keep")


def test_samples_that_cannot_be_a_problem(tmp_path: Path) -> None:
    good, wide, few, flat = (tmp_path / f"{n}.npy" for n in ("good", "wide", "few", "flat"))
    x = torch.randn(20, 3)
    write_points(good, x)
    write_points(wide, torch.randn(20, 4))
    write_points(few, x[:3])
    x[:, 1] = 2.5
    write_points(flat, x)
    for bad, message in (
        (wide, r"(3,)"),
        (few, "3 samples; at least 8"),
        (flat, "column 2 is constant at 2.5"),
        (tmp_path / "none.npy", "there is no file"),
    ):
        for pair in ((good, bad), (bad, good)):
            with pytest.raises(DataError) as caught:
                problem(*pair)
            assert message in str(caught.value)
            assert bad.name in str(caught.value)


def test_numbers_of_rows_and_of_columns_are_told_of(
    generator: Generator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As pandas writes a frame without names, and with its index."""
    points = torch.randn(30, 2, generator=generator)
    rows = [f"{x},{y}" for x, y in points.tolist()]
    (tmp_path / "head.csv").write_text("\n".join(["0,1", *rows]))
    (tmp_path / "index.csv").write_text(
        "\n".join([",x,y", *(f"{i},{row}" for i, row in enumerate(rows))])
    )
    np.save(tmp_path / "p.npy", points + 1)
    np.save(tmp_path / "q.npy", torch.randn(30, 3, generator=generator))
    problem(tmp_path / "p.npy", tmp_path / "head.csv")
    problem(tmp_path / "q.npy", tmp_path / "index.csv")
    told = [record.getMessage() for record in caplog.records]
    assert "head.csv': the first row numbers the columns, from 0" in told[0]
    assert "index.csv': column 1 numbers the rows, from 0, and is taken for a" in told[1]
    assert len(told) == 2
    for first in (1, 1950):
        years = torch.arange(first, first + 30)[:, None]
        np.save(tmp_path / f"{first}.npy", torch.hstack([years, points]))
        problem(tmp_path / "q.npy", tmp_path / f"{first}.npy")
    said = [r.getMessage() for r in caplog.records if "numbers the rows" in r.getMessage()]
    assert ["from 1, " in text for text in said] == [False, True]


def test_a_tensor_without_values_is_refused(tmp_path: Path) -> None:
    torch.save(torch.empty(60, 2, device="meta"), tmp_path / "a.pt")
    assert "holds the shape of a tensor and no values" in refusal(tmp_path / "a.pt")


@pytest.mark.skipif(not PYARROW, reason="needs pyarrow")
def test_parquet_columns_may_share_a_name(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = pa.array([1.0, 2.0]), pa.array([3.0, 4.0])
    parquet.write_table(pa.table(list(columns), names=["x", "x"]), tmp_path / "a.parquet")
    assert read_points(tmp_path / "a.parquet").tolist() == [[1, 3], [2, 4]]
