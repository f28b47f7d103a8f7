import json
import re

import pandas as pd
import pytest
import yaml

from autoscore.configuration import ConfigurationError
from docs.__main__ import ROOT, renewed_numbers
from docs.numbers import MARKED, PART, PROSE, QUERIES, STORED, Numbers, store_numbers

ERRORS = pd.DataFrame(
    [(model, sigma, seed, value * (1 + 0.1 * seed))
     for model, values in {"a": (1.0, 2.0), "b": (0.5, 4.0)}.items()
     for sigma, value in zip((0.1, 0.2), values, strict=True)
     for seed in (0, 1)],
    columns=["model", "sigma", "seed", "error"],
)  # fmt: skip
ASKED = yaml.safe_load("""
numbers:
  one:
    table: results/errors.csv
    column: error
    where: {model: a, sigma: 0.1}
    format: .2f
  all: {table: results/errors.csv, column: error, where: {model: a}, each: [sigma], then: range}
  ahead:
    table: results/errors.csv
    column: error
    where: {model: b}
    over: {where: {model: a}}
    each: [sigma]
    then: below 1
tables:
  both:
    table: results/errors.csv
    column: error
    corner: model
    down:
      first: {where: {model: a}}
      none: {where: {model: c}, gaps: true}
    across:
      sigma: [0.1, 0.2]
      less b: {where: {sigma: 0.2}, less: {where: {model: b}}}
""")
TEXT = (
    "It is <!--= one -->0<!--/-->, <!--= all -->0<!--/--> and <!--= ahead -->0<!--/-->.\n"
    "<!-- both: written by make docs -->\n<!-- end of both -->\n"
)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "results/verify").mkdir(parents=True)
    ERRORS.to_csv(tmp_path / "results/errors.csv", index=False)
    set_reasons(tmp_path, "", "it has no rows")
    ask(tmp_path, ASKED)
    return tmp_path


def set_reasons(root, *reasons):
    pd.DataFrame({"reason": reasons}).to_csv(root / "results/verify/places.csv", index=False)


def ask(root, asked):
    (root / QUERIES).write_text(yaml.safe_dump(asked, sort_keys=False), encoding="utf-8")


def changed(name, **keys):
    return ASKED | {"numbers": ASKED["numbers"] | {name: ASKED["numbers"][name] | keys}}


def test_the_prose_says_what_the_tables_say(project):
    assert store_numbers(project)
    filled = Numbers(project).filled("page", TEXT)
    assert MARKED.findall(filled) == [("one", "1.05"), ("all", "1.1 to 2.1"), ("ahead", "1 of 2")]
    assert "| model | 0.1 | 0.2 | less b |\n" in filled
    assert "| first | 1.1 | 2.1 | -2.1 |\n" in filled
    assert Numbers(project).filled("page", filled) == filled
    assert not store_numbers(project)


def test_a_changed_table_changes_the_prose(project):
    store_numbers(project)
    ERRORS.assign(error=2 * ERRORS["error"]).to_csv(project / "results/errors.csv", index=False)
    assert "2.10" not in Numbers(project).filled("page", TEXT)
    assert store_numbers(project)
    assert "<!--= one -->2.10<!--/-->" in Numbers(project).filled("page", TEXT)


def test_an_order_is_that_of_a_power_law(project):
    power = ERRORS.assign(error=-3 * ERRORS["sigma"] ** 2.5)
    power.to_csv(project / "results/errors.csv", index=False)
    ask(project, changed("one", where={"model": "a"}, order_in="sigma", format=".3f"))
    store_numbers(project)
    assert Numbers(project).texts("one") == {"": "2.500"}


def test_a_run_that_is_not_complete_changes_nothing(project):
    assert store_numbers(project)
    before = (project / STORED).read_text(encoding="utf-8")
    ERRORS.assign(error=3.0).to_csv(project / "results/errors.csv", index=False)
    set_reasons(project, "", "needs mnist; this run has digits")
    assert not store_numbers(project)
    (project / "results/verify/places.csv").unlink()
    assert not store_numbers(project)
    assert (project / STORED).read_text(encoding="utf-8") == before


def test_an_answer_to_another_question_is_none(project):
    store_numbers(project)
    ask(project, changed("one", format=".1f"))
    assert "<!--= one -->1.1<!--/-->" in Numbers(project).filled("page", TEXT)
    ask(project, changed("one", reduce="max"))
    with pytest.raises(ConfigurationError, match="no answer to one of docs/numbers"):
        Numbers(project).filled("page", TEXT)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("It is <!--= lost -->1<!--/-->.", "page cannot be used:\n  lost is no number"),
        ("It is <!--= one -->1.", "without its end"),
        ("So\n- <!--= one -->1<!--/--> is it", "line 2 starts with a mark"),
        ("<!-- both: written by make docs -->\n", "the part both needs"),
    ],
)
def test_what_a_page_gets_wrong_is_named(project, text, told):
    store_numbers(project)
    with pytest.raises(ValueError, match=told):
        Numbers(project).filled("page", text)


