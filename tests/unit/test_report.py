import base64
import json
import re
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from autoscore.configuration import complete
from autoscore.figures.registry import FIGURES
from autoscore.report.page import render
from autoscore.report.places import cells
from autoscore.report.sections import cell_kind
from autoscore.report.words import circumstances, plain, subjects_of, symbols
from docs.stability import COLUMNS
from tests.unit.oracles import ROOT

FOLDER = ROOT / "workflow/report"
PAGE = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
CHECK = {"family": "C1_order", "target": "mixture", "says": "The order is two", "column": "order"}
CHECK |= {"sentence": "The order is two (mixture).", "of": "C1", "at_least": 1.9}
CHECKS = [
    CHECK | {"id": "C1_order_mixture"},
    CHECK | {"id": "C1_bias_mixture", "family": "C1_bias"},
    CHECK | {"id": "C1_images", "family": "C1_images", "target": None},
]
ITEMS = [
    {
        "kind": "section",
        "number": "2",
        "title": "Section 2",
        "short": "losses",
        "untested": "None.",
    },
    {"kind": "figure", "number": "4", "title": "Figure 4", "short": "both", "section": "3.3"},
    {"kind": "section", "number": "3.3", "title": "Section 3.3", "short": "one dimension"},
]
ITEMS = [item | {"says": "An <order> is sigma^2."} for item in ITEMS]
ITEMS[2] |= {"families": ["C1_order", "C1_bias"], "further": ["C1_images"], "headline": "C1_order"}
ITEMS[2] |= {"figures": ["bias"]}
PLACE = {"of": "C1", "place": "sigma 0.1", "value": 0.5, "low": 0.4, "high": 0.6, "against": ""}
PLACE |= {"passed_by": "", "outcome": "holds", "differs": False, "counts": "support", "reason": ""}
PLACE |= {"margin": 0.2, "identity": 0.9, "untrained": 0.8, "gaussian": 0.77, "kde": ""}
STATEMENT = {"number": "holds", "differs": 0, "limits": "C1_bias fails at 1 of 1 places (0.5)"}


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
    checks = [("C1_order_mixture", "holds"), ("C1_bias_mixture", "fails"), ("C1_images", "")]
    places = pd.DataFrame(checks, columns=["check", "expected"]).assign(**PLACE)
    places.loc[1, ["differs", "counts"]] = True, "limit"
    places.to_csv("places.csv", index=False)
    stated = [
        ("Section 2", "not tested", ""),
        ("Figure 4", "supported", ""),
        ("Section 3.3", "supported within limits", "C1_order"),
    ]
    statements = pd.DataFrame(stated, columns=["statement", "verdict", "headline"])
    statements.assign(**STATEMENT).to_csv("statements.csv", index=False)
    order = {"density": "mixture", "objective": "dae", "low": 0.002, "high": 0.006, "order": 1.98}
    pd.DataFrame([order]).to_csv("order.csv", index=False)


BOTH = ("figures/mixture_bias.png", "figures/learned_error.png")


def page(*records, figures=BOTH, fields=(), optima=(), **change):
    files = []
    for number, content in enumerate(records or [record("a", 1.0)]):
        files.append(f"{number}.json")
        Path(files[-1]).write_text(json.dumps(content), encoding="utf-8")
    config = complete(CONFIG | change)
    names = ("statements", "places", "order", "stability")
    tables = {name: f"{name}.csv" for name in names if Path(f"{name}.csv").is_file()}
    found = {"figures": figures, "records": files, "fields": fields, "optima": optima}
    return render(PAGE, config, ITEMS, CHECKS, found, tables)


