import base64
import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from PIL import Image

from autoscore.configuration import complete
from autoscore.figures.registry import FIGURES
from autoscore.report import circumstances, render
from docs.stability import COLUMNS
from tests.unit.oracles import ROOT

PAGE = (ROOT / "workflow/report/page.html").read_text(encoding="utf-8")
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
PLACE = {"of": "C1", "place": "sigma 0.1", "value": 0.5, "low": 0.4, "high": 0.6, "against": 0.7}
PLACE |= {"passed_by": "", "outcome": "holds", "differs": False, "counts": "support", "reason": ""}
STATEMENT = {"says": "An <order> is sigma^2.", "number": "", "differs": 0, "limits": "B fails"}


def record(name, seconds, **change):
    return {
        "rule": "train",
        "wildcards": {"density": name},
        "inputs": {},
        "outputs": {f"results/{name}.npz": "0" * 64},
        "versions": {"numpy": "2.0"},
        "machine": {"processor": "P", "cores": 2, "memory_gib": None, "system": "Linux"},
        "wall_seconds": seconds,
        "cpu_seconds": 1.0,
        "peak_memory_mib": 100,
        "finished": "2026-01-02T03:04:05+00:00",
    } | change


@pytest.fixture(autouse=True)
def run(tmp_path, monkeypatch):
    """A folder with two figures, two checks of a statement and the orders that were fitted."""
    monkeypatch.chdir(tmp_path)
    Path("figures").mkdir()
    for name in ("mixture_bias.png", "learned_error.png"):
        Image.new("RGB", (20, 10), "white").save(Path("figures", name))
    checks = [("C1_order_mixture", "holds"), ("C1_bias_mixture", "fails")]
    places = pd.DataFrame(checks, columns=["check", "expected"]).assign(**PLACE)
    places.loc[1, ["differs", "counts"]] = True, "limit"
    places.to_csv("places.csv", index=False)
    stated = [
        ("Section 3.3", "supported within limits", "C1_order"),
        ("Section 2", "not tested", ""),
    ]
    statements = pd.DataFrame(stated, columns=["statement", "verdict", "headline"])
    statements.assign(**STATEMENT).to_csv("statements.csv", index=False)
    order = {"density": "mixture", "objective": "dae", "low": 0.002, "high": 0.006, "order": 1.98}
    pd.DataFrame([order]).to_csv("order.csv", index=False)


def page(*records, figures=("figures/mixture_bias.png", "figures/learned_error.png"), **change):
    files = []
    for number, content in enumerate(records or [record("a", 1.0)]):
        files.append(f"{number}.json")
        Path(files[-1]).write_text(json.dumps(content), encoding="utf-8")
    config = complete(CONFIG | change)
    names = ("statements", "places", "order", "stability")
    tables = {name: f"{name}.csv" for name in names if Path(f"{name}.csv").is_file()}
    return render(PAGE, config, figures, files, tables)


def test_statements_come_before_checks_and_figures():
    text = page()
    parts = ('id="statements"', 'id="checks"', 'id="learned_error"', 'id="mixture_bias"')
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "2 statements and figures of the paper" in text
    assert '<span class="verdict within">supported within limits</span> 1' in text
    assert text.count("0.5 [0.4, 0.6]</td>") == 2
    for check in ("C1_order_mixture", "C1_bias_mixture"):
        assert text.count(f"<details><summary>{check}</summary>") == 1
    assert text.count('<span class="verdict differs">differs</span>') == 1


def test_a_small_run_says_that_the_captions_are_those_of_the_full_one():
    said = "Captions say what figures of the full run show"
    assert said in page(profile="quick")
    assert said not in page(profile="full")


