"""What the finished run writes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from arviz_stats.base import array_stats
from PIL import Image

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def figures(finished):
    """The figures of the project's configuration."""
    config = yaml.safe_load((finished.folder / "config/config.yaml").read_text(encoding="utf-8"))
    chosen = yaml.safe_load((finished.folder / "tiny.yaml").read_text(encoding="utf-8"))
    left_out = {name for name, entry in chosen["densities"].items() if entry is None}
    chains = {
        f"{density}_{figure}"
        for density, entry in config["densities"].items()
        if density not in left_out
        for figure in entry.get("sample", {}).get("figures", [])
    } | {"three_wells_differences", "thick_spiral_far_starts", "thick_spiral_metropolis"}
    common = {"learned_error", "plane_error", "combinations", "thick_spiral_map"}
    common |= {"paper/figure_3", "paper/figure_4"}
    images = "denoising spectra tangents noise_levels energies symmetry samples chains quality"
    common |= {f"images_{name}" for name in images.split()}
    return (
        common
        | chains
        | {
            f"{density}_{figure}"
            for density, entry in config["densities"].items()
            if density not in left_out | {"thick_spiral"}
            for figure in entry.get("figures", [])
            if figure != "animation"
        }
    )


def test_each_figure_is_there_as_pdf_and_as_png_and_no_other(finished, figures):
    assert len(figures) > 5
    wanted = {f"{Path(name).name}.{kind}" for name in figures for kind in ("pdf", "png")}
    found = {file.name for file in (finished.folder / "figures").rglob("*.*")}
    assert found == wanted | {"three_wells_animation.gif", "contact_sheet.png"}


def test_figures_show_something(finished, figures):
    for name in figures:
        document = (finished.folder / f"figures/{name}.pdf").read_bytes()
        assert document.startswith(b"%PDF"), name
        assert len(document) > 2000, name
        with Image.open(finished.folder / f"figures/{name}.png") as picture:
            colours = picture.convert("RGB").getcolors(picture.width * picture.height)
        assert len(colours) > 30, name


def test_the_animation_has_a_frame_a_noise_level(finished):
    levels = yaml.safe_load((finished.folder / "tiny.yaml").read_text(encoding="utf-8"))
    with Image.open(finished.folder / "figures/three_wells_animation.gif") as animation:
        assert animation.n_frames == len(levels["optimum"]["sigmas"])


def test_the_error_table_has_its_columns(finished):
    errors = pd.read_csv(finished.folder / "results/score/errors.csv")
    columns = "density objective model sigma seed reference relative_error n reference_error"
    assert errors.columns.tolist() == [*columns.split(), "resolved"]
    assert errors["resolved"].all()
    assert set(errors["density"]) == {"three_wells", "mixture", "three_points", "thick_spiral"}


def test_nothing_is_there_that_no_job_declares(finished):
    declared = finished.folder / ".snakemake/checksums"
    left = {file.relative_to(declared) for file in declared.rglob("*") if file.is_file()}
    assert {file.relative_to(finished.folder) for file in finished.made("*")} == left


def test_jobs_that_start_their_own_interpreter_make_the_same(finished, project):
    weights = "results/train/three_points/rcae_separate_exact.safetensors"
    files = [weights, "results/score/thick_spiral.csv", "figures/three_points_field.png"]
    for file in files:
        (project.folder / file).unlink()
    outcome = project.snakemake(*files, AUTOSCORE_PRELOADED="no")
    assert outcome.code == 0, outcome.text
    for file in files:
        assert (project.folder / file).read_bytes() == (finished.folder / file).read_bytes(), file


def test_the_table_of_diagnostics_has_its_columns(finished):
    runs = pd.read_csv(finished.folder / "results/sample/diagnostics.csv")
    wanted = (
        "density plan start field model sampler sigma seed trained_on step is_tuned n kl kl_floor "
        "kl_excess kl_corrected mmd2 energy_distance mean_log_p mean_log_p_floor log_p_short "
        "coverage coverage_floor acceptance rhat ess ess_per_second score_evaluations seconds"
    )
    assert runs.columns.tolist()[:-1] == wanted.split()
    assert set(runs["density"]) == {"three_wells", "thick_spiral"}
    assert set(runs["field"]) == {"exact", "optimum", "learned"}


def test_chains_have_the_shape_that_arviz_takes(finished):
    runs = pd.read_csv(finished.folder / "results/sample/three_wells.csv")
    with np.load(finished.folder / "results/sample/three_wells.npz") as stored:
        chains = stored[runs["chains"][0]]
    assert chains.shape == (10, 8, 1)  # chain, draw, coordinate
    assert float(array_stats.rhat(chains[..., 0])) > 0
