"""What figures declare of themselves, and what is derived from it."""

from types import ModuleType

import pytest

from autoscore.declarations import DeclarationError
from autoscore.figures import style
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
