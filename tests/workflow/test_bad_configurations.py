"""An invalid configuration is refused with a message before any job runs."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.workflow.project import Project

pytestmark = pytest.mark.slow

CONFIGURATIONS = {
    "values": """
        training: {seeds: 1}
        train: {seds: 1, seeds: 0, models: {separate: [dae, vae]}}
        optimum: {sigmas: {low: -0.1, high: 1.0, count: 3}}
        densities:
          mixture: {kind: gaussian, train: {sigmas: []}}
          three_wells: {train: {sigmas: [0.0, 0.1]}}
          spiral: {train: {sigmas: [0.1, .nan]}}
        """,
    "meaning": """
        train: {sigmas: [0.3, 0.1]}
        optimum: {solver_points: 2000}
        densities:
          mixture: {standard_deviations: [0.3], train: {sigmas: {low: 1.0, high: 0.1, count: 3}}}
          absent: {kind: samples, path: absent.npy}
          strange: {kind: samples, path: config/claims.yaml}
        """,
    "key": "3: 1",
    "twice": "train: {seeds: 1}\noptimum: {}\ntrain: {sizes: [10]}",
    "empty": "densities: {mine: {kind: samples, path: empty.npy}}",
}
GRID = "noise levels > 0"
# the configuration, and parts of one line of the message: key, value, allowed values
MISTAKES = {
    "unknown key": ("values", "train.seds is not a key", "did you mean seeds", "sigmas"),
    "unknown section": ("values", "training is not a key", "did you mean train", "optimum"),
    "no seeds": ("values", "train.seeds is 0; allowed: ", "whole number >= 1"),
    "unknown objective": ("values", "train.models.separate.1 is 'vae'; allowed: ", "dae, rcae"),
    "unknown kind": (
        "values",
        "densities.mixture.kind is 'gaussian'; allowed: ",
        "energy, mixture, samples",
    ),
    "empty grid": ("values", "densities.mixture.train.sigmas is []; allowed: ", GRID),
    "sigma of zero": ("values", "three_wells.train.sigmas is [0.0, 0.1]; allowed: ", GRID),
    "negative sigma": (
        "values",
        "optimum.sigmas is {'low': -0.1,",
        "; allowed: ",
        "0 < low < high",
    ),
    "sigma not a number": ("values", "spiral.train.sigmas is [0.1, nan]; allowed: ", GRID),
    "unsorted grid": ("meaning", "train.sigmas is [0.3, 0.1]; allowed: ", "increasing"),
    "reversed grid": ("meaning", "mixture.train.sigmas is {'low': 1.0,", "allowed: ", "low < high"),
    "too few values": ("meaning", "densities.mixture.standard_deviations is [0.3]; "),
    "even number of points": ("meaning", "optimum.solver_points is 2000; allowed: ", "odd"),
    "absent file": ("meaning", "densities.absent.path is 'absent.npy'; ", "No such file"),
    "strange file": ("meaning", "strange.path is 'config/claims.yaml'; ", ".npy or .csv"),
    "empty file": ("empty", "densities.mine.path is 'empty.npy'; "),
    "number as a key": ("key", "3 is not a key", "optimum"),
    "key that stands twice": ("twice", "has train on line 1 and again on line 3, and only the"),
}


def attempt(folder, changes):
    """Ask for one cheap file in a separate copy of the sources."""
    project = Project.from_sources(folder)
    (folder / "empty.npy").touch()
    return project, project.snakemake("results/data/three_points.npz", changes=changes)


@pytest.fixture(scope="module")
def attempts(tmp_path_factory):
    """All attempts, two at a time."""
    folder = tmp_path_factory.mktemp("refused")
    with ThreadPoolExecutor(2) as pool:
        running = {
            name: pool.submit(attempt, folder / name, changes)
            for name, changes in CONFIGURATIONS.items()
        }
    return {name: future.result() for name, future in running.items()}


@pytest.mark.parametrize("name", MISTAKES)
def test_it_is_refused_in_words_before_any_job(attempts, name):
    configuration, *parts = MISTAKES[name]
    project, outcome = attempts[configuration]
    print(f"{configuration}: {outcome.seconds:.1f} s")
    assert outcome.code != 0
    assert "Traceback" not in outcome.text
    assert any(all(part in line for part in parts) for line in outcome.text.splitlines()), (
        outcome.text
    )
    assert not (project.folder / "results").exists()


def test_files_over_which_snakemake_would_stumble_are_refused_in_words(tmp_path):
    """Snakemake reads them before the Snakefile."""
    project = Project.from_sources(tmp_path / "project")
    (project.folder / "latin.yaml").write_bytes("train: {}  # für\n".encode("latin-1"))
    (project.folder / "folder.yaml").mkdir()
    (project.folder / "empty.yaml").touch()
    names = ("latin.yaml", "folder.yaml", "empty.yaml", "none.yaml")
    outcome = project.snakemake("results/data/three_points.npz", "--configfile", *names)
    assert outcome.code != 0
    assert "Traceback" not in outcome.text
    for line in (
        "latin.yaml is not encoded in UTF-8, on line 1: save it as UTF-8",
        "folder.yaml is a folder, a pipe or a device; allowed: a regular file",
        "empty.yaml is empty; allowed: keys with values, or {}",
        "none.yaml cannot be read: No such file or directory",
    ):
        assert f"  {line}\n" in outcome.text
    assert not (project.folder / "results").exists()