@pytest.mark.parametrize(
    ("name", "keys", "told"),
    [
        ("one", {"where": {"model": "c"}}, "one: results/errors.csv: it has no rows with model c"),
        ("one", {"column": "lost"}, "one: results/errors.csv: it has no column lost"),
        ("one", {"table": "results/lost.csv"}, "one: results/lost.csv: .*No such file"),
        ("one", {"each": ["seed"]}, "one: .*2 groups; say in then"),
        ("one", {"colum": "error"}, "one has the key colum; allowed: .*column"),
        ("one", {"then": "most"}, "one has then: most; allowed: min"),
        (
            "ahead",
            {"where": {"sigma": 0.1}, "over": {"where": {"sigma": 0.2}}},
            "ahead: .*over has other groups",
        ),
    ],
)
def test_a_query_without_an_answer_is_named(project, name, keys, told):
    ask(project, changed(name, **keys))
    with pytest.raises(ConfigurationError, match=told):
        store_numbers(project)


def test_a_cell_without_a_row_is_named_by_its_place(project):
    table = ASKED["tables"]["both"]
    down = {"first": table["down"]["first"], "lost": {"where": {"model": "c"}}}
    ask(project, ASKED | {"tables": {"both": table | {"down": down}}})
    with pytest.raises(ConfigurationError, match=r"both, lost \| 0\.1: .*no rows with model c"):
        store_numbers(project)


def test_a_query_that_no_page_shows_is_named(project):
    numbers = Numbers(project)
    assert numbers.unused([TEXT]) == []
    assert numbers.unused([TEXT.replace("= one", "= all"), ""]) == ["one"]
    assert numbers.unused([TEXT.replace("both: written", "lost: written")]) == ["both"]


def test_the_pages_show_the_stored_numbers():
    assert renewed_numbers(ROOT, {}) == {}, "run make docs"


def test_every_query_and_no_other_is_stored():
    numbers = Numbers(ROOT)
    assert json.loads((ROOT / STORED).read_text(encoding="utf-8")).keys() == {
        *numbers.numbers, *numbers.tables
    }  # fmt: skip


# numbers that are no measurement, with what stands before or after them
NUMBER = r"[\d.][\d.,]*\d|\d"
LIST = rf"(?:{NUMBER})(?:(?:,| to| and| or| and from) (?:{NUMBER}))*"
ALLOWED = [
    r"`[^`\n]*`|\]\([^)]*\)|^ {4}.*$",  # code, links, blocks of code
    rf"(?:[Ss]ections?|[Ff]igures?|[Tt]heorems?|[Pp]ropositions?|JMLR|Python|SSE,) {LIST}",
    r"\b[TPC]\d\b|\b(?:19|20)\d\d\b|AVX\d*-?\d*|SSE\d|MMD\^2",  # names, years
    r"\^\d|\(-1, 1\)|1/3|95 %",  # formulas, levels of confidence
    rf"(?:sigma|level)(?: up to| below| at)? {LIST}",  # noise levels
    rf"(?:{NUMBER})(?: of (?:{NUMBER}))? (?:points|tanh|iterations|dimensions|sigma|minutes)",
    r"784-1024-784|random matrix has 0\.5",
    r"in 100\b",  # dimensions
]
WORDS = r"\b(?:twice|thrice|half(?!-way)|thirds?|quarters?|fifths?|tenths?|fiftieth|percent)\b"
TYPED_BY_HAND = ["twice the noise", "quarter of a minute", "11 MB", "0.5 GB"]  # set-up, costs


def typed_numbers(text):
    """Lines of prose with a number that looks measured and stands outside of the marks."""
    for name in PART.findall(text):
        text = re.sub(rf"<!-- {name}: .*?<!-- end of {name} -->", "", text, flags=re.DOTALL)
    text = MARKED.sub("", text)
    for pattern in [*ALLOWED, *map(re.escape, TYPED_BY_HAND)]:
        text = re.sub(pattern, "", text, flags=re.MULTILINE)
    return [line for line in text.splitlines() if re.search(rf"\d|{WORDS}", line)]


@pytest.mark.parametrize("name", PROSE)
def test_no_measured_number_is_typed_by_hand(name):
    assert typed_numbers((ROOT / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "has an error of .0193 at sigma .1",
        "it is 2.4 to 2.7 times nearer",
        "covers 84 % of values",
        "falls 9 nats short",
        "has a third of the error",
        "order 3 in the step",
        "<!--= one -->1<!--/--> and 2",
    ],
)
def test_a_measured_number_is_found(line):
    assert len(typed_numbers(line)) == 1


def test_what_is_set_up_may_be_typed():
    assert (
        typed_numbers("Figure 2 of 2014: 10,000 points at sigma .01 to .05, r^2 (section 3.4)")
        == []
    )
