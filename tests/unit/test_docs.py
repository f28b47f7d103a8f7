import doctest
import re
import textwrap

import pandas as pd
import pytest
import yaml

from autoscore.configuration import complete, merge
from docs.__main__ import PARTS, ROOT, main
from docs.keys import Keys
from docs.library import LIBRARY, library_index
from docs.numbers import QUERIES
from docs.numbers import STORED as NUMBERS
from docs.parts import anchor, replace_part
from docs.verdicts import STORED, failures, judged, store_verdicts, summary

PAGES = [
    page.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "[!.]*/*.md")
    for page in sorted(ROOT.glob(pattern))
    if "](" in page.read_text(encoding="utf-8")
]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def without_code(text):
    return re.sub(r"^(```.*?^```|    .*?$)", "", text, flags=re.MULTILINE | re.DOTALL)


GENERATED = ["config/README.md", "docs/library.md", "docs/benchmarks.md", "docs/scale.md"]
GENERATED += ["figures/README.md", "docs/paper.md", "README.md"]


@pytest.mark.parametrize("name", GENERATED)
def test_generated_parts_are_up_to_date(name):
    part, make = PARTS[name]
    assert replace_part(read(name), part, make(ROOT)) == read(name), "run make docs"


def test_the_examples_of_the_library_s_page_say_what_they_print():
    failed, tried = doctest.testfile(str(ROOT / "docs/library.md"), module_relative=False)
    assert (failed, tried > 10) == (0, True)


def test_the_readme_s_configuration_can_be_run():
    (example,) = re.findall(r"^    train:\n(?:    .*\n)+", read("README.md"), re.MULTILINE)
    mine = yaml.safe_load(textwrap.dedent(example))
    assert {"train", "densities", "optimum"} == mine.keys()
    config = complete(merge(yaml.safe_load(read("config/config.yaml")), mine))
    assert config["densities"]["my_mixture"]["figures"] == ["map"]


def test_the_verdicts_have_their_place_in_the_readme():
    assert replace_part(read("README.md"), "verdicts", "a table").count("a table") == 1


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    page = ROOT / name
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", without_code(read(name)))
    for link in links:
        place, _, heading = link.partition("#")
        target = (page.parent / place) if place else page
        assert target.exists(), f"{name} links to {link}"
        if heading:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in map(anchor, headings), f"{name} links to {link}"
    assert links


def described_keys(node):
    """Every key under a ``properties`` of the schema, found without following a reference."""
    if isinstance(node, dict):
        properties = node.get("properties", {})
        if node.keys() != {"properties", "required"}:  # the if of a condition
            yield from properties
        for part in node.values():
            yield from described_keys(part)
    elif isinstance(node, list):
        for part in node:
            yield from described_keys(part)


def test_every_key_of_the_schema_is_in_a_table():
    schema = yaml.safe_load(read("workflow/schemas/config.schema.yaml"))
    keys = set(described_keys(schema)) - {"low", "high", "count", "relative"}  # these are a grid's
    assert len(keys) > 80
    rows = re.findall(r"^\| `([^`]+)` \|", read("config/README.md"), re.MULTILINE)
    assert keys <= {row.rpartition(".")[2] for row in rows}


SCHEMA = yaml.safe_load("""
properties:
  a:
    description: what | a is
    $ref: "#/$defs/number"
    default: 2.5
  b: {$ref: "#/$defs/part"}
  c:
    description: several
    type: object
    additionalProperties: {$ref: "#/$defs/part"}
$defs:
  number: {type: number, exclusiveMinimum: 0}
  part:
    description: a part
    type: object
    required: [kind]
    properties:
      kind: {description: which, enum: [x, y]}
      sizes: {description: how many, type: array, items: {type: integer, minimum: 1}}
""")


def test_tables_follow_references_and_tell_defaults_and_what_is_allowed():
    text = Keys(SCHEMA).text()
    assert "| `a` | what \\| a is | `2.5` | number > 0 |" in text
    assert "| `b` | a part |  | keys of [`b`](#b) |" in text
    assert "| `c` | several |  | by name: keys of [`b`](#b) |" in text
    assert "### `b`\n\nAlso `c.<name>`." in text
    assert text.count("| `b.kind` | which | required | `x`, `y` |") == 1
    assert "| `b.sizes` | how many |  | list of: whole number >= 1 |" in text


FLOORS = '"""All.\n\n``low``, ``also``\n    what is below\n``high``\n    what is above\n"""\n'


def library_of(folder, modules):
    library = folder / LIBRARY
    library.mkdir(parents=True)
    (library / "__init__.py").write_text(FLOORS, encoding="utf-8")
    for name, source in modules.items():
        (library / f"{name}.py").write_text(source, encoding="utf-8")


MODULE = '''"""Two things. And more."""


def shown(x: int, *, y: str | None = None) -> int:
    """Return x. This is said later."""


def _hidden():
    """Return nothing."""


class Thing:
    """A thing.

    Of many words.
    """

    field: int

    def __init__(self, a: int = 1) -> None: ...

    def method(self) -> int: ...
'''


