import pandas as pd
import pytest
import yaml

from autoscore.configuration import ConfigurationError
from autoscore.figures.declaration import OfPaper
from autoscore.figures.registry import FIGURES, of_scope
from docs.paper import ITEMS, SCHEMA, Items
from docs.verdicts import judged
from tests.unit.oracles import ROOT

REAL = yaml.safe_load((ROOT / ITEMS).read_text("utf-8"))
SHAPE = yaml.safe_load((ROOT / SCHEMA).read_text("utf-8"))
NOW = judged(ROOT)
ROWS = {  # by id: family, statement, verdict
    "T1_main_ring": ("T1_main", "T1", "PASS"),
    "T1_main_sine": ("T1_main", "T1", "PASS"),
    "T1_more": ("T1_more", "T1", "PASS"),
    "C1_only": ("C1_only", "C1", "PASS"),
    "ours": ("ours", "beyond", "FAIL"),
}
THEOREM = {"kind": "theorem", "number": "1", "says": "what it says", "claims": ["T1_main"]}
REST = {"kind": "section", "number": "2", "says": "what it says", "claims": ["T1", "C1_only"]}
FIGURE = {"kind": "figure", "number": "9", "says": "what it shows"}


@pytest.fixture(autouse=True)
def _no_figure_of_the_paper(monkeypatch):
    for name in of_scope(OfPaper):
        monkeypatch.delitem(FIGURES, name)


def claims(**verdicts):
    table = pd.DataFrame(ROWS, index=["family", "statement", "verdict"]).T
    table["requirement"], table["value"], table["low"], table["high"] = "x = 2 +- 1", 1.99, 1.5, 2.5
    table.loc[list(verdicts), "verdict"] = list(verdicts.values())
    return table


def items(*listed, **verdicts):
    return Items(list(listed) or [THEOREM, REST], SHAPE, claims(**verdicts))


def test_a_statement_s_name_stands_for_what_no_theorem_names():
    found = items()
    assert found.ids(["T1_main"]) == ["T1_main_ring", "T1_main_sine"]
    assert found.ids(["T1_main_sine"]) == ["T1_main_sine"]
    assert found.ids(["T1", "C1_only"]) == ["T1_more", "C1_only"]
    figure = FIGURE | {"claims": ["T1_more"]}
    assert items(THEOREM, REST, figure).ids(["T1"]) == ["T1_more"]


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        ({}, "holds"),
        ({"T1_main_sine": "FAIL"}, "holds within limits: `T1_main_sine` fail"),
        ({"T1_main_ring": "FAIL"}, "**does not hold**"),
        ({"T1_main_ring": "NOT TESTED"}, "not tested"),
        ({"T1_main_sine": "NOT TESTED"}, "holds (1 of 2 checks not run yet)"),
        ({"T1_more": "FAIL"}, "holds"),
    ],
)
def test_the_verdict_follows_from_the_claims(verdicts, verdict):
    further = THEOREM | {"further": ["T1_more"]}
    assert items(further, REST, **verdicts).verdict(further) == verdict


def test_a_headline_of_one_s_own_decides():
    own = THEOREM | {"headline": "T1_main_sine"}
    assert items(own, REST, T1_main_sine="FAIL").verdict(own) == "**does not hold**"
    number = items(own, REST).number(own)
    assert number == "1.99 [1.5, 2.5]; `T1_main_sine` requires x = 2 +- 1"


def test_an_item_without_claims_is_not_tested():
    found = items(THEOREM, REST, FIGURE)
    assert (found.verdict(FIGURE), found.number(FIGURE)) == ("not tested", "")
    row = "| Figure 9 | what it shows | not drawn | not tested |  |  |"
    assert row in found.text().splitlines()


@pytest.mark.parametrize(
    ("listed", "mistake"),
    [
        ([THEOREM | {"claims": ["T1_mian"]}, REST], "Theorem 1 names the claim T1_mian, which"),
        ([THEOREM | {"further": ["T9"]}, REST], "Theorem 1 names the claim T9, which"),
        ([THEOREM | {"figures": ["no_such"]}, REST], "names the figure no_such; allowed: "),
        ([THEOREM | {"headline": "T1_more"}, REST], "has the headline T1_more; allowed: one of"),
        ([THEOREM], "the claim C1_only belongs to no theorem, proposition or section: add it"),
        ([REST, THEOREM | {"kind": "lemma"}], "1.kind is 'lemma'; allowed: one of equations, "),
        ([THEOREM | {"number": 1}, REST], "0.number is 1; allowed: "),
        ([THEOREM, REST | {"clams": []}], "1.clams is not a key; did you mean claims?"),
    ],
)
def test_a_list_with_a_mistake_is_refused(listed, mistake):
    with pytest.raises(ConfigurationError) as caught:
        items(*listed)
    assert mistake in str(caught.value)


def test_a_figure_of_the_paper_needs_an_item_and_is_linked(monkeypatch):
    drawn = FIGURES["quiver"]
    drawn = type(drawn)(**vars(drawn) | {"scope": OfPaper(list), "deviations": ("Another seed.",)})
    monkeypatch.setitem(FIGURES, "figure_9", drawn)
    with pytest.raises(ConfigurationError, match="the figure figure_9 of the paper has no item"):
        items()
    text = items(THEOREM, REST, FIGURE).text()
    assert "[figure_9](../figures/README.md#fields-in-the-plane); Another seed |" in text


@pytest.mark.parametrize(("number", "statement"), [("3.6", "C4"), ("4.3", "C8")])
def test_no_claim_on_the_paper_is_forgotten(number, statement):
    others = [item for item in REAL if item["number"] != number]
    with pytest.raises(ConfigurationError) as caught:
        Items(others, SHAPE, NOW)
    _, *lines = str(caught.value).splitlines()
    missed = NOW.index[NOW["statement"] == statement]
    assert [line.split()[2] for line in lines] == missed.tolist()
