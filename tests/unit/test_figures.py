"""What figures declare of themselves, and what is derived from it."""

from importlib import import_module
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from autoscore.declarations import DeclarationError
from autoscore.figures import far_starts, images_quality, sheets, style
from autoscore.figures.declaration import LINE, SECTIONS, Figure, Listed
from autoscore.figures.registry import FIGURES, declared, listed, stem
from autoscore.files.storage import write_arrays


def module(name="autoscore.figures.toy", *, draw=True, **change):
    made = ModuleType(name)
    known = {"section": LINE, "shows": ("T1",), "caption": "a toy", "scope": Listed((1,))}
    made.FIGURE = Figure(**known | {"reads": {}} | change)
    if draw:
        made.draw = lambda inputs, outputs, settings: None
    return made


def test_figures_come_in_the_order_of_sections_and_statements():
    late, early = module("a.late", shows=("C2", "C8")), module("a.early", shows=("C1",))
    last = module("a.first", section=SECTIONS[-1], shows=("T1",))
    none = module("a.none", shows=())
    assert list(declared([last, late, early, none])) == ["none", "early", "late", "first"]


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ([module(draw=False)], r"figures\.toy: .* no draw\(inputs, outputs, settings\): add"),
        ([module(section="Odds")], r"figures\.toy: section 'Odds' is unknown: use one of"),
        ([module(shows=("T1", "X1"))], r"figures\.toy: statement 'X1' is unknown: use an id"),
        ([module("one.toy"), module("two.toy")], r"two\.toy: 'toy' is declared in one\.toy, too"),
        ([module(reads={"a": "tables/b.csv"})], r"figures\.toy: .*'tables/b\.csv'.* in results/"),
    ],
    ids=["no draw", "section", "statement", "twice", "reads"],
)
def test_a_wrong_declaration_names_its_module_and_the_remedy(modules, message):
    with pytest.raises(DeclarationError, match=message):
        declared(modules)


def test_a_module_that_draws_needs_a_declaration_and_others_need_none():
    assert declared([style]) == {}
    toy = module()
    del toy.FIGURE
    with pytest.raises(DeclarationError, match="toy: it has draw but no FIGURE: declare one"):
        declared([toy])


def test_every_figure_says_what_to_see_and_reads_something():
    images = {"models": {"a": {"kind": "separate"}}, "sample": {"models": ["a"]}}
    config = {"images": images, "densities": {}}
    for name, figure in FIGURES.items():
        assert figure.caption, name
        assert figure.inputs(config), name


def test_what_a_density_may_name_depends_on_what_it_is():
    assert "tangent" in listed("curve", 2)
    assert "tangent" not in listed("mixture", 2)
    assert listed("mixture", 3) == []
    assert listed("samples", 3) == ["held_out"]
    assert set(listed("samples", 2)) == {"held_out", "map", "quiver"}


def test_files_per_density_bear_its_name():
    assert (stem("bias"), stem("learned_error")) == ("{density}_bias", "learned_error")


def drawn(name, inputs, settings, tmp_path, monkeypatch):
    """Draw a figure from tables and arrays, and return its panels."""
    kept, paths, module = [], {}, import_module(f"autoscore.figures.{name}")
    where = module if hasattr(module, "save") else style
    monkeypatch.setattr(where, "save", lambda figure, outputs: kept.append(figure))
    for key, made in inputs.items():
        is_table = isinstance(made, pd.DataFrame)
        paths[key] = str(tmp_path / f"{key}.{'csv' if is_table else 'npz'}")
        if is_table:
            made.to_csv(paths[key], index=False)
        else:
            write_arrays(paths[key], made)
    module.draw(paths, {}, settings)
    return kept[0].axes


def differences(field, model, error, gap):
    lengths = {"length": [0.1, 1.0], "nodes": 20, "rule": "gauss", "acceptance_error": error}
    labels = {"field": field, "model": model, "sigma": 0.1, "seed": 0}
    return pd.DataFrame(lengths | {"path_gap": gap} | labels)


def test_null_models_stand_beside_a_learned_one_and_are_not_averaged_with_it(tmp_path, monkeypatch):
    rows = [("exact", None, 1e-6, 0.0), ("learned", "mine", 0.01, 0.02)]
    rows += [("learned", "identity", 0.5, 0.0), ("learned", "untrained", 0.3, 0.1)]
    table = pd.concat([differences(*row) for row in rows])
    axes = drawn("differences", {"differences": table}, {}, tmp_path, monkeypatch)
    shown = {line.get_label(): line.get_ydata()[0] for line in axes[1].lines}
    assert shown == {"20 nodes": 0.01, "identity": 0.5, "untrained": 0.3, "bound of a check": 0.1}
    assert axes[1].get_title() == "mine, σ = 0.1"
    gaps = {line.get_label(): line.get_ydata()[0] for line in axes[2].lines}
    assert gaps == {"mine": 0.02, "untrained": 0.1}


