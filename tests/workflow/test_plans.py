"""After a change Snakemake reruns everything that depends on it, and nothing else."""

import json
import re

import pytest

from autoscore import plan
from autoscore.configuration import complete, merge, read_yaml

pytestmark = pytest.mark.slow

SHEET = "workflow/autoscore/figures/print.mplstyle"
DRAWN_FROM_OPTIMA = {
    "plot_density three_wells",
    "plot_optimum three_wells",
    "plot_animation three_wells",
    "plot_bias three_wells",
    "plot_bias mixture",
    "plot_figure_3",
    "plot_figure_4",
    "contact_sheet",
}
DRAWN_FROM_SCORES = {
    "plot_field three_points",
    "plot_reconstruction three_wells",
    "plot_losses three_wells",
    "plot_learned_error",
    "plot_map thick_spiral",
    "plot_plane_error",
    "plot_combinations",
}
DRAWN_FROM_CHAINS = {
    "plot_levels three_wells",
    "plot_levels thick_spiral",
    "plot_traces three_wells",
    "plot_differences three_wells",
    "plot_far_starts thick_spiral",
    "plot_metropolis thick_spiral",
}
DRAWN_FROM_SAMPLES = {f"plot_images_{name}" for name in ("samples", "chains", "quality")}
DRAWN_OF_IMAGES = DRAWN_FROM_SAMPLES | {
    f"plot_images_{name}"
    for name in ("denoising", "spectra", "tangents", "noise_levels", "energies", "symmetry")
}
PLOTS = DRAWN_FROM_OPTIMA | DRAWN_FROM_SCORES | DRAWN_FROM_CHAINS | DRAWN_OF_IMAGES
DRAWN_MODELS = ("untied", "untrained", "conditioned")
SAMPLED_IMAGES = {f"sample_images {model}" for model in DRAWN_MODELS} | {"sample_image_tables"}
TRAINED_IMAGES = {f"train_images {model}" for model in (*DRAWN_MODELS, "tied")}
TRAININGS = {
    "train three_wells dae separate exact",
    "train three_wells dae separate samples",
    "train three_wells dae conditioned samples",
    "train three_wells rcae separate exact",
    "train three_wells rcae separate samples",
    "train mixture dae separate exact",
    "train three_points rcae separate exact",
    "train thick_spiral dae separate samples",
    "train thick_spiral dae conditioned samples",
    "train thick_spiral dae walkback samples",
    "train thick_spiral dae generative samples",
}
SCORES = {
    f"{stage} {name}"
    for name in ("three_wells", "mixture", "three_points", "thick_spiral")
    for stage in ("score", "geometry")
}
CHAINS = {"sample three_wells", "sample thick_spiral", "sample_tables"}
GATHERED = {"score_tables", "verify_tables"}


def change_function(text):
    """Change the code of a module's first function with a return value."""
    return re.sub(r"^( +)return ", r"\1pass\n\1return ", text, count=1, flags=re.MULTILINE)


def change_words(text):
    """Change every docstring, and add a comment."""
    return re.sub(r'^( *""")(?=\w)', r"\1Edited. ", text, flags=re.MULTILINE) + "\n# A comment.\n"


def test_a_moved_project_plans_nothing(project):
    assert project.plan() == set()


@pytest.mark.parametrize(
    ("figure", "job"),
    [
        ("three_points_field.pdf", "plot_field three_points"),
        ("three_wells_animation.gif", "plot_animation three_wells"),
    ],
)
def test_a_deleted_figure_is_all_that_is_redrawn(project, figure, job):
    (project.folder / "figures" / figure).unlink()
    assert project.plan() == {job}


@pytest.mark.parametrize("figure", [f"plot_{name} three_wells" for name in ("bias", "density")])
def test_a_figure_of_what_is_exact_trains_nothing(figure, project):
    rule, density = figure.split()
    name = f"figures/{density}_{rule.removeprefix('plot_')}.pdf"
    planned = project.plan(name, "--forceall", target=None)
    assert planned == {f"data {density}", f"optimum {density}", figure}


