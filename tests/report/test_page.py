"""`tk report`: the page holds what the runs say, opens without error, sorts, answers a pointer."""

from __future__ import annotations

import html
import json
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.commands import TINY, Answer, tk
from tests.report.results import result, shelve
from transportkit import Budget, Choice, Run
from transportkit.cli.app import tk as group
from transportkit.cli.options import merged, parse_set
from transportkit.cli.run import SHARED, chosen_data, settings
from transportkit.harness.plan import Settings, plan
from transportkit.report.page.build import build
from transportkit.report.page.command import command

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
LONG = "a-method-whose-name-is-longer-than-anybody-would-have-thought-wise"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods at several NFE, a refusal, a failure, one seed of a third, in the plane."""
    folder = tmp_path_factory.mktemp("report")
    results = [
        result(method, seed, nfe=nfe, sliced_w2=base / nfe + seed / 100, cost=3.0 + seed)
        for method, base in (("cfm", 2.2), ("otcfm", 1.0))
        for seed in (0, 1)
        for nfe in (2, 4, 8)
    ]
    results += [
        result(LONG, sliced_w2=0.15),
        result("emd", status="refused", message="not to its </script> taste"),
        result("efm", status="failed", message="RuntimeError: <b>a pipe</b> burst"),
    ]
    shelve(folder / "runs", *results)
    answer = tk("report", folder / "runs", "-o", folder / "page.html", "--title", "A <report>")
    assert answer.status == 0, answer.err
    return folder / "page.html"


def data_of(page: Path) -> dict:
    mark = '<script type="application/json" id="data">'
    return json.loads(page.read_text().partition(mark)[2].partition("</script>")[0])


def test_it_needs_nothing_beside_itself(page: Path) -> None:
    text = page.read_text()
    assert "<title>A &lt;report&gt;</title>" in text
    outside = re.sub(r"http://www\.w3\.org/\S+?\"", "", text)
    assert not re.search(r"https?://|@import|\bsrc=[\"']|<link", outside)


def test_a_title_is_text_whatever_it_says(page: Path) -> None:
    title, data = "{{data}} /*{{script}}*/ {{title}} /*{{style}}*/", {"problems": [1]}
    text = build(data, title)
    assert text == build(data, "plain").replace(">plain<", f">{title}<")
    assert build({"x": title}, "plain").count("</style>") == 1


def test_its_data_is_that_of_the_comparison(page: Path) -> None:
    (problem,) = data_of(page)["problems"]
    methods = {method["name"]: method for method in problem["methods"]}
    assert len(methods) == 9
    fine = methods["cfm nfe=8"]["cells"]["sliced_w2"]
    assert fine["value"] == pytest.approx(0.28)
    assert fine["ratio_text"].startswith("2.8")
    assert methods["emd"]["troubles"] == [
        {"text": "refused: not to its </script> taste", "seeds": [0]}
    ]
    assert methods["emd"]["seeds"] == 0
    (axis,) = problem["axes"]
    curves = {(curve["method"], curve["metric"]): curve["points"] for curve in axis["curves"]}
    assert [point["x"] for point in curves["cfm", "sliced_w2"]] == [2, 4, 8]
    assert curves["otcfm", "sliced_w2"][0]["mean"] == pytest.approx(0.505)
    pair = next(
        p for p in problem["pairs"] if {"cfm nfe=8", "otcfm nfe=8"} == {p["first"], p["second"]}
    )
    assert abs(pair["difference"]) == pytest.approx(0.15)
    assert pair["differs"]
    (seen,) = (r for r in problem["resolution"] if r["metric"] == "sliced_w2")
    assert seen["pairs"] == len(problem["pairs"])


class Tables(HTMLParser):
    """The rows of the tables that a reader without scripts sees, each a list of texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False
        self.feed(page.partition("<noscript>")[2].partition("</noscript>")[0])

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def test_without_a_script_the_rows_are_there(page: Path) -> None:
    (problem,) = data_of(page)["problems"]
    head, *rows = Tables(page.read_text()).rows
    assert head == ["method", "sliced_w2", "cost", "finished", "NFE", "fit s", "push s", "seeds"]
    shown = {row[0]: row[1:] for row in rows}
    assert list(shown) == [
        *(method["name"] for method in problem["methods"]),
        "floor",
        "resolution",
    ]
    for method in problem["methods"]:
        if not method["seeds"]:
            assert shown[method["name"]] == [method["troubles"][0]["text"]]
            continue
        distance, cost, *_, seeds = shown[method["name"]]
        cell = method["cells"]["sliced_w2"]
        assert distance == f"{cell['ratio_text']} {cell['mark']}".rstrip()
        assert cost == (method["cells"]["cost"]["text"] if method["cells"]["cost"] else "-")
        assert seeds == str(method["seeds"])
    assert shown["floor"][0] == "0.100"
    assert "≈" in shown["otcfm nfe=8"][0]