def test_the_index_has_what_is_public_floor_by_floor(tmp_path):
    library_of(tmp_path, {"high": MODULE, "low": '"""Below."""', "also": '"""Below, too."""'})
    text = library_index(tmp_path)
    assert text.index("also.py") > text.index("low.py") > text.index("*what is below*")
    assert text.index("high.py") > text.index("*what is above*") > text.index("also.py")
    assert "**: Two things.\n" in text
    assert "- `shown(x, *, y=None)`: Return x.\n" in text
    assert "- `Thing(a=1)`: A thing. Has `field`, `method()`.\n" in text
    assert "hidden" not in text


def test_a_module_on_no_floor_is_named(tmp_path):
    library_of(tmp_path, {"lost": MODULE})
    with pytest.raises(ValueError, match=r"lost\.py: on no floor; name it in"):
        library_index(tmp_path)


@pytest.mark.parametrize("text", ["", "<!-- end of p -->\n<!-- p: written by make docs -->"])
def test_a_page_without_its_marks_is_refused(text):
    with pytest.raises(ValueError, match="needs one line <!-- p: written by make docs -->"):
        replace_part(text, "p", "content")


CLAIMS = pd.DataFrame(
    {"paper": ["T1, this", "C1, that", "T1, this"], "verdict": ["PASS", "FAIL", "PASS"]}
)


def test_verdicts_are_counted_by_statement_in_their_order():
    lines = summary(CLAIMS).splitlines()
    assert lines[0] == "| statement | PASS | FAIL |"
    assert lines[2:] == [
        "| T1, this | 2 | 0 |",
        "| C1, that | 0 | 1 |",
        "| **3 claims** | **2** | **1** |",
    ]


def test_claims_that_fail_are_listed_with_what_was_measured():
    more = {"says": "so | so", "value": 0.12345, "low": -1.0, "high": 2.0}
    failed = CLAIMS.assign(**more)[CLAIMS["verdict"] == "FAIL"]
    (line,) = failures(CLAIMS.assign(**more)).splitlines()[2:]
    assert line == f"| `{failed.index[0]}` | so \\| so | 0.123 [-1, 2] |"
    assert failures(CLAIMS[CLAIMS["verdict"] == "PASS"]) == "Every claim holds."


@pytest.mark.parametrize(("first", "taken"), [("PASS", True), ("NOT TESTED", False)])
def test_only_a_run_that_tested_everything_is_shown(tmp_path, first, taken):
    (tmp_path / "results/verify").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    claims = CLAIMS.assign(verdict=[first, "PASS", "PASS"], id=["a", "b", "c"], value=1 / 3)
    claims = claims.assign(requirement="x <= 1", low=0.1, high=0.2)
    claims.to_csv(tmp_path / "results/verify/claims.csv", index=False)
    assert store_verdicts(tmp_path) == taken
    assert (tmp_path / STORED).is_file() == taken
    assert not store_verdicts(tmp_path)


def test_a_verdict_on_another_requirement_does_not_count(tmp_path):
    for name in ("config", "docs"):
        (tmp_path / name).mkdir()
    for name in ("config/claims.yaml", "docs/verdicts.csv"):
        (tmp_path / name).write_text(read(name), encoding="utf-8")
    assert judged(tmp_path).loc["T1_tweedie_three_wells", "verdict"] == "PASS"
    text = read("config/claims.yaml").replace("at_most: 1.0e-8", "at_most: 1.0e-9", 1)
    (tmp_path / "config/claims.yaml").write_text(text, encoding="utf-8")
    changed = judged(tmp_path)["verdict"] != judged(ROOT)["verdict"]
    assert changed.index[changed].tolist() == ["T1_tweedie_three_wells"]
    assert judged(tmp_path).loc["T1_tweedie_three_wells", "verdict"] == "NOT TESTED"


def test_check_names_what_is_out_of_date_and_changes_nothing(tmp_path, capsys):
    sources = ["config/claims.yaml", "docs/paper.yaml", "docs/verdicts.csv", "docs/findings.md"]
    sources += [QUERIES.as_posix(), NUMBERS.as_posix()]
    sources += [f"workflow/schemas/{name}.schema.yaml" for name in ("config", "paper")]
    for name in [*PARTS, *sources]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(read(name), encoding="utf-8")
    library_of(tmp_path, {"low": '"""Below."""'})
    assert main(["--check"], tmp_path) == 1
    assert capsys.readouterr().out == "docs/library.md is out of date; run make docs\n"
    assert (tmp_path / "docs/library.md").read_text(encoding="utf-8") == read("docs/library.md")
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    assert capsys.readouterr().out == "docs/library.md is written anew\n"
    page = tmp_path / "docs/findings.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(
        text.replace("<!--= acceptance -->0", "<!--= acceptance -->1"), encoding="utf-8"
    )
    assert main(["--check"], tmp_path) == 1
    assert capsys.readouterr().out == "docs/findings.md is out of date; run make docs\n"
    page.write_text(text.replace("<!--= acceptance -->", "<!--= accepted -->"), encoding="utf-8")
    assert main(["--check"], tmp_path) == 1
    assert "accepted is no number of docs/numbers.yaml" in capsys.readouterr().err
    page.write_text(re.sub(r"<!--= acceptance -->.*?<!--/-->", "", text), encoding="utf-8")
    assert main(["--check"], tmp_path) == 1
    assert "no page shows acceptance" in capsys.readouterr().err
