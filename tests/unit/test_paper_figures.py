"""The paper's numbered figures: what they declare, what they draw, and their sheet."""

from importlib import import_module
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from autoscore.configuration import complete, merge
from autoscore.declarations import DeclarationError
from autoscore.figures import figure_1, figure_2, figure_4, style
from autoscore.figures.contact_sheet import assemble
from autoscore.figures.declaration import LINE, PAPER, Figure, Listed, OfPaper, needing
from autoscore.figures.registry import (
    CONTACT_SHEET,
    declared,
    index,
    of_scope,
    paper_files,
    paper_pictures,
    paper_words,
    stem,
)
from autoscore.files.storage import write_arrays
from tests.unit.oracles import CONFIG, QUICK

X = np.linspace(-1.5, 1.5, 61)
SIGMAS = np.geomspace(0.01, 1.0, 100)


def module(name="figure_3", **change):
    made = ModuleType(f"autoscore.figures.{name}")
    known = {"section": PAPER, "shows": (), "caption": "ours", "paper": "theirs", "reads": {}}
    made.FIGURE = Figure(**known | {"scope": OfPaper(needing("a"))} | change)
    made.draw = lambda inputs, outputs, settings: None
    return made


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (module(paper=""), "figure_3: it is a figure of the paper: say in `paper` what"),
        (module("third"), "third: .*: name its module after its number, such as figure_3"),
        (module(section=LINE), "figure_3: the scope OfPaper and the section PAPER go together"),
        (module(scope=Listed((1,))), "figure_3: the scope OfPaper and the section PAPER go"),
        (
            module("toy", section=LINE, scope=Listed((1,)), paper="", deviations=("bigger",)),
            "toy: only figures of scope OfPaper say what the paper's shows",
        ),
    ],
    ids=["no paper", "name", "section", "scope", "deviations"],
)
def test_a_wrong_declaration_names_its_module_and_the_remedy(made, message):
    with pytest.raises(DeclarationError, match=message):
        declared([made])


def test_each_says_what_the_paper_shows_and_where_ours_differs():
    figures = of_scope(OfPaper)
    assert {"figure_1", "figure_2", "figure_3", "figure_4"} <= figures.keys()
    for name, figure in figures.items():
        said = [figure.paper, figure.caption, *figure.deviations]
        assert figure.deviations, name
        assert all(said), name
        assert not [text for text in said if text.endswith(".")], name  # readers add the dot
    assert list(figures) == sorted(figures)


def test_a_density_that_is_left_out_takes_its_figures_with_it():
    assert needing("a", "b")({"densities": {"b": 1, "a": 1, "c": 1}}) == ["a", "b"]
    assert needing("a", "b")({"densities": {"b": 1}}) == []
    pictures = paper_pictures(complete(CONFIG))
    assert pictures.keys() >= {"figure_1", "figure_2", "figure_3", "figure_4"}
    config = complete(CONFIG | {"densities": {"ring": CONFIG["densities"]["ring"]}})
    assert paper_pictures(config) == {}
    assert paper_files(config) == []


def test_the_quick_run_draws_them_as_well():
    config = complete(merge(CONFIG, QUICK))
    files = paper_files(config)
    assert files[-1] == CONTACT_SHEET
    assert {f"figures/paper/figure_{k}.{kind}" for k in range(1, 5) for kind in ("pdf", "png")} <= {
        *files
    }
    assert figure_1.FIGURE.inputs(config) == {"arrays": "results/geometry/spiral.npz"}


@pytest.mark.parametrize(
    "change",
    [{"variants": {}}, {"models": {"separate": ["rcae"]}}],
    ids=["no variant", "no denoising model"],
)
def test_figure_2_needs_all_that_it_shows(change):
    config = complete(CONFIG)
    assert figure_2.FIGURE.scope.subjects("figure_2", config) == [""]
    config["densities"]["three_points"]["train"] |= change
    assert figure_2.FIGURE.scope.subjects("figure_2", config) == []


def test_the_index_has_a_paragraph_for_each():
    text = index({})
    for name, figure in of_scope(OfPaper).items():
        part = text.partition(f"### {name.replace('_', ' ').capitalize()}\n")[2].partition("\n#")[0]
        assert f"`{stem(name)}`, rule `plot_{name}`" in part
        assert f"**In the paper:** {figure.paper}." in part
        assert f"**Ours:** {figure.caption}." in part
        assert [line for line in part.splitlines() if line.startswith("- ")] == [
            f"- {text}" for text in figure.deviations
        ]
    assert f"`{stem('figure_3')}` |" not in text


def drawn(name, arrays, settings, tmp_path, monkeypatch):
    """Draw a figure from synthetic arrays, and return its panels."""
    kept = []
    save = style.save
    monkeypatch.setattr(style, "save", lambda figure, out: (kept.append(figure), save(figure, out)))
    paths = {key: str(tmp_path / f"{key}.npz") for key in arrays}
    for key, path in paths.items():
        write_arrays(path, arrays[key])
    made = str(tmp_path / f"{name}.png")
    import_module(f"autoscore.figures.{name}").draw(paths, {"png": made}, settings)
    assert (np.asarray(Image.open(made).convert("L")) < 128).any(axis=0).mean() > 0.1
    return [axis for axis in kept[0].axes if axis.get_visible()]


