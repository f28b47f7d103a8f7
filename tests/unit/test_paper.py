import pandas as pd
import pytest
import yaml

from autoscore.configuration import ConfigurationError
from autoscore.figures.declaration import OfPaper
from autoscore.figures.registry import FIGURES, of_scope
from docs.paper import paper_tables
from docs.verdicts import CLAIMS, COLUMNS, ITEMS, STORED
from tests.unit.oracles import ROOT
from tests.unit.test_claims import WRITTEN

THEOREM = {
    "kind": "theorem",
    "number": "1",
    "short": "in short",
    "says": "what it says",
    "families": ["A", "B"],
}
THEOREM |= {"headline": "A", "further": ["C"]}
FIGURE = {
    "kind": "figure",
    "number": "9",
    "short": "in short",
    "says": "what it shows",
    "untested": "how it looks",
}
PLACES = [  # check, place, value, what it counts as
    ("A_ring", "sigma 0.1", 0.05, "support"),
    ("A_ring", "sigma 0.2", 0.06, "support"),
    ("A_ring", "sigma 0.4", 0.07, "calibration"),
    ("B_ring", "sigma 0.1", 2.0, "limit"),
    ("B_ring", "sigma 0.2", 3.0, "limit"),
    ("C_ring", "sigma 0.1", 9.0, "limit"),
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A project of three families, of which two are about a theorem, and no figure of the paper."""
    known = dict(FIGURES)
    for name in of_scope(OfPaper):
        monkeypatch.delitem(FIGURES, name)
    for name in ("config", "docs"):
        (tmp_path / name).mkdir()
    families = [WRITTEN | {"id": name} for name in "ABC"]
    claims = {"paper": {"T0": "T0, a theorem"}, "families": families}
    (tmp_path / CLAIMS).write_text(yaml.safe_dump(claims), encoding="utf-8")
    places = pd.DataFrame(PLACES, columns=["check", "place", "value", "counts"])
    places = places.assign(family=places["check"].str[0], of="T0", outcome="holds", differs=False)
    places.reindex(columns=COLUMNS).to_csv(tmp_path / STORED, index=False)
    yield tmp_path
    FIGURES.clear()  # in their order
    FIGURES.update(known)


def tables(folder, *items):
    text = yaml.safe_dump([dict(item) for item in items], sort_keys=False)
    (folder / ITEMS).write_text(text, encoding="utf-8")
    return paper_tables(folder).splitlines()


def test_a_theorem_has_its_verdict_number_and_limits(folder):
    cells = "| Theorem 1 | what it says | supported within limits | `A` holds at 2 of 2 places; "
    cells += "at 1 more a null model passes, too | B fails at 2 of 2 places (2 to 3) | "
    cells += "`A`, `B`; beyond it: `C` |"
    assert cells in tables(folder, THEOREM)
    turned = THEOREM | {"headline": "B"}
    (row,) = (line for line in tables(folder, turned) if line.startswith("| Theorem 1"))
    assert "| **contradicted** | `B` holds at 0 of 2 places |" in row


def test_an_item_without_checks_is_not_tested(folder):
    lines = tables(folder, THEOREM, FIGURE)
    assert "| Figure 9 | what it shows | not drawn | not tested |  |  |  |" in lines
    assert lines[-1] == "- Figure 9: how it looks"


def test_a_figure_of_the_paper_needs_an_item_and_is_linked(folder, monkeypatch):
    with pytest.raises(ConfigurationError, match="Theorem 1 names the figure no_such; allowed: "):
        tables(folder, THEOREM | {"figures": ["no_such"]})
    drawn = FIGURES["quiver"]
    drawn = type(drawn)(**vars(drawn) | {"scope": OfPaper(list), "deviations": ("Another seed.",)})
    monkeypatch.setitem(FIGURES, "figure_9", drawn)
    with pytest.raises(ConfigurationError, match="the figure figure_9 of the paper has no item"):
        tables(folder, THEOREM)
    text = "\n".join(tables(folder, THEOREM, FIGURE))
    assert "[figure_9](../figures/README.md#fields-in-the-plane); Another seed |" in text


def test_every_figure_stands_with_a_statement_in_the_report():
    items = yaml.safe_load((ROOT / ITEMS).read_text(encoding="utf-8"))
    named = {name for item in items for name in item.get("figures", [])}
    assert named == FIGURES.keys() - of_scope(OfPaper).keys()
    sections = {item["number"] for item in items if item["kind"] != "figure"}
    assert {item["section"] for item in items if item["kind"] == "figure"} <= sections