def test_other_seeds_are_shown_where_they_differ():
    assert 'id="stability"' not in page()
    rows = [
        ("full", "check", "C1_order_ring", 3, 3, ""),
        ("full", "check", "C2_ring", 3, 2, "one"),
        ("full", "statement", "Theorem 1: supported", 3, 3, ""),
        ("quick", "check", "C3_ring", 3, 0, "all"),
    ]
    pd.DataFrame(rows, columns=COLUMNS).to_csv("stability.csv", index=False)
    text = page()
    shown = re.findall(r'<tr><td>([^<]+)</td><td class="number">(. of .)</td>', text)
    assert shown == [("C2_ring", "2 of 3"), ("Theorem 1: supported", "3 of 3")]


def test_words_are_words_and_not_markup():
    text = page()
    assert "An &lt;order&gt; is σ²." in text


def test_a_figure_tallies_the_places_of_its_statements():
    tally = '<span class="tally"><span class="verdict {0}">{0}</span> 1</span>'
    assert f"{tally.format('support')}\n{tally.format('limit')}" in page()


def test_a_caption_says_what_this_run_found():
    text = page()
    assert "Order of the DAE, fitted at σ from 0.002 to 0.006: 1.98." in text
    assert "Mixture; trained on the density itself" in text


def test_pictures_are_in_the_page_whole():
    found = re.findall(r'<img src="data:image/png;base64,([^"]+)" width="12" height="6"', page())
    files = [Path("figures/learned_error.png"), Path("figures/mixture_bias.png")]
    assert [base64.b64decode(data) for data in found] == [file.read_bytes() for file in files]


def test_a_picture_of_no_figure_is_named():
    with pytest.raises(ValueError, match="no figure is declared that makes new_kind"):
        page(figures=["figures/new_kind.png"])


def test_a_figure_of_the_paper_says_what_both_show_and_what_differs():
    Path("figures/paper").mkdir()
    Image.new("RGB", (20, 10), "white").save("figures/paper/figure_4.png")
    text = page(figures=["figures/paper/figure_4.png"])
    caption = re.search(r'<figure id="figure_4">.*?</figure>', text, re.DOTALL)[0]
    assert "<h3>Figure 4</h3>" in caption
    shown = re.findall(r"<dt>(.+?)</dt><dd>(.+?)</dd>", caption, re.DOTALL)
    assert [term for term, _ in shown] == ["In the paper", "Ours", "What differs"]
    assert "over the score; σ 1.00" in shown[0][1]
    assert shown[2][1].count("<li>") == len(FIGURES["figure_4"].deviations) > 1


def test_the_ten_slowest_jobs_come_first():
    jobs = [record(f"job{number:02}", float(number + 1)) for number in range(12)]
    found = re.findall(r"<td>train (job\d\d)</td>", page(*jobs))
    slowest = [f"job{number:02}" for number in range(11, -1, -1)]
    assert found == slowest[:10] + slowest


def test_versions_that_differ_are_all_named():
    text = page(record("a", 1.0), record("b", 1.0, versions={"numpy": "2.1", "torch": "3"}))
    assert "<td>numpy</td><td>2.0, 2.1</td>" in text
    assert "<td>torch</td><td>3</td>" in text


def test_folders_of_the_machine_are_left_out():
    images = CONFIG["images"] | {"path": "/elsewhere/someone/mnist"}
    text = page(images=images)
    assert "path: mnist" in text
    assert "/home" not in text


@pytest.mark.parametrize(
    ("sigmas", "sizes", "line"),
    [
        ([0.1], ["all"], "all points; sigma 0.1; 3 seeds."),
        (
            {"low": 0.01, "high": 1.0, "count": 5},
            ["exact", 1000],
            "the density itself and 1,000 points; 5 noise levels from 0.01 to 1; 3 seeds.",
        ),
    ],
)
def test_circumstances_fill_a_line(sigmas, sizes, line):
    train = {"sigmas": sigmas, "sizes": sizes, "seeds": 3}
    found = circumstances({"kind": "curve_mixture", "train": train})
    assert found == f"Curve mixture; trained on {line}"
