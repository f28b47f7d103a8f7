"""Trainings divided into shards write exactly the files of undivided ones."""

import pytest

from tests.workflow.project import Project
from tests.workflow.test_interruption import kill_when

pytestmark = pytest.mark.slow

SHARDS = "train: {shard: 3}"
TRAININGS = [
    f"results/train/{training}"
    for training in (
        "three_wells/dae_separate_exact",
        "three_wells/dae_separate_samples",
        "thick_spiral/dae_walkback_samples",
        "thick_spiral/dae_conditioned_samples",
    )
]
TABLES = [f"{training}.csv" for training in TRAININGS]
DIVIDED = {"three_wells/dae_separate_exact", "three_wells/dae_separate_samples"}
DIVIDED |= {"thick_spiral/dae_walkback_samples"}


def test_a_run_in_blocks_that_was_killed_ends_with_the_same_files(finished, tmp_path):
    project = Project.from_sources(tmp_path / "in shards", finished.folder)
    first = project.start(*TABLES, changes=SHARDS, cores=1)
    kill_when(lambda: project.made("0.safetensors"), first)
    outcome = project.snakemake(*TABLES, changes=SHARDS)
    assert outcome.code == 0, outcome.text
    for training in TRAININGS:
        for kind in (".csv", ".safetensors"):
            found, expected = (one.folder / f"{training}{kind}" for one in (project, finished))
            assert found.read_bytes() == expected.read_bytes()
    # only the records of shards remain
    left = {file.relative_to(project.folder).as_posix() for file in project.made("[0-9]*")}
    assert left == {f"results/train/{name}/{shard}.json" for name in DIVIDED for shard in (0, 1)}
    assert project.snakemake("--dry-run", *TABLES, changes=SHARDS).text.count("rule train") == 0
