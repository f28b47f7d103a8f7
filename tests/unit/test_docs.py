import re
import subprocess
import sys
import textwrap

import pandas as pd
import pytest
import yaml

from autoscore.configuration import complete, merge
from docs.__main__ import PARTS, ROOT, main
from docs.keys import Keys
from docs.numbers import QUERIES
from docs.numbers import STORED as NUMBERS
from docs.parts import anchor, replace_part
from docs.verdicts import COLUMNS, STORED, check_tables, store_verdicts, totals
from tests.unit.test_claims import WRITTEN

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


@pytest.mark.parametrize("name", PARTS)
def test_generated_parts_are_up_to_date(name):
    part, make = PARTS[name]
    content = make(ROOT)
    if content is not None:
        assert replace_part(read(name), part, content) == read(name), "run make docs"


def test_the_library_s_pages_are_made_of_its_docstrings(tmp_path):
    command = [sys.executable, "-m", "pdoc", "--docformat", "numpy", "autoscore.fields"]
    subprocess.run([*command, "--output-directory", tmp_path], check=True)
    page = (tmp_path / "autoscore" / "fields.html").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", "", page)
    assert "symmetric_share" in text
    assert "Return (dr/dx - I) / sigma^2 of shape (n, d, d)" in text


def test_the_readme_s_configuration_can_be_run():
    (example,) = re.findall(r"^    train:\n(?:    .*\n)+", read("README.md"), re.MULTILINE)
    mine = yaml.safe_load(textwrap.dedent(example))
    assert {"train", "densities"} == mine.keys()
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
    schema = yaml.safe_load(read("workflow/autoscore/schemas/config.schema.yaml"))
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


@pytest.mark.parametrize("text", ["", "<!-- end of p -->\n<!-- p: written by make docs -->"])
def test_a_page_without_its_marks_is_refused(text):
    with pytest.raises(ValueError, match="needs one line <!-- p: written by make docs -->"):
        replace_part(text, "p", "content")


PLACES = [  # check, outcome, what it counts as, what null models have, and which of them pass
    ("T0_ring", "holds", "support", 0.1, 0.9, ""),
    ("T0_ring", "holds", "calibration", 0.3, 0.2, "gaussian"),
    ("T0_ring", "fails", "limit", 0.7, 0.9, ""),
    ("T0_sine", "not tested", "", None, None, ""),
]


def placed(**change):
    table = pd.DataFrame(
        PLACES, columns=["check", "outcome", "counts", "value", "gaussian", "passed_by"]
    )
    table["place"] = [f"sigma {number}" for number in range(4)]
    return table.assign(family="T0", of="T0", differs=False, reason="", **change)


def test_places_are_counted_by_what_they_count_as():
    said = totals(placed())
    assert said.startswith(
        "1 checks (1 families) at 3 places, which count as: support 1, limit 1, unclear 0, calib"
    )
    assert said.endswith("differ from the record: 0.")


def test_a_family_s_table_has_its_densities_and_what_null_models_pass(tmp_path):
    for name in ("config", "docs"):
        (tmp_path / name).mkdir()
    claims = {"paper": {"T0": "T0, a theorem"}, "families": [WRITTEN | {"elsewhere": "so thin"}]}
    (tmp_path / "config/claims.yaml").write_text(yaml.safe_dump(claims), encoding="utf-8")
    placed().reindex(columns=COLUMNS).to_csv(tmp_path / STORED, index=False)
    lines = check_tables(tmp_path).splitlines()
    assert "| `T0` | 3 |  |  | 1 of 3 |  | support |" in lines
    assert "**`T0`** It is small enough. Bound from theory: it must be." in lines
    ring = "| ring | 1 (sigma 0): 0.1 | 1 (sigma 2): 0.7 |  | 1 (sigma 1): 0.3 |"
    assert [line for line in lines if line.startswith(ring)]
    assert lines[-1] == "Not measured on sine: so thin."


@pytest.mark.parametrize(("reason", "taken"), [("", True), ("needs mnist; this run has", False)])
def test_only_a_run_that_left_nothing_out_is_shown(tmp_path, reason, taken):
    (tmp_path / "results/verify").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    table = placed().reindex(columns=[*COLUMNS, "reason"])
    table.loc[3, "reason"] = reason
    table.to_csv(tmp_path / "results/verify/places.csv", index=False)
    assert store_verdicts(tmp_path) == taken
    assert (tmp_path / STORED).is_file() == taken
    assert not store_verdicts(tmp_path)


def test_check_names_what_is_out_of_date_and_changes_nothing(tmp_path, capsys):
    sources = [f"config/{name}.yaml" for name in ("config", "claims", "statements")]
    sources += ["docs/findings.md", str(STORED)]
    sources += [QUERIES.as_posix(), NUMBERS.as_posix()]
    sources += [
        f"workflow/autoscore/schemas/{name}.schema.yaml"
        for name in ("config", "claims", "statements")
    ]
    for name in [*PARTS, *sources]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(read(name), encoding="utf-8")
    keys, page = tmp_path / "config/README.md", tmp_path / "docs/findings.md"
    for file, was, becomes in (
        (keys, "It decides which", "It says which"),
        (page, "<!--= acceptance -->0", "<!--= acceptance -->1"),
    ):
        text = file.read_text(encoding="utf-8")
        assert was in text
        file.write_text(text.replace(was, becomes), encoding="utf-8")
    stale = [keys.read_text(encoding="utf-8"), page.read_text(encoding="utf-8")]
    assert main(["--check"], tmp_path) == 1
    told = {
        f"{name} is out of date; run make docs" for name in ("config/README.md", "docs/findings.md")
    }
    assert set(capsys.readouterr().out.splitlines()) == told
    assert stale == [keys.read_text(encoding="utf-8"), page.read_text(encoding="utf-8")]
    assert main([], tmp_path) == 0
    assert "is written anew" in capsys.readouterr().out
    assert keys.read_text(encoding="utf-8") == read("config/README.md")
    text = page.read_text(encoding="utf-8")
    assert text == read("docs/findings.md")
    page.write_text(text.replace("<!--= acceptance -->", "<!--= accepted -->"), encoding="utf-8")
    assert main(["--check"], tmp_path) == 1
    assert "accepted is no number of docs/numbers.yaml" in capsys.readouterr().err
    page.write_text(re.sub(r"<!--= acceptance -->.*?<!--/-->", "", text), encoding="utf-8")
    assert main(["--check"], tmp_path) == 1
    assert "no page shows acceptance" in capsys.readouterr().err


def test_the_configuration_s_files_are_named():
    table = (ROOT / "config/README.md").read_text(encoding="utf-8")
    named = re.findall(
        r"^\| `([\w.]+)` \|", table.partition("\n\n| section")[0], flags=re.MULTILINE
    )
    there = [path.name for path in (ROOT / "config").iterdir() if path.name != "README.md"]
    assert sorted(named) == sorted(there)
