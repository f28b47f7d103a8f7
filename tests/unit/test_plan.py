"""What a run consists of, told from its configuration alone."""

import numpy as np
import pytest

from autoscore import plan
from autoscore.configuration import complete
from autoscore.figures.registry import figure_files

MIXTURE = {"kind": "mixture", "weights": [1], "means": [[0]], "standard_deviations": [1]}
SPIRAL = {"kind": "curve", "coordinates": ["cos(t)", "sin(t)"], "interval": [0, 3]}
CLOUD = {"kind": "curve_mixture", "dimension": 5}
MODEL = {"models": {"separate": ["dae", "rcae"], "conditioned": []}}


def planned(**densities):
    """A completed configuration of these densities."""
    small = {"seeds": 2, "sigmas": [0.1, 0.3], "sizes": ["exact", 100], "validation": 20} | MODEL
    return complete({"densities": densities, "train": small})


@pytest.fixture
def both():
    """One density on the line, one bare curve in the plane, one mixture beyond."""
    spiral = {
        "figures": ["quiver"],
        "train": {
            "models": {"separate": ["dae"], "conditioned": ["dae"]},
            "variants": {"sliced": {"kind": "conditioned", "objectives": ["ssm"], "shard": 2}},
        },
        "sample": {
            "plans": {"one": {"fields": ["learned"], "models": ["conditioned"], "sigmas": [0.1]}},
            "figures": {"samples": "one"},
        },
    }
    cloud = {
        "train": {"sizes": [10, 100, 1000], "models": {"separate": [], "conditioned": ["dae"]}}
    }
    line = {"figures": ["bias", "animation"]}
    return planned(line=MIXTURE | line, spiral=SPIRAL | spiral, cloud=CLOUD | cloud)


def test_trainings_are_models_by_objective_and_source(both):
    assert plan.trainings(both, "line") == [
        ("dae", "separate", "exact"),
        ("dae", "separate", "samples"),
        ("rcae", "separate", "exact"),
        ("rcae", "separate", "samples"),
    ]
    assert plan.trainings(both, "spiral") == [
        ("dae", "separate", "samples"),
        ("dae", "conditioned", "samples"),
        ("ssm", "sliced", "samples"),
    ]
    assert plan.trained_files(both, "cloud") == [
        "results/train/cloud/dae_conditioned_samples.safetensors"
    ]


def test_a_divided_training_has_a_file_for_each_of_its_parts(both):
    sliced = ("ssm", "sliced", "samples")
    assert plan.training_shards(both, "spiral", "sliced", "samples") == [[0, 1]]
    assert plan.shard_files(both, "spiral", sliced, ".csv") == []
    both["densities"]["spiral"]["train"]["variants"]["sliced"]["seeds"] = 5
    folder = "results/train/spiral/ssm_sliced_samples"
    assert plan.shard_files(both, "spiral", sliced, ".csv") == [f"{folder}/{k}.csv" for k in (0, 1)]


def test_figures_are_those_that_densities_name_and_those_that_all_share(both):
    stems = ["line_bias", "learned_error", "plane_error", "spiral_quiver", "spiral_samples"]
    stems += ["baselines", "combinations", "paper/figure_1"]
    assert sorted(figure_files(both)) == sorted(
        ["figures/line_animation.gif"]
        + [f"figures/{stem}.{kind}" for stem in stems for kind in ("pdf", "png")]
    )
    assert figure_files(both, of_images=True) == []


def test_what_is_known_of_a_density_decides_what_is_made_of_it(both):
    assert plan.ordered(both) == ["line"]
    assert [name for name in both["densities"] if plan.is_solved(both, name)] == ["line"]
    assert plan.on_the_line(both) == ["line"]
    assert plan.beyond_the_line(both) == ["spiral", "cloud"]
    assert plan.compared_by_size(both) == ["cloud"]
    assert plan.combined(both) == ["cloud"]
    assert plan.sampled(both) == ["spiral"]
    assert plan.sampled_files(both, "spiral") == [
        "results/train/spiral/dae_conditioned_samples.safetensors"
    ]
    assert plan.solved_files(both, "spiral") == []
    assert plan.sample_tables(both) == [
        "results/sample/diagnostics.csv",
        "results/sample/samplers.csv",
    ]


def test_a_density_that_is_solved_in_the_plane_hands_its_solution_on():
    thick = planned(thick=SPIRAL | {"thickness": 0.1, "train": {"sizes": [100]}})
    stem = "results/optimum/thick"
    assert plan.solved_files(thick, "thick") == [f"{stem}.npz", f"{stem}.csv"]
    assert plan.PARAMETERS["optimum"](thick, "thick")["settings"] == {
        "plane_points": thick["optimum"]["plane_points"]
    }


def test_a_training_depends_on_its_own_schedule_alone(both):
    exact = plan.training_settings(both, "line", "separate", "exact")
    samples = plan.training_settings(both, "spiral", "conditioned", "samples")
    assert exact["schedules"].keys() == {"exact"}
    assert samples["schedules"].keys() == {"conditioned"}
    assert not {"network", "noise", "warm_start", "shard", "models"} & exact.keys()
    assert not {"architecture", "nodes", "warm_start", "shard", "models"} & samples.keys()


def test_what_describes_a_density_says_nothing_of_its_figures(both):
    assert plan.target_settings(both, "spiral").keys() == SPIRAL.keys()
    assert plan.PARAMETERS["data"](both, "spiral")["entry"]["train"].keys() == {
        "seeds", "sizes", "validation", "held_out", "variants",
    }  # fmt: skip


def test_images_have_figures_of_what_is_trained_and_drawn():
    images = {
        "dataset": "digits",
        "models": {"one": {"kind": "separate"}, "all": {"kind": "corrected"}},
    }
    config = complete({"densities": {"line": MIXTURE}, "images": images})
    names = {file.partition(".")[0] for file in figure_files(config, of_images=True)}
    assert {"figures/images_denoising", "figures/images_symmetry"} <= names
    assert plan.separate_image_models(config) == ["one"]
    assert plan.image_tables(config) == ["results/sample/images.csv"]
    assert "width" not in plan.PARAMETERS["train_images"](config, "one")["settings"]
    assert "tied" not in plan.PARAMETERS["train_images"](config, "all")["settings"]


def test_every_job_that_may_run_has_a_record(both, tmp_path):
    np.savetxt(tmp_path / "mine.csv", np.arange(12.0).reshape(6, 2), delimiter=",")
    files = plan.record_files(both)
    assert len(files) == len(set(files))
    assert "results/geometry/cloud.json" in files
    assert "results/train/line/rcae_separate_exact.json" in files
    mine = planned(mine={"kind": "samples", "path": str(tmp_path / "mine.csv")})
    assert plan.sample_file(mine, "mine") == [str(tmp_path / "mine.csv")]
    assert plan.sample_file(both, "line") == []
