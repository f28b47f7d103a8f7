"""Functions that the rules share, most of them functions of wildcards, built on the plan."""

import os
from pathlib import Path

from run_autoscore import demands
from autoscore import plan
from autoscore.densities.registry import dimension
from autoscore.figures.declaration import OfImages
from autoscore.figures.registry import CONTACT_SHEET, FIGURES, figure_files, paper_files
from autoscore.figures.registry import paper_pictures, paper_words, settings_of, stem
from autoscore.images.sources import FOLDER
from autoscore.files.records import hashes

IMAGES = config.get("images")
ROUNDING = [] if config["rounding"] is None else ["rounding"]  # no param if null


def of_density(function):
    """Turn a function of configuration and density into one of wildcards."""
    return lambda wildcards: function(config, wildcards.density)


def parameters(rule, *names):
    """Return params of a rule, computed by the plan, as functions of wildcards."""

    def of_name(name):
        return lambda wildcards: plan.PARAMETERS[rule](config, *wildcards)[name]

    return {name: of_name(name) for name in names}


def sample_hash(wildcards):
    """Return the SHA-256 of a density's sample file, if it has one.

    Modification times miss a file that was replaced within one tick of the file system's clock.
    """
    return list(hashes(plan.sample_file(config, wildcards.density)).values())


def images_are_given():
    """Return whether images come from a folder, which is no longer needed once they are stored."""
    made = Path("results/data/images.csv")
    text = made.read_text(encoding="utf-8", errors="replace") if made.is_file() else ""
    return bool(IMAGES["path"] or os.environ.get("MNIST_DIR") or FOLDER in text)


def training_demands(wildcards):
    """Return a cluster's resources for one training, or a shard of it."""
    density, objective, model, source, *shard = wildcards
    members = len(plan.training_shards(config, density, model, source)[int(*shard)])
    entry = config["densities"][density]
    settings = {"validation": entry["train"]["validation"]}
    settings |= plan.model_settings(config, density, model)
    found = demands.training(settings, objective, source, dimension(entry), members)
    return found | {"gpu": demands.gpus(settings["device"])}


def measuring_memory(wildcards):
    """Return the MB that a job needs to read all points of a density."""
    entry = config["densities"][wildcards.density]
    solved = plan.is_solved_in_the_plane(config, wildcards.density)
    points = 2 * config["optimum"]["plane_points"] if solved else 0
    return demands.measuring(entry["train"], dimension(entry), points)["mem_mb"]


def sampling_demands(wildcards):
    """Return a cluster's resources for all chains of a density."""
    entry = config["densities"][wildcards.density]
    found = demands.sampling(entry["sample"]["plans"], dimension(entry))
    return found | {"gpu": demands.gpus(entry["sample"]["device"])}


def demand(function, name):
    """Return one resource of a job as a function of wildcards."""
    return lambda wildcards: function(wildcards)[name]


def shard_files(suffix):
    """Return a function from wildcards to one file of each shard of a training."""
    return lambda wildcards: plan.shard_files(config, wildcards[0], tuple(wildcards)[1:], suffix)


def figure_settings(name):
    """Return a function from wildcards to the settings of a figure."""
    return lambda wildcards: settings_of(name, config, wildcards.get("density", ""))


def figure_output(name, figure, kind):
    """Return the name of a figure's file, marked for Snakemake's own report if that shows it."""
    file = f"figures/{stem(name)}.{kind}"
    if kind == "pdf":
        return file
    labels = {"figure": name} | ({"density": "{density}"} if figure.per_density else {})
    return report(file, caption="../report/caption.rst", category=figure.section, labels=labels)