def test_the_common_style_redraws_every_figure_and_computes_nothing(project):
    project.rewrite("workflow/autoscore/figures/style.py", change_function)
    assert project.plan() == PLOTS


def test_the_style_sheet_redraws_every_figure_and_computes_nothing(project):
    project.rewrite(SHEET, lambda text: text + "font.size: 9\n")
    assert project.plan() == PLOTS


def test_the_code_of_one_figure_redraws_it_and_computes_nothing(project):
    project.rewrite("workflow/autoscore/figures/density.py", change_function)
    planned = project.plan()
    assert "plot_density three_wells" in planned
    assert planned <= PLOTS
    assert "plot_learned_error" not in planned


def test_words_rerun_nothing(project):
    for module in ("figures/style", "figures/density", "train/fit", "files/storage"):
        project.rewrite(f"workflow/autoscore/{module}.py", change_words)
    assert project.plan() == set()


def test_the_code_of_each_script_redoes_its_jobs(project):
    everything = project.plan("--forceall")
    for script in (project.folder / "workflow/scripts").glob("*.py"):
        project.rewrite(f"workflow/scripts/{script.name}", lambda text: text + "\nprint()\n")
    assert project.plan() == everything


def test_training_code_retrains_and_redoes_what_follows(project):
    project.rewrite("workflow/autoscore/train/fit.py", change_function)
    toys = TRAININGS | SCORES | CHAINS | GATHERED | DRAWN_FROM_SCORES | DRAWN_FROM_CHAINS
    images = TRAINED_IMAGES | {"score_images"} | SAMPLED_IMAGES | DRAWN_OF_IMAGES
    assert project.plan() == toys | images


def test_sampling_code_redoes_the_chains_and_retrains_nothing(project):
    project.rewrite("workflow/autoscore/samplers/langevin.py", change_function)
    redone = CHAINS | DRAWN_FROM_CHAINS | {"verify_tables"}
    assert project.plan() == redone | SAMPLED_IMAGES | DRAWN_FROM_SAMPLES


def test_the_parameters_of_the_plan_are_those_that_snakemake_gave_to_the_jobs(finished):
    changes = [read_yaml(finished.folder / name) for name in ("config/config.yaml", "tiny.yaml")]
    expected = plan.parameters(complete(merge(*changes), checked=True))
    found = {}
    for file in finished.made("*.json"):
        record = json.loads(file.read_text(encoding="utf-8"))
        given = {"seed": record["seed"]} | record["settings"]
        job = (record["rule"], *record["wildcards"].values())
        if job in expected:
            found[job] = {name: given[name] for name in expected[job]}
    assert expected.keys() == found.keys()
    assert found == {job: json.loads(json.dumps(expected[job])) for job in found}


def test_another_rounding_redoes_what_is_trained_and_what_follows(project):
    planned = project.plan(changes="rounding: 12345")
    toys = TRAININGS | SCORES | CHAINS | GATHERED | DRAWN_FROM_SCORES | DRAWN_FROM_CHAINS
    images = (
        TRAINED_IMAGES | {"score_images", "sample_classifier"} | SAMPLED_IMAGES | DRAWN_OF_IMAGES
    )
    assert planned == toys | images


def test_a_density_s_parameter_redoes_that_density_and_what_gathers(project):
    changes = "densities: {mixture: {standard_deviations: [0.3, 0.2, 0.5]}}"
    assert project.plan(changes=changes) == GATHERED | {
        "data mixture",
        "optimum mixture",
        "train mixture dae separate exact",
        "score mixture",
        "geometry mixture",
        "plot_bias mixture",
        "plot_learned_error",
        "plot_plane_error",
        "plot_combinations",
    }


def test_what_computes_on_a_gpu_asks_a_cluster_for_one(finished):
    outcome = finished.snakemake("--dry-run", "--forceall", changes="train: {device: cuda}")
    asking = {
        found[1]
        for found in re.finditer(r"rule (\w+):\n(?: .*\n)*? +resources: .*\bgpu=1\b", outcome.text)
    }
    assert asking == {"train"}