def curves():
    score = np.linspace(30.0, -30.0, len(X))
    estimates = {k: score / (1 + n * SIGMAS[:, None]) for n, k in enumerate(("dae", "rcae"), 1)}
    return {"x": X, "sigmas": SIGMAS, "log_prob": -(X**2), "score": score} | estimates


def values(axis, label):
    return next(line.get_ydata() for line in axis.lines if line.get_label() == label)


def test_figure_3_has_the_axes_of_the_authors_script(tmp_path, monkeypatch):
    left, right = drawn("figure_3", {"curves": curves()}, {}, tmp_path, monkeypatch)
    np.testing.assert_allclose(left.lines[0].get_ydata(), np.exp(-(X**2)))
    assert left.get_xlim() == right.get_xlim() == (-1.5, 1.5)
    assert right.get_ylim() == (-3.0, 4.0)


def test_figure_4_shows_the_frames_that_the_paper_does(tmp_path, monkeypatch):
    panels = drawn("figure_4", {"curves": curves()}, {}, tmp_path, monkeypatch)
    shown = [axis.get_title() for axis in panels]
    assert shown == [rf"$\sigma = {sigma}$" for sigma in ("1.00", "0.31", "0.16", "0.06")]
    np.testing.assert_allclose(figure_4.SIGMAS, SIGMAS[::-1][[0, 25, 40, 60]], rtol=4e-3)
    for axis, level in zip(panels, (99, 74, 59, 39), strict=True):
        assert (axis.get_xlim(), axis.get_ylim()) == ((-1.5, 1.5), (-3.0, 4.0))
        for objective in ("dae", "rcae"):
            label = f"{style.NAMES[objective]} {style.ESTIMATE}"
            np.testing.assert_array_equal(values(axis, label), curves()[objective][level])


def test_figure_2_shows_every_seed_and_where_the_first_points(tmp_path, monkeypatch):
    x = np.linspace(-1.0, 1.0, 201)
    moves = np.stack([0.1 * np.sign(x), -0.1 * np.sign(x)])[None]  # the first seed moves outward
    points = {"x": x, "sigmas": [0.1], "dae": moves, "best_dae": moves[:, 0]}
    points |= {"sigmas_large_sigma": [0.3], "rcae_large_sigma": -moves}
    bumps = {"x": x, "sigmas": [0.3], "rcae": moves, "best_rcae": moves[:, 0]}
    arrays = {name: {k: np.array(v) for k, v in those.items()} for name, those in
              (("points", points), ("bumps", bumps))}  # fmt: skip
    settings = {"points": [[-0.5], [0.0], [0.5]]}
    panels = drawn("figure_2", arrays, settings, tmp_path, monkeypatch)
    assert [axis.get_title()[:3] for axis in panels] == ["(a)", "(b)", "(c)"]
    for axis, sign, curves_there in zip(panels, (1, -1, 1), (4, 3, 4), strict=True):
        assert axis.get_xlim() == (-0.75, 0.75)
        assert len(axis.lines) == curves_there  # identity, two seeds, the best where there is one
        arrows = next(part for part in axis.collections if hasattr(part, "U"))
        at = arrows.X + arrows.U / 2
        assert (np.sign(arrows.U) == sign * np.sign(at)).all()


def test_figure_1_draws_the_image_of_a_circle(tmp_path, monkeypatch):
    along = np.column_stack([np.arange(4.0), np.zeros(4)])
    arrays = {"along": along, "line": along, "sigma": np.array(0.1), "titles": np.array(["a", "b"])}
    keeps = np.diag([1.0, 0.0])
    arrays |= {"slope_exact": np.array([keeps] * 4), "slope_separate": np.array([0.5 * keeps] * 4)}
    panels = drawn("figure_1", {"arrays": arrays}, {}, tmp_path, monkeypatch)
    assert [axis.get_title() for axis in panels] == ["exact", "separate"]
    for axis, kept in zip(panels, (1.0, 0.5), strict=True):
        for ellipse, place in zip(axis.patches, along, strict=True):
            low, high = np.min(ellipse.get_xy() - place, 0), np.max(ellipse.get_xy() - place, 0)
            np.testing.assert_allclose(high, [kept * figure_1.SIZE, 0.0], atol=1e-12)
            np.testing.assert_allclose(low, [-kept * figure_1.SIZE, 0.0], atol=1e-12)


def test_the_sheet_has_a_panel_for_every_figure_with_its_words_or_none(tmp_path, monkeypatch):
    kept, save = [], style.save
    monkeypatch.setattr(style, "save", lambda figure, out: (kept.append(figure), save(figure, out)))
    Image.new("RGB", (40, 20), "black").save(tmp_path / "1.png")
    words = {f"figure_{k}": f"words of {k}" for k in (1, 2, 3)}
    assemble({"figure_1": str(tmp_path / "1.png")}, words, str(tmp_path / "sheet.png"))
    shown = [axis for axis in kept[0].axes if axis.get_visible()]
    titles = [axis.get_title(loc="left") for axis in shown]
    assert titles == [f"Figure {k}: words of {k}" for k in (1, 2, 3)]
    assert [len(axis.images) for axis in shown] == [1, 0, 0]
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_the_words_of_the_sheet_are_first_sentences():
    for name, figure in of_scope(OfPaper).items():
        assert figure.caption.startswith(paper_words()[name])
        assert ". " not in paper_words()[name]