def test_rest_along_a_curve_is_neither_sink_nor_saddle(tmp_path, monkeypatch):
    points = {"x1": [0.1, 0.2, 0.3], "x2": 0.0, "kind": ["sink", "saddle", "sink"]}
    fixed = pd.DataFrame(points | {"slowest": [1e-11, 1e-12, 0.3], "field": "exact", "seed": 0})
    side = np.array([[-1.0, 1.0], [-1.0, 1.0]])
    arrays = {"map_0": side, "log_p_0": np.zeros((3, 3)), "norm_0_exact": np.ones((3, 3))}
    arrays |= {"sigma": np.array(0.1), "titles": np.array(["a", "b"])}
    inputs = {"arrays": arrays, "fixed_points": fixed}
    axes = drawn("map", inputs, {}, tmp_path, monkeypatch)
    shown = {line.get_label(): line.get_xdata().tolist() for line in axes[1].lines}
    assert shown == {"at rest, neither sink nor saddle": [0.1, 0.2], "sinks": [0.3]}


def test_no_mean_stands_for_seeds_that_are_mostly_infinite(tmp_path, monkeypatch):
    short = {0.1: [1.0, 3.0, np.inf], 0.2: [2.0, np.inf, np.inf]}
    rows = [
        {"sigma": sigma, "seed": seed, "log_p_short": value}
        for sigma, values in short.items()
        for seed, value in enumerate(values)
    ]
    labels = {"plan": "toy", "model": "conditioned", "sampler": "mala", "chains": "a"}
    table = pd.DataFrame(rows).assign(**labels, kl_excess=np.nan, mmd2=np.nan)
    (axis,) = drawn("levels", {"diagnostics": table}, {"plan": "toy"}, tmp_path, monkeypatch)
    mean = axis.lines[0]
    assert mean.get_label() == "conditioned: Langevin, adjusted"
    assert dict(zip(mean.get_xdata(), mean.get_ydata(), strict=True)) == {0.1: 2.0}
    assert [text.get_text() for text in axis.texts] == ["▲ 1/3", "▲ 2/3"]


def test_image_models_look_as_the_same_models_do_elsewhere():
    named = {"label": "random units, decoder fitted"}  # not the other figures' first weights
    for name in sheets.LOOKS.keys() & style.MODELS.keys():
        own = named if name == "untrained" else {}
        assert sheets.look(name) == style.MODELS[name] | own
    looks = [tuple(sheets.look(name).items()) for name in ("separate", "tied", "kde", "gaussian")]
    assert len({look[:3] for look in looks}) == len(looks)


def kept(monkeypatch):
    figures, save = [], style.save
    monkeypatch.setattr(style, "save", lambda *args: (figures.append(args[0]), save(*args)))
    return figures


def test_lost_chains_of_null_models_are_grey_and_trained_models_differ(tmp_path, monkeypatch):
    trained = [f"model_{k}" for k in range(8)]
    rows = [(model, seed) for model in [*trained, "gaussian"] for seed in range(2)]
    table = pd.DataFrame([*rows, (np.nan, np.nan)], columns=["model", "seed"])
    table.assign(sigma=0.1, lost=0.5).to_csv(tmp_path / "table.csv", index=False)
    figures = kept(monkeypatch)
    inputs = {"far_starts": str(tmp_path / "table.csv")}
    far_starts.draw(inputs, {"png": str(tmp_path / "drawn.png")}, {})
    lines = {line.get_label(): line for line in figures[0].axes[0].lines}
    assert lines["fitted Gaussian (2 seeds)"].get_color() == "0.6"
    looks = {(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines.values()}
    assert len(looks) == len(trained) + 3


def test_only_published_values_lack_the_number_of_images():
    def label(**row):
        row = {"model": "kde", "source": "null model", "n": 800.0} | row
        return images_quality._label(next(pd.DataFrame([row]).itertuples()))

    assert label() == "kernel density (800)"
    measured = {"source": "measured", "sampler": "mala", "start": "noise", "n": 10000}
    assert label(**measured) == "kernel density:\nLangevin, adjusted, from noise (10,000)"
    assert label(source="published", model="network", n=np.nan) == "network\n(published)"
