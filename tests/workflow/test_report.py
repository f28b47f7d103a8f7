"""Records beside the results say how they were made, and the report shows them."""

import getpass
import hashlib
import html
import json
import platform
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def records(finished):
    """All records by file name."""
    files = [finished.folder / name for name in finished.made("*.json")]
    return {file: json.loads(file.read_text(encoding="utf-8")) for file in files}


@pytest.fixture(scope="module")
def page(finished, tmp_path_factory):
    project = finished.copy_to(tmp_path_factory.mktemp("report") / "copie à part")
    outcome = project.snakemake("report")
    assert outcome.code == 0, outcome.text
    return (project.folder / "results/report.html").read_text(encoding="utf-8")


class Outside(HTMLParser):
    """Collects the addresses that a page would fetch."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def handle_starttag(self, tag, attributes):
        fetched = {"src", "srcset", "poster", "data", "background", "href"}
        self.asked += [
            value
            for name, value in attributes
            if name in fetched and not value.startswith(("data:", "#"))
        ]


def test_every_result_has_a_record_with_its_hash(finished, records):
    told = {file: hash for record in records.values() for file, hash in record["outputs"].items()}
    results = {
        file.relative_to(finished.folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in finished.made("*.npz", "*.csv", "*.safetensors", "*.md")
        if "results" in file.relative_to(finished.folder).parts
    }
    assert len(results) > 50
    assert told == results


def test_a_record_lies_beside_its_results_and_tells_all(records):
    # in hundredths of a second, which some jobs do not take
    assert max(record["wall_seconds"] for record in records.values()) > 0
    for file, record in records.items():
        assert record["rule"]
        assert len(record["code"]) == 16
        assert record["versions"].keys() >= {"python", "numpy", "snakemake"}
        assert record["machine"]["processor"]
        folders = {Path(output).parent.name for output in record["outputs"]}
        assert folders == {file.parent.name}
    training = [record for record in records.values() if record["rule"] == "train"]
    assert {record["seed"] for record in training} == {2014}
    assert {record["versions"]["torch"].split("+")[0] for record in training} == {"2.13.0"}
    assert all("schedules" in record["settings"]["settings"] for record in training)


def test_what_went_into_a_job_is_what_came_out_of_another(records):
    told = {file: hash for record in records.values() for file, hash in record["outputs"].items()}
    inputs = [pair for record in records.values() for pair in record["inputs"].items()]
    assert len(inputs) > 30
    assert [file for file, hash in inputs if told[file] != hash] == []


def test_no_record_names_a_place_or_a_person(finished, records):
    private = [str(Path.home()), str(finished.folder), str(finished.folder.resolve().parent)]
    for file in records:
        text = file.read_text(encoding="utf-8")
        assert [word for word in private if word in text] == []
        assert not set(re.findall(r'"([^"]*)"', text)) & {getpass.getuser(), platform.node()}


def test_the_page_fetches_nothing(page):
    parser = Outside()
    parser.feed(page)
    assert parser.asked == []
    assert not re.search(r"<script[^>]*src|<link(?! rel=.icon)|<iframe|@import|url\((?!#)", page)
    assert "fetch(" not in page


def test_the_page_shows_the_verdicts_first_and_every_figure(page, finished):
    folder = finished.folder / "results/verify"
    places, statements = (pd.read_csv(folder / f"{name}.csv") for name in ("places", "statements"))
    before, _, _ = page.partition("<main")
    tested = statements[statements["verdict"] != "not tested"]
    for verdict, count in tested["verdict"].value_counts().items():
        assert before.count(f">{verdict}</span></td>") == count
    for check, counts in places.groupby("check")["counts"]:
        found = f"<summary>{check} " if counts.notna().any() else f"<code>{check}</code>"
        assert found in page
    assert page.count('class="verdict') >= len(statements) + places["counts"].notna().sum()
    shown = set(re.findall(r'<figure id="(\w+)"', page))
    pictures = [file for file in finished.made("*.png", "*.gif") if file.stem != "contact_sheet"]
    assert shown == {file.stem for file in pictures}
    # the dialog that enlarges them has a further one, still empty
    assert page.count('<img src="data:image/') == len(pictures)
    assert len(re.findall(r'<img src="data:image/[^>]*alt="[^"]+"', page)) == len(pictures)


def test_the_page_tells_what_made_it(page, records):
    slowest = max(records.values(), key=lambda record: record["wall_seconds"])
    _, _, times = page.partition('id="times"')
    first = re.search(r"<tr><td>([^<]+)</td>", times)[1]
    assert first.strip() == " ".join([slowest["rule"], *slowest["wildcards"].values()])
    data = [record for record in records.values() if record["rule"] in ("data", "data_images")]
    assert len(data) > 3
    for record in data:
        assert all(hash in page for hash in record["outputs"].values())
    for version in slowest["versions"].values():
        assert f"<td>{version}</td>" in page
    assert "solver_points: 1001" in html.unescape(page)


def test_the_page_names_neither_a_place_nor_a_person(page, finished):
    assert str(Path.home()) + "/" not in page
    assert str(finished.folder.parent) not in page


def test_a_missing_figure_is_drawn_for_the_page(project):
    (project.folder / "figures/learned_error.png").unlink()
    planned = project.snakemake("--dry-run", "report")
    assert planned.code == 0
    assert set(re.findall(r"^(?:local)?rule (\w+):", planned.text, re.MULTILINE)) == {
        "plot_learned_error",
        "report",
    }