def test_the_matrix_comes_first_then_sections_in_the_papers_order():
    text = page()
    parts = (
        'id="matrix"',
        'id="section-2"',
        'id="section-3-3"',
        'id="figure-4"',
        'id="mixture_bias"',
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert text.index('id="other"') < text.index('id="learned_error"')  # no statement names it
    assert text.count("0.5 [0.4, 0.6]</td>") == 4  # a headline twice


def test_a_cell_of_the_matrix_says_what_was_found_and_leads_to_its_checks():
    text = page()
    cells = re.findall(r'<td><a class="(\w+)" href="#([^"]+)" .*?aria-label="([^"]+)">', text)
    said = "Section 3.3 on mixture: holds in part (1 support, 1 limit)"
    assert cells == [("partly", "section-3-3--mixture", said)]
    assert f'<details id="{cells[0][1]}"' in text
    assert '<details id="section-3-3--images"' in text  # only listed, and decides nothing


def test_a_headline_stands_beside_its_null_models():
    found = re.search(r'<thead>(.*?)<tr data-subjects="\|mixture\|">(.*?)</tr>', page(), re.DOTALL)
    numbers = re.findall(r'<td class="number">(.*?)</td>', found[2])
    assert numbers == ["0.5 [0.4, 0.6]", "≥ 1.9", "0.9", "0.8", "0.77"]
    names = re.findall(r'<th scope="col" class="number">(.*?)</th>', found[1])
    assert names == ["Measured [95 %]", "Should be", "Identity", "Untrained", "Gaussian"]


@pytest.mark.parametrize(
    ("asks", "against", "shown"),
    [
        ({"equals": 2, "within": 0.1}, "", {"Measured [95 %]": "0.5 [-0.3, 0.1]"}),
        ({"less_than": {}}, 0.6, {"Measured": "0.5", "Should be": "< 0.6"}),
        ({"more_than": {}}, 0.6, {"Should be": "> 0.6", "Difference [95 %]": "-0.1 [-0.3, 0.1]"}),
        ({"decreasing": "n"}, 0.4, {"Should be": "< 0.4", "Difference [95 %]": "0.1 [-0.1, 0.3]"}),
    ],
)
def test_an_interval_stands_beside_what_it_is_of(asks, against, shown):
    """Differences are the value minus its reference, whatever the check judges."""
    row = PLACE | {"against": against, "low": -0.3, "high": 0.1, "expected": "", "differs": "False"}
    found = cells({"subject": "mixture", "check": asks}, row)
    assert shown.items() <= found.items()
    assert (found["Difference [95 %]"] == "") == (against == "")


def test_limits_say_what_should_hold_and_lead_to_the_checks():
    text = page()
    said = r'<li data-subjects="\|mixture\|"><code>C1_bias</code> fails at 1 of 1 places \(0.5\)'
    assert re.search(said + ', on <a href="#section-3-3--C1_bias_mixture">mixture</a>', text)
    assert "What should hold: The order is two (order at least 1.9)" in text
    assert '<details id="section-3-3--C1_bias_mixture">' in text


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("holds at 1 of 1 places", "It holds at 1 of 1 places."),
        ("counts at no place", "It counts at no place."),
        ("", "It is true by construction, which tests nothing."),
    ],
)
def test_a_headline_ends_in_a_whole_sentence(number, said):
    statements = pd.read_csv("statements.csv", keep_default_na=False)
    statements.assign(number=number).to_csv("statements.csv", index=False)
    assert f"(order at least 1.9). {said} Of each density" in page()


def test_null_models_that_pass_in_this_run_are_told_from_those_on_record():
    places = pd.read_csv("places.csv", keep_default_na=False)
    places.assign(passed_by="kde").to_csv("places.csv", index=False)  # and yet support, on record
    text = page()
    assert "in more than half of the recorded runs" in text
    assert '<th scope="col">Null models that pass in this run</th>' in text
    assert re.search(r"<td>kde</td><td>holds</td><td><span class=.verdict support.>", text)


def test_the_dimension_of_each_density_stands_in_the_matrix():
    assert re.search(r"Dimensions</th><td></td><td>1</td>", page())


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


def test_a_caption_says_what_this_run_found():
    text = page()
    assert "Order of the DAE, fitted at σ from 0.002 to 0.006: 1.98." in text
    assert "Mixture in one dimension. Drawn by" in text


def test_pictures_are_in_the_page_whole():
    found = re.findall(r'<img src="data:image/webp;base64,([^"]+)" width="12" height="6"', page())
    assert len(found) == 2
    for data in found:
        with Image.open(BytesIO(base64.b64decode(data))) as image:
            assert image.size == (20, 10)
            assert image.getpixel((10, 5)) == (255, 255, 255)


def test_a_picture_of_no_figure_is_named():
    Image.new("RGB", (20, 10)).save("figures/new_kind.png")
    with pytest.raises(ValueError, match="no figure is declared that makes new_kind"):
        page(figures=["figures/new_kind.png"])


def test_a_figure_of_the_paper_says_what_both_show_and_what_differs():
    Path("figures/paper").mkdir()
    Image.new("RGB", (20, 10), "white").save("figures/paper/figure_4.png")
    text = page(figures=["figures/paper/figure_4.png"])
    drawn, _, own = text.partition('<figure id="figure_4"')
    assert drawn.rstrip().endswith("</h3>")  # under the figure's heading, in its section
    caption = own.partition("</figure>")[0]
    shown = re.findall(r"<dt>(.+?)</dt><dd>(.+?)</dd>", caption, re.DOTALL)
    assert [term for term, _ in shown] == ["In the paper", "Ours", "What differs"]
    assert "over the score; σ\xa01.00" in shown[0][1]
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
    ("figure", "density", "line"),
    [
        ("density", "three_wells", "Energy in one dimension."),  # nothing is trained
        ("losses", "three_wells", "Energy in one dimension; models trained on the density itself."),
        ("map", "spiral", "Curve in two dimensions; models trained on 10,000 points."),
        ("far_starts", "spiral", "Curve in two dimensions."),  # of variants with their own seeds
        ("pairs", "curve_mixture_100", "Curve mixture in 100 dimensions."),
        ("images_spectra", "", "Each image model was trained once (one seed)."),
        ("learned_error", "", ""),
    ],
)
def test_circumstances_are_those_of_the_figure(figure, density, line):
    assert circumstances(FIGURES[figure], complete(CONFIG), density) == line


