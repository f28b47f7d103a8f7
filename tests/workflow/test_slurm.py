"""A part of the tiny run through a real Slurm, where there is one to be had."""

from importlib.util import find_spec

import pandas as pd
import pytest

from tests.slurm.cluster import Cluster, missing
from tests.workflow.project import Project

LACKING = missing()
if find_spec("snakemake_executor_plugin_slurm") is None:
    LACKING.append("profiles/slurm/requirements.txt")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(LACKING), reason=f"no Slurm here, for want of {', '.join(LACKING)}"),
]

TABLES = ["results/train/mixture/dae_ensemble_exact.csv", "results/optimum/mixture.csv"]


@pytest.fixture
def cluster(tmp_path):
    found = Cluster(tmp_path / "cluster")
    try:
        found.start()
        yield found
    finally:
        found.stop()


def test_tables_are_those_of_a_local_run(finished, cluster, tmp_path):
    project = Project.from_sources(tmp_path / "on a cluster")
    outcome = project.snakemake(
        "--profile",
        "profiles/slurm",
        "--slurm-init-seconds-before-status-checks=2",
        "--seconds-between-status-checks=2",
        *TABLES,
        **cluster.environment,
    )
    assert outcome.code == 0, outcome.text
    assert "has been submitted with SLURM jobid" in outcome.text
    for table in TABLES:
        expected, found = (pd.read_csv(one.folder / table) for one in (finished, project))
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
