"""Where the images come from, and what the run says about it."""

import os

import pandas as pd
import pytest

pytestmark = pytest.mark.slow

NOWHERE = "mirrors: ['http://127.0.0.1:9/'], retries: 0, timeout: 1"
ASKED = ("results/data/images.csv", "--forcerun", "data_images")


def test_every_table_of_images_names_them(finished):
    tables = finished.made("images*.csv", "untied*.csv")
    assert len(tables) > 8
    for table in tables:
        found = pd.read_csv(table)
        column = "name" if table.parent.name == "data" else "dataset"
        assert found[column].unique().tolist() == ["digits of scikit-learn (8 x 8)"], table


def test_without_a_network_the_small_digits_do(project):
    outcome = project.snakemake(
        *ASKED, changes=f"images: {{dataset: auto, {NOWHERE}}}", MNIST_DIR="", XDG_CACHE_HOME="none"
    )
    assert outcome.code == 0, outcome.text
    found = pd.read_csv(project.folder / "results/data/images.csv").iloc[0]
    assert found["dataset"] == "digits"
    assert "127.0.0.1:9" in found["reason"]
    assert "Images: digits of scikit-learn (8 x 8) from scikit-learn" in outcome.text
    assert "could not be downloaded" in outcome.text


def test_where_mnist_is_asked_for_its_absence_is_an_error(project):
    outcome = project.snakemake(
        *ASKED,
        changes=f"images: {{dataset: mnist, {NOWHERE}}}",
        MNIST_DIR="",
        XDG_CACHE_HOME="none",
    )
    assert outcome.code != 0
    for word in ("MissingImagesError", "train-images-idx3-ubyte", "MNIST_DIR", "images.path"):
        assert word in outcome.text


@pytest.mark.skipif(not os.environ.get("MNIST_DIR"), reason="there is no folder with MNIST")
def test_images_that_came_from_a_folder_need_it_no_more(project):
    asked = {"changes": "images: {dataset: auto}"}
    outcome = project.snakemake("results/data/images.csv", **asked)
    assert outcome.code == 0, outcome.text
    assert "from a folder named" in outcome.text
    assert project.plan("results/data/images.csv", **asked, MNIST_DIR="") == set()


def test_without_images_nothing_is_made_of_them(project):
    planned = project.plan("--forceall", changes="images: null")
    assert planned
    assert not [job for job in planned if "images" in job]
