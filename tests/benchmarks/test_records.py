"""Records of the suites' runs: read as they were written, and merged cell by cell."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.scripts import book, peers, records, tables
from transportkit import DataError

Suite = peers.Suite


@pytest.mark.parametrize("name", tables.TITLES)
def test_records_that_are_read_and_written_are_the_same(name: str) -> None:
    file, suite = peers.RESULTS / f"{name}.csv", Suite(name)
    text = book.as_csv(peers.recorded(name)[::-1], suite.asked, suite.columns)
    assert text.encode() == file.read_bytes()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"value": None}, "neither a value nor a message"),
        ({"value": math.inf}, "value should be a finite number or empty, not 'inf'"),
        ({"metric": ""}, "it has a value of no metric"),
        ({"method": "linear"}, "method should be one of"),
        ({"seed": 0}, "another record has the same cell"),
        ({"message": "file \udcff"}, "surrogates not allowed"),
    ],
)
def test_what_could_not_be_read_is_not_written(change: dict[str, object], told: str) -> None:
    suite = Suite("cite")
    first, second = records({"otcfm": {0: 0.8, 1: 0.9}})
    with pytest.raises(DataError, match=told) as error:
        book.as_csv([first, replace(second, **change)], suite.asked, suite.columns)
    assert " day 3 " in str(error.value)


def test_a_cell_that_was_run_again_is_replaced_and_no_other() -> None:
    old = records({"otcfm": {0: 0.8, 1: 0.9}, "emd": {0: 0.75}}) + records(
        {"otcfm": {0: 0.7}}, "full"
    )
    new = [replace(r, date="2026-12-01") for r in records({"otcfm": {1: 0.91, 2: 0.85}})]
    merged = book.merge(old, new)
    assert len(merged) == 5
    expected = {r.cell: (r.value, r.date) for r in [*old, *new]}
    assert {r.cell: (r.value, r.date) for r in merged} == expected


def test_a_row_has_one_setting() -> None:
    old = records({"otcfm": {0: 0.8, 1: 0.9}, "emd": {0: 0.75}})
    # What only one of them says is not known to differ.
    told = [replace(r, parameters="lr=0.001 width=64") for r in records({"otcfm": {0: 0.7}})]
    assert len(book.merge(old, told)) == 3
    for change in ({"parameters": "lr=0.002"}, {"budget": "steps=20"}, {"points": 1000}):
        new = [replace(r, **change) for r in records({"otcfm": {0: 0.7, 1: 0.6}})]
        assert len(book.merge(old, new)) == 3
        with pytest.raises(DataError, match="otcfm by the reduced protocol would have two"):
            book.merge(old, new[:1])
        alone = book.merge(old, new[:1], replace=True)
        with pytest.raises(DataError, match="leave the runs of one of them out of the folder"):
            book.merge(old, [*new[:1], *records({"otcfm": {2: 0.8}})], replace=True)
        assert sorted((r.method, r.value) for r in alone) == [("emd", 0.75), ("otcfm", 0.7)]


def test_two_settings_of_new_runs_of_one_cell_are_told() -> None:
    older = records({"otcfm": {0: 0.8, 1: 0.9}, "emd": {0: 0.75}})
    assert list(book.outdone([*older, *older])) == []
    newer = [replace(r, parameters="lr=0.002") for r in records({"otcfm": {0: 0.7, 1: 0.7}})]
    # In two cells, none of which is taken for the other: `merge` refuses them.
    assert list(book.outdone([older[0], newer[1]])) == []
    (told,) = book.outdone([*older, *newer])
    assert "otcfm by the reduced protocol were run in two settings (lr: 0.001 and 0.002)" in told
    assert {r.value for r in book.merge([], [*older, *newer]) if r.method == "otcfm"} == {0.7}


def test_a_run_without_figures_takes_the_place_of_none() -> None:
    (figures,) = records({"otcfm": {0: 0.8}})
    failed = replace(figures, metric="", value=None, message="it failed")
    assert book.merge([figures], [failed]) == [figures]
    assert book.merge([failed], [figures]) == [figures]
    assert book.merge([], [failed]) == [failed]
    assert book.merge([figures], [failed], replace=True) == [failed]


def test_a_metric_that_failed_takes_the_place_of_no_value() -> None:
    values, others = records({"otcfm": {0: 0.8, 1: 0.9}}), records({"otcfm": {0: 0.7, 1: 0.6}})
    failed = [replace(values[0], value=None, message="not finite"), others[1]]
    assert book.merge(values, failed) == [values[0], others[1]]
    assert book.merge(values, failed, replace=True) == failed
    assert book.merge(failed[:1], values[:1]) == values[:1]
    assert book.merge(failed[:1], [replace(failed[0], date="2026-12-01")])[0].date == "2026-12-01"
    # What stays is of one setting with what came.
    elsewhere = [replace(r, parameters="lr=0.002") for r in failed]
    with pytest.raises(DataError, match="would have two settings"):
        book.merge(values, elsewhere)
    assert book.merge(values, elsewhere, replace=True) == elsewhere


@pytest.mark.parametrize(
    ("column", "said", "told"),
    [
        ("seed", "one", "seed should be a whole number, not 'one'"),
        ("value", "nan", "value should be a finite number or empty, not 'nan'"),
        ("value", "", "neither a value nor a message"),
        ("date", "yesterday", "date should be a day such as 2026-11-26"),
        ("method", "otcmf", "method should be one of otcfm, cfm, .*, not 'otcmf'"),
        ("problem", "day 5", "problem should be one of day 3, day 4, not 'day 5'"),
        ("parameters", "lr", "parameters should read name=value"),
        ("seed", "0", "an earlier line has the same cell"),
        ("message", '"a"b', "line 3: "),
    ],
)
def test_a_damaged_record_is_told_by_its_line(
    column: str, said: str, told: str, tmp_path: Path
) -> None:
    file, suite = tmp_path / "cite.csv", Suite("cite")
    text = book.as_csv(records({"otcfm": {0: 0.8, 1: 0.9}}), suite.asked, suite.columns)
    head, first, second = text.splitlines()
    fields = dict(zip(book.COLUMNS, second.split(","), strict=True)) | {column: said}
    file.write_text("\n".join([head, first, ",".join(fields.values())]))
    with pytest.raises(DataError, match=told) as error:
        book.read(file, suite.asked, suite.columns)
    assert str(error.value).startswith(f"'{file}', line 3: ")
    assert "\n" not in str(error.value)
