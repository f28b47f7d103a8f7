"""Unusual files of points, from the file to its figures."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(5)
BLOB = RNG.normal(size=(40, 2))
SAMPLES = {
    "five": BLOB[:5],
    "constant_column": np.column_stack([BLOB[:10, 0], np.full(10, 7.0)]),
    "two_places": np.repeat([[0.0, 0.0], [1.0, 2.0]], 20, axis=0),
    "straight": np.column_stack([0.5 + 1.5 * np.arange(8.0), np.full(8, 2.0)]),
    "cauchy": RNG.standard_cauchy((60, 2)),
    "dice": RNG.integers(1, 7, (60, 2)).astype(float),
    "three_on_a_line": BLOB[:3, :1],
}
ENTRY = """
  {name}:
    kind: samples
    path: {name}.csv
    train:
      sigmas: {{low: 0.2, high: 1, count: 2, relative: true}}
      seeds: 1
      models: {{conditioned: {conditioned}}}
      architecture: {{hidden: [8]}}
      network: {{width: 8, blocks: 1}}
      schedules: {{samples: {{steps: 30}}, conditioned: {{steps: 30}}}}
"""
BOTH = ("five", "two_places", "cauchy")  # kinds of auto-encoders: each takes time
FIGURES = {1: ["field", "held_out"], 2: ["quiver", "map", "held_out"]}


def entry(name):
    return ENTRY.format(name=name, conditioned="[dae]" if name in BOTH else "[]")


def test_every_sample_gets_its_figures_and_finite_numbers(project):
    drawn = []
    for name, points in SAMPLES.items():
        np.savetxt(project.folder / f"{name}.csv", points, delimiter=",")
        drawn += [f"figures/{name}_{figure}.png" for figure in FIGURES[points.shape[1]]]
    tables = ["results/score/errors.csv", "results/score/held_out.csv"]
    changes = "densities:" + "".join(entry(name) for name in SAMPLES)
    outcome = project.snakemake(*tables, *drawn, changes=changes)
    assert outcome.code == 0, outcome.text
    errors, held_out = (pd.read_csv(project.folder / table) for table in tables)
    assert set(SAMPLES) <= set(errors["density"])
    assert set(SAMPLES) == set(held_out["density"])
    assert np.isfinite(errors["relative_error"]).all()
    assert np.isfinite(held_out[["denoising_loss", "score_matching_loss"]]).all(axis=None)
    for name in SAMPLES:
        for file in project.folder.glob(f"results/*/{name}*.csv"):
            assert len(pd.read_csv(file).columns), file
        fields = 3 if name in BOTH else 2
        for figure in FIGURES[SAMPLES[name].shape[1]]:
            panels = {"quiver": fields, "map": 1 + fields}.get(figure, 2)
            assert is_drawn(project.folder / f"figures/{name}_{figure}.png", panels), (name, figure)


def test_noise_far_too_small_for_the_points_takes_no_more_memory(project):
    # two clusters thousands of units apart: at this noise level r(x) - x turns everywhere
    rng = np.random.default_rng(0)
    clusters = [rng.normal([-1, 0], 0.4, (300, 2)), rng.normal([1, 0.5], 0.3, (300, 2))]
    np.savetxt(project.folder / "far.csv", 3000 * np.concatenate(clusters), delimiter=",")
    changes = """
densities:
  far:
    kind: samples
    path: far.csv
    train: {seeds: 1, sigmas: [0.1], models: {separate: [dae], conditioned: []}}
"""
    drawn = "figures/far_map.png"
    outcome = project.snakemake(drawn, changes=changes)
    assert outcome.code == 0, outcome.text
    assert "Note: " in outcome.text
    record = json.loads((project.folder / "results/geometry/far.json").read_text(encoding="utf-8"))
    assert record["peak_memory_mib"] < 1024
    fixed = pd.read_csv(project.folder / "results/geometry/far_fixed_points.csv")
    assert not (fixed["field"] == "separate").any()


def is_drawn(figure, panels):
    """Return whether enough of every panel is not white: a fifth where a map is shaded."""
    pixels = np.asarray(Image.open(figure).convert("L"))
    row = pixels[pixels.shape[0] // 4 : pixels.shape[0] // 2]
    least = 0.2 if figure.stem.endswith("map") else 0.005
    return all((part < 255).mean() > least for part in np.array_split(row, panels, axis=1))