def test_dimension_is_an_axis_across_problems(tmp_path: Path) -> None:
    for dim in (2, 8):
        runs = [
            result("linear", seed, "gaussian-pair", data_params={"dim": dim}, cost=dim + seed)
            for seed in (0, 1)
        ]
        shelve(tmp_path, *runs, shape=(dim,))
    tk("report", tmp_path, "-o", tmp_path / "page.html")
    (family,) = data_of(tmp_path / "page.html")["across"]
    (curve,) = family["axes"][0]["curves"]
    assert [point["x"] for point in curve["points"]] == [2, 8]
    assert [point["mean"] for point in curve["points"]] == [2.5, 8.5]


def test_images_are_shown_as_images(tmp_path: Path) -> None:
    shelve(tmp_path, replace(result(data="digits", cost=1.0), alone=False), shape=(1, 8, 8))
    tk("report", tmp_path, "-o", tmp_path / "page.html")
    (method,) = data_of(tmp_path / "page.html")["problems"][0]["methods"]
    # Timed beside other runs.
    assert [fact["text"] for fact in method["facts"]] == ["100.0%", "10", "~2.00", "~0.10"]
    view = method["view"]
    assert view["kind"] == "images"
    assert view["moved"].startswith("data:image/png;base64,")


def test_lines_of_a_run_are_kept_and_shown(tmp_path: Path) -> None:
    line = f"cfm --data moons {TINY} --integrator euler:steps=4 --out {tmp_path / 'runs'}"
    assert tk(f"run {line}").status == 0
    tk("report", tmp_path / "runs", "-o", tmp_path / "page.html")
    view = data_of(tmp_path / "page.html")["problems"][0]["methods"][0]["view"]
    assert not view["straight"]
    assert len(view["lines"][0]) > 2
    ends = [track[-1] for track in view["lines"]]
    assert np.abs(np.subtract(ends, view["moved"][: len(ends)])).max() <= 1
    (lines,) = (tmp_path / "runs").glob("*/lines.npz")
    lines.write_bytes(b"")
    assert tk("report", tmp_path / "runs", "-o", tmp_path / "page.html").status == 0
    assert data_of(tmp_path / "page.html")["problems"][0]["methods"][0]["view"]["straight"]


def planned_by(text: str) -> Run:
    """The Run that a `tk run` would do."""
    _, name, *words = shlex.split(text)
    given = group.commands[name].make_context(name, words).params
    (method,) = given["words"]
    values = merged({**given, "method": method}, None, SHARED | {"method", "set", "seed"})
    overrides = parse_set(given["sets"])
    (run,) = plan(
        [values["method"]], chosen_data(values), [values["seed"]], settings(values), overrides
    )
    return run


@pytest.mark.parametrize(
    ("method", "data", "asked"),
    [
        ("cfm:width=64,lr=1e-4", "gaussian-pair:dim=3", {"nfe": 8, "integrator": "rk4"}),
        ("efm-exact", "moons", {"points": 77, "batch": 9, "train": 50, "threads": 2}),
        ("linear", "gaussians", {"metrics": ["w2", "sliced_w2"]}),
        ("cfm", "moons", {"budget": Budget(seconds=1234.5678), "tf32": True}),
    ],
)
def test_the_command_makes_the_same_run(method: str, data: str, asked: dict) -> None:
    (run,) = plan([method], [data], [4], Settings(device="cpu", **asked))
    assert planned_by(command(run)).key() == run.key()


def test_the_command_of_what_is_not_installed() -> None:
    run = Run(Choice("gone", {"a": [1, 2], "b": None}), Choice("moons"))
    assert "gone:a=1/2,b=none" in command(run)


PROBE = f"<script>{Path(__file__).with_name('probe.js').read_text()}</script>"


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_in_a_browser_it_sorts_answers_a_pointer_and_has_no_error(
    page: Path, tmp_path: Path
) -> None:
    probed = tmp_path / "probed.html"
    probed.write_text(page.read_text().replace("<body>", f"<body>{PROBE}", 1))
    done = subprocess.run(
        [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu"),
            *("--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}"),
            *("--enable-logging=stderr", "--window-size=1000,900"),
            *("--virtual-time-budget=3000", "--dump-dom", f"file://{probed}"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "CONSOLE" not in done.stderr
    dom = done.stdout
    assert 'data-ready="yes"' in dom
    assert "data-error" not in dom
    found = re.search(r'<pre id="said">(.*?)</pre>', dom, re.DOTALL)
    assert found is not None
    said = json.loads(html.unescape(found[1]))
    assert said["up"][0] == "otcfm nfe=8"
    assert said["up"][-1] == "cfm nfe=2"
    assert said["down"] == said["up"][::-1]
    assert said["sort"] == "descending"
    assert "sliced_w2 / floor" in said["tip"]
    assert "95%" in said["tip"]
    assert said["bold"] == 0
    assert not said["wide"]
    assert "is better" in said["pair"]
    assert said["last"] == ["floor", "resolution"]
    assert said["front"] == 1
    assert len(said["pre"]) == 15
    assert any(text.startswith("tk run otcfm") for text in said["pre"])


def test_no_place_for_the_page_is_one_line(page: Path, tmp_path: Path) -> None:
    answer: Answer = tk("report", page.parent / "runs", "-o", tmp_path / "no" / "page.html")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