def test_figures_know_whose_they_are():
    config = complete(CONFIG)
    found = [subjects_of(FIGURES[name], config, "") for name in ("figure_2", "images_chains")]
    assert found == [["three_points", "three_bumps"], ["images"]]
    assert subjects_of(FIGURES["map"], config, "ring") == ["ring"]


def test_formulas_do_not_break_and_have_subscripts():
    assert plain("E[p(x - e) (x - e)] / sigma^2") == "E[p(x−e) (x−e)] / σ²".replace(
        "−", "\xa0−\xa0"
    ).replace(") (", ")\xa0(").replace(" / ", "\xa0/\xa0")
    assert plain("model large_sigma, sigma 0.1") == "model large_sigma, σ\xa00.1"
    assert symbols("p_sigma < p") == "p<sub>σ</sub> &lt; p"
    assert symbols("(sigma_MH) of map_0") == "(σ<sub>MH</sub>) of map_0"


def unpacked(one):
    return np.frombuffer(base64.b64decode(one["data"]), "<i2") * one["unit"]


def told(text):
    found = re.search(r'<script type="application/json" id="explored">(.*?)</script>', text)
    return json.loads(found[1])


def test_curves_to_move_are_those_of_the_arrays():
    x = np.linspace(-2.0, 2.0, 1001)
    moves = np.array([[-0.01 * x, -0.011 * x], [-0.3 * x, -0.32 * x]])  # (levels, seeds, n)
    arrays = {"x": x, "sigmas": np.array([0.1, 0.5]), "dae": moves, "best_dae": moves[:, 0]}
    np.savez("mixture.npz", **arrays)
    Path("optimum").mkdir()
    np.savez("optimum/mixture.npz", x=x, log_prob=-4.0 * x**2, score=-8.0 * x)
    one = told(page(fields=["mixture.npz"], optima=["optimum/mixture.npz"]))["lines"]["mixture"]
    assert [series["label"] for series in one["series"]] == ["best DAE", "trained DAE"]
    grid = np.linspace(*one["x"], 301)
    np.testing.assert_allclose(unpacked(one["series"][1]["levels"][1]), -0.31 * grid, atol=2e-5)
    score, first = unpacked(one["score"]), one["score"]["first"]
    np.testing.assert_allclose(score, -8.0 * grid[first : first + len(score)], atol=5e-4)
    assert len(score) < 301  # where p is negligible it is not drawn
    alone = told(page(fields=["mixture.npz"]))["lines"]["mixture"]
    assert alone["score"] is None


def test_fields_to_move_are_those_of_the_arrays():
    grid = np.random.default_rng(1).standard_normal((2, 5, 5, 2)).astype(np.float32)
    arrays = {
        "grid_window": np.array([[-1.0, 1.0], [0.0, 2.0]]),
        "grid_sigmas": np.array([0.1, 0.5]),
    }
    np.savez("ring.npz", **arrays, grid_exact=grid, grid_separate=2 * grid, points=np.ones((3, 2)))
    one = told(page(fields=["ring.npz"]))["planes"]["ring"]
    assert (one["size"], list(one["fields"])) == (5, ["exact", "separate"])
    assert one["trained"] == "10,000 points"
    for level, values in zip(one["fields"]["separate"]["levels"], grid, strict=True):
        np.testing.assert_allclose(unpacked(level), 2 * values.ravel(), atol=1e-4)


@pytest.mark.parametrize(
    ("headline", "others", "kind"),
    [
        ({"support": 2}, {}, "holds"),
        ({"support": 2}, {"limit": 1}, "partly"),
        ({"support": 2, "limit": 2}, {}, "partly"),
        ({"support": 1, "limit": 2}, {"support": 9}, "fails"),
        ({"calibration": 3}, {"support": 9}, "shared"),
        ({"unclear": 3}, {"support": 9}, "open"),
        ({}, {"support": 9, "limit": 1}, "rest"),
    ],
)
def test_a_cell_shows_what_decides_the_verdict(headline, others, kind):
    assert cell_kind(Counter(headline), Counter(headline) + Counter(others)) == kind
