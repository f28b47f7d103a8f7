"""What figures declare of themselves, and what is derived from it."""

from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from autoscore.declarations import DeclarationError
from autoscore.figures import far_starts, images_quality, sheets, style
from autoscore.figures.declaration import LINE, SECTIONS, Figure, Listed
from autoscore.figures.registry import FIGURES, declared, listed, stem


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


def test_image_models_look_as_the_same_models_do_elsewhere():
    for name in sheets.LOOKS.keys() & style.MODELS.keys():
        assert sheets.look(name) == style.MODELS[name]
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
    assert len(looks) == len(trained) + 2


def test_only_published_values_lack_the_number_of_images():
    def label(**row):
        row = {"model": "kde", "source": "null model", "n": 800.0} | row
        return images_quality._label(next(pd.DataFrame([row]).itertuples()))

    assert label() == "kernel density (800)"
    measured = {"source": "measured", "sampler": "mala", "start": "noise", "n": 10000}
    assert label(**measured) == "kernel density: Langevin, adjusted, from noise (10,000)"
    assert label(source="published", model="network", n=np.nan) == "network (published)"
