"""Held-out losses of the conditioned model, beside baselines, on real tables and fresh splits.

``python -m benchmarks.real_tables [more.csv ...]`` prints the table of docs/your_data.md: default
settings, global seeds 101 to 110, about five minutes. The project does not include Old Faithful:
name a file with its two columns.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

import benchmarks.__main__  # noqa: F401 (sets one thread and the library's path)
from autoscore.configuration import complete
from autoscore.data import draw_data, target
from autoscore.models.registry import MODELS
from autoscore.nulls import fits
from autoscore.numerics.grids import noise_levels
from autoscore.score.held_out import held_out_table

SEEDS = range(101, 111)
PENGUINS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]


def entries(folder: Path, files: list[str]) -> dict[str, dict]:
    """Write the sample files to a folder and return their configuration entries by name."""
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

    cancer, wine = load_breast_cancer().data, load_wine().data
    arrays = {
        "iris": load_iris().data[:, 2:],
        "wine": wine[:, [0, 12]],  # alcohol, proline
        "diabetes": load_diabetes(scaled=False).data[:, [2, 3]],  # mass index, blood pressure
        "cancer_size": cancer[:, [0, 1]],  # radius, texture
        "cancer_shape": cancer[:, [4, 5]],  # smoothness, compactness
    }
    found = {Path(file).stem: {"path": file} for file in files}
    for name, columns in (("two", [PENGUINS[0], PENGUINS[3]]), ("four", PENGUINS)):
        entry = {"path": "docs/penguins.csv", "columns": columns, "missing": "drop"}
        found[f"penguins_{name}"] = entry
    for name, points in arrays.items():
        np.savetxt(folder / f"{name}.csv", points, delimiter=",")
        found[name] = {"path": str(folder / f"{name}.csv")}
    return {name: {"kind": "samples"} | entry for name, entry in found.items()}


def losses(name: str, entry: dict, seed: int) -> dict[str, float]:
    """Return the mean held-out denoising loss over the noise grid of each model on one split."""
    completed = complete({"densities": {name: entry}})["densities"][name]
    train, data = completed["train"], draw_data(seed, name, completed)
    settings = train | {"kind": "conditioned"}
    streams = (seed, name, "dae", "conditioned")
    stack, _ = MODELS["conditioned"].trainer("samples")(data, settings, "dae", streams)
    learned = {("dae", "conditioned", "samples"): stack}
    streams = (seed, "score", name, "held_out")
    fitted = fits(target(completed, data), data, train["architecture"], streams)
    baselines = fitted(data["train"].shape[1], 0)
    levels = noise_levels(train["sigmas"])
    table = held_out_table(data["held_out"], learned, baselines, levels, streams)
    return table.groupby("model")["denoising_loss"].mean().to_dict()


def main(files: list[str]) -> None:
    """Print means over the splits, and the lead of the conditioned model."""
    with TemporaryDirectory() as folder:
        rows = [
            {"table": name, "seed": seed} | losses(name, entry, seed)
            for name, entry in entries(Path(folder), files).items()
            for seed in SEEDS
        ]
    table = pd.DataFrame(rows)
    table["ahead"] = table["gaussian"] - table["conditioned"]
    groups = table.groupby("table", sort=False)
    means = groups[["conditioned", "gaussian", "kde"]].mean()
    ahead = groups["ahead"].agg(["mean", "min", "max", lambda gains: (gains > 0).sum()])
    print(means.join(ahead.set_axis(["ahead", "least", "most", "won"], axis=1)).round(3))


if __name__ == "__main__":
    main(sys.argv[1:])
