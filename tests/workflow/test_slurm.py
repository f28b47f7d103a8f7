"""The quick run's computations through a real Slurm, in shards, where one is available.

tests/slurm/run installs what it needs, and runs this.
"""

import re
import sys
import time
from importlib.util import find_spec
from typing import NamedTuple

import pytest

from tests.slurm.cluster import Cluster, missing
from tests.workflow.project import ROOT, Project
from tests.workflow.test_interruption import contents, kill

LACKING = missing()
if find_spec("snakemake_executor_plugin_slurm") is None:
    LACKING.append("profiles/slurm/requirements.txt")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(LACKING), reason=f"no Slurm here: missing {', '.join(LACKING)}"),
]

PROFILE = ["--profile", "profiles/slurm", "--latency-wait", "5"]
PROFILE += ["--slurm-init-seconds-before-status-checks=1"]
IMPATIENT = (sys.executable, "-P", str(ROOT / "tests/slurm/impatient.py"))
# A submitted job starts Snakemake twice, which takes longer than most of our jobs: each stage is
# therefore submitted as a few groups of jobs, which run one after another. Of the quick run it is a
# part that has jobs of every rule that goes to a cluster.
GROUPS = {
    "prepare": ["data", "optimum", "sample_classifier"],
    "shard": ["train_shard", "train_images"],
    "join": ["train", "score", "geometry", "sample", "score_images", "sample_images"],
}
GROUPED = ["--groups", *(f"{rule}={group}" for group, rules in GROUPS.items() for rule in rules)]
GROUPED += ["--group-components", "prepare=3", "shard=5", "join=2"]
PART = ("mixture", "eight_gaussians")
TARGETS = [f"results/{stage}/{name}.csv" for stage in ("score", "geometry") for name in PART]
TARGETS += ["results/sample/eight_gaussians.csv", "results/score/images_denoising.csv"]
TARGETS += [f"results/sample/images/{model}.csv" for model in ("untied", "conditioned")]

# only some in shards: Snakemake's start is most of a small job's time
DIVIDED = "densities: {mixture: {train: {shard: 5}}}"
IN_SHARDS = {"changes": DIVIDED, "through": IMPATIENT}
TRAINED = "results/train/mixture/dae_separate_exact.csv"
DEMANDS = "workflow/run_autoscore/demands.py"
LITTLE = 350  # MB: the job before has enough of it, a training takes more, and less than twice it
PATIENCE = 900  # seconds after which it counts as hanging


def results(project):
    """Return the content of all files but records, of which each shard has its own."""
    return {name: found for name, found in contents(project).items() if found != "there"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        found.start()
        yield found
    finally:
        found.stop()


def wait_for(happened):
    """Return the value of a condition as soon as it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)
    return found


class Ran(NamedTuple):
    """A run that has ended, and what the cluster says of its jobs."""

    project: Project
    code: int
    text: str
    jobs: list[str]


def ended(cluster, project, process):
    text, _ = process.communicate(timeout=PATIENCE)
    jobs = [job for job in cluster.told() if f"WorkDir={project.folder} " in job]
    return Ran(project, process.returncode, text, jobs)


@pytest.fixture(scope="module")
def runs(cluster, tmp_path_factory):
    """Two runs at once: one in blocks, which loses a job and the node, and one short of memory."""
    folder = tmp_path_factory.mktemp("runs")
    blocks, short = Project.quick(folder / "blocks"), Project.quick(folder / "short")
    short.rewrite(DEMANDS, lambda text: re.sub(r"\nBASE = \d+", f"\nBASE = {LITTLE}", text))
    one = blocks.start(*PROFILE, *TARGETS, *GROUPED, **IN_SHARDS, **cluster.environment)
    processes = [one]
    try:
        cancelled = wait_for(cluster.running)[:1]
        cluster.run("scancel", *cancelled)
        running = wait_for(lambda: set(cluster.running()) - set(cancelled))
        assert running <= set(cluster.lose_node())
        other = short.start(*PROFILE, TRAINED, through=IMPATIENT, **cluster.environment)
        processes.append(other)
        return ended(cluster, blocks, one), ended(cluster, short, other)
    finally:
        for process in processes:
            kill(process)


def test_a_run_in_blocks_makes_the_files_of_a_local_one_though_a_job_and_a_node_are_lost(
    quick, runs
):
    project, code, text, jobs = runs[0]
    assert code == 0, text
    assert "JobState=CANCELLED " in jobs[0]
    assert any(" Restarts=1 " in job for job in jobs)
    assert all(re.search(rf"rule {rule}:", text) for rules in GROUPS.values() for rule in rules)
    expected, found = results(quick), results(project)
    assert len([name for name in found if name.endswith(".csv")]) > 30
    assert [name for name in found if found[name] != expected[name]] == []


def test_a_training_that_asks_for_too_little_memory_gets_more(cluster, runs):
    _, code, text, jobs = runs[1]
    assert code == 0, text
    asked = [int(re.search(r"MinMemoryNode=(\d+)M", job)[1]) for job in jobs]
    states = [re.search(r"JobState=(\w+)", job)[1] for job in jobs]
    assert states == ["COMPLETED", "FAILED", "COMPLETED"], text  # data, training twice
    assert asked[2] == 2 * asked[1] < 2.2 * LITTLE
    assert "exceeded memory limit" in (cluster.folder / "slurmd.log").read_text(encoding="utf-8")
