import os

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.slow

DENSITIES = """
densities:
  plane:
    kind: samples
    path: my plane.npy
    train:
      models: {separate: [dae]}
      variants:
        recipe:
          {kind: separate, objectives: [dae], noise: fixed, optimiser: bfgs,
           architecture: {hidden: [20], residual: none}, schedules: {samples: {steps: 30}}}
  line:
    kind: samples
    path: my líne.csv
    columns: [x]
    missing: drop
    figures: [field]
    train: {held_out: 0.25, sigmas: [0.1, 0.9], models: {separate: [rcae]}}
"""
PARTS = ("train", "validation", "held_out")
FIGURES = ("plane_quiver", "plane_map", "plane_held_out", "line_field")


def test_samples_of_a_user_s_own_are_learned_and_measured(project):
    rng = np.random.default_rng(1)
    np.save(project.folder / "my plane.npy", rng.normal(size=(60, 2)))
    line = pd.DataFrame({"kind": "a", "x": [*rng.normal(size=40), np.nan, np.nan]})
    line.to_csv(project.folder / "my líne.csv")
    drawn = [f"figures/{name}.png" for name in FIGURES]
    outcome = project.snakemake("results/score/errors.csv", *drawn, changes=DENSITIES)
    assert outcome.code == 0, outcome.text
    errors = pd.read_csv(project.folder / "results/score/errors.csv")
    errors = errors[errors["density"].isin(["plane", "line"]) & (errors["model"] == "separate")]
    assert set(errors["reference"]) == {"optimum"}
    assert np.isfinite(errors["relative_error"]).all()
    assert (errors["relative_error"] > 0).all()
    rows = errors.groupby(["density", "objective", "n"]).size().to_dict()
    # 2 seeds at 2 noise levels, or at 8 chosen for the points; validation and held-out points are
    # not trained on
    assert rows == {("line", "rcae", 20): 4, ("plane", "dae", 36): 16}
    losses = pd.read_csv(project.folder / "results/train/plane/dae_recipe_samples.csv")
    first, last = (losses[losses["step"] == step]["loss"].to_numpy() for step in (1, 30))
    assert (last < first).all()
    losses = pd.read_csv(project.folder / "results/score/held_out.csv")
    assert {"identity", "gaussian", "kde", "separate"} <= set(losses["model"])
    assert "Held-out loss of plane" in outcome.text
    log = (project.folder / "results/logs/data/line.log").read_text(encoding="utf-8")
    assert "2 rows of my líne.csv lack a value and are dropped" in log
    fixed = pd.read_csv(project.folder / "results/geometry/plane_fixed_points.csv")
    assert set(fixed["field"]) == {"exact", "separate", "gaussian", "untrained"}


def test_a_file_that_was_replaced_in_the_same_instant_is_read_anew(project):
    file, changes = (
        project.folder / "mine.csv",
        "densities: {mine: {kind: samples, path: mine.csv}}",
    )
    file.write_text("1\n2\n3\n", encoding="utf-8")
    made = "results/data/mine.npz"
    assert project.snakemake(made, changes=changes).code == 0
    before = file.stat()
    assert project.plan(made, target=None, changes=changes) == set()
    file.write_text("1\n2\n4\n", encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert project.plan(made, target=None, changes=changes) == {"data mine"}
    assert project.snakemake(made, changes=changes).code == 0
    with np.load(project.folder / made) as arrays:
        assert 4.0 in np.concatenate(
            [arrays[part] for part in ("train", "validation", "held_out")], axis=None
        )
