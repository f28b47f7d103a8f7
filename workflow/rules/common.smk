"""Functions that the rules share."""

import os
from pathlib import Path

import demands
from autoscore import blocks
from autoscore.densities.registry import dimension
from autoscore.grids import noise_levels
from autoscore.images.sources import FOLDER
from autoscore.images.sources import SETTINGS as IMAGE_SOURCES
from autoscore.records import hashes
from code_hash import code

LIBRARY = Path(workflow.basedir) / "workflow"
ANIMATIONS = {"animation": "optimum", "relaxation": "relaxation"}  # figures that move: their files
LEARNED = {"learned", "extrapolated"}  # fields that drive chains and were trained


# where it is null it is no param: a run without it stays as it was
ROUNDING = {} if config["rounding"] is None else {"rounding": config["rounding"]}

IMAGES = config.get("images")
IMAGE_MODELS = list(IMAGES["models"]) if IMAGES else []
DRAWN_IMAGE_MODELS = IMAGES["sample"]["models"] if IMAGES else []
SEPARATE_IMAGE_MODELS = [
    name for name in IMAGE_MODELS if IMAGES["models"][name]["kind"] == "ensemble"
]


def images_are_given():
    """Return whether images come from a folder; those that did need it no more."""
    made = Path("results/data/images.csv")
    text = made.read_text(encoding="utf-8", errors="replace") if made.is_file() else ""
    return bool(IMAGES["path"] or os.environ.get("MNIST_DIR") or FOLDER in text)


def image_model_settings(wildcards):
    """Return what the training of one model of images depends on."""
    settings = IMAGES["models"][wildcards.image_model]
    unused = {
        "ensemble": ["width", "blocks"],
        "conditioned": ["tied", "start"],
    }[settings["kind"]]
    shown = max(1, round(settings["shown"] * IMAGES["budget"]))
    return without(settings, *unused) | {"shown": shown}


def train_settings(density):
    return config["densities"][density]["train"]


def without(entry, *keys):
    """Return a part of the configuration less some keys: what a rule does not use is no param."""
    return {key: value for key, value in entry.items() if key not in keys}


def user_file(wildcards):
    """Return the user's sample file of a density, if it is one."""
    entry = config["densities"][wildcards.density]
    return [entry["path"]] if "path" in entry else []


def user_content(wildcards):
    """Return the SHA-256 of the user's sample file of a density, if it is one.

    Times do not tell a file from one that replaced it within the same tick of the disk's clock.
    """
    return list(hashes(user_file(wildcards)).values())


def data_settings(wildcards):
    """Return what the samples of a density depend on."""
    train = train_settings(wildcards.density)
    needed = {key: train[key] for key in ("seeds", "sizes", "validation", "held_out")}
    needed["variants"] = {
        name: {key: variant[key] for key in ("seeds", "sizes")}
        for name, variant in train["variants"].items()
    }
    return target_settings(wildcards) | {"train": needed}


def target_settings(wildcards):
    """Return what describes a density itself."""
    return without(
        config["densities"][wildcards.density],
        *("train", "figures", "peers", "shown", "order_sigmas", "sample"),
    )


def model_settings(density, model):
    """Return the kind of a model and all that its training is told."""
    train = train_settings(density)
    if model in train["variants"]:
        return train["variants"][model]
    objectives = train["models"][model]
    return without(train, "variants") | {"kind": model, "objectives": objectives}


def training_settings(wildcards):
    """Return what one training depends on: the other schedules and models are left out."""
    settings = model_settings(wildcards.density, wildcards.model)
    unused = {
        ("ensemble", "exact"): ["network", "noise", "warm_start"],
        ("ensemble", "samples"): ["network", "nodes"],
        ("conditioned", "samples"): ["architecture", "nodes", "warm_start"],
    }[settings["kind"], wildcards.source]
    schedule = wildcards.source if settings["kind"] == "ensemble" else "conditioned"
    settings = without(settings, "models", "objectives", "validation", "held_out", "block", *unused)
    return settings | {"schedules": {schedule: settings["schedules"][schedule]}}


def block_size(density, model):
    """Return the largest number of auto-encoders that one job trains, None for no end."""
    return model_settings(density, model)["block"]


def training_blocks(density, model, source):
    """Return the members of each block that one training is divided into."""
    most = block_size(density, model)
    return blocks.divide(model_settings(density, model), source, most)


def block_files(density, objective, model, source, kind):
    """Return one file of each block of a training; none if it is not divided."""
    count = len(training_blocks(density, model, source))
    folder = f"results/train/{density}/{objective}_{model}_{source}"
    return [f"{folder}/{block}{kind}" for block in range(count)] if count > 1 else []


def training_demands(wildcards):
    """Return what one training, or a block of it, may need on a cluster."""
    density, objective, model, source, *block = wildcards
    members = len(training_blocks(density, model, source)[int(*block)])
    entry = config["densities"][density]
    settings = {"validation": entry["train"]["validation"]} | model_settings(density, model)
    found = demands.training(settings, objective, source, dimension(entry), members)
    return found | {"gpu": demands.gpus(settings["device"])}


def measuring_memory(wildcards):
    """Return the MB that a job may need which measures on all points of a density."""
    entry = config["densities"][wildcards.density]
    plane = 2 * config["optimum"]["plane_points"] if is_solved(wildcards.density) else 0
    plane = plane if dimension(entry) == 2 else 0
    return demands.measuring(entry["train"], dimension(entry), plane)["mem_mb"]


def sampling_demands(wildcards):
    """Return what all chains of a density may need on a cluster."""
    entry = config["densities"][wildcards.density]
    found = demands.sampling(entry["sample"]["plans"], dimension(entry))
    return found | {"gpu": demands.gpus(entry["sample"]["device"])}


def trainings(density):
    """Return (objective, model, source) of everything that is trained on a density."""
    train, runs = train_settings(density), []
    for model in ["ensemble", "conditioned", *train["variants"]]:
        settings = model_settings(density, model)
        exact = settings["kind"] == "ensemble" and "exact" in settings["sizes"]
        sources = ["exact"] * exact + ["samples"] * (set(settings["sizes"]) != {"exact"})
        runs += [(what, model, source) for what in settings["objectives"] for source in sources]
    return runs


def trained_files(wildcards):
    """Return the weights of everything that is trained on a density."""
    return [
        f"results/train/{wildcards.density}/{objective}_{model}_{source}.safetensors"
        for objective, model, source in trainings(wildcards.density)
    ]


def is_solved(name):
    """Return whether both optima of a density are solved: it has a log-density, and d is 1 or 2."""
    entry = config["densities"][name]
    bare = entry["kind"] == "samples" or (entry["kind"] == "curve" and not entry.get("thickness"))
    return dimension(entry) <= 2 and not bare


def optimum_settings(wildcards):
    """Return the settings of the exact solutions that belong to a density's dimension."""
    if dimension(config["densities"][wildcards.density]) == 2:
        return {"plane_points": config["optimum"]["plane_points"]}
    return without(config["optimum"], "plane_points", "order_sigmas")


def solved_levels(wildcards):
    """Return the noise grid at which a two-dimensional density is solved: what is trained."""
    plane = dimension(config["densities"][wildcards.density]) == 2
    return train_settings(wildcards.density)["sigmas"] if plane else None


def order_window(name):
    """Return the noise levels at which the order of convergence is fitted, None if it is not."""
    entry = config["densities"][name]
    default = config["optimum"]["order_sigmas"] if dimension(entry) == 1 else None
    return entry.get("order_sigmas", default)


ORDERED = [name for name in config["densities"] if is_solved(name) and order_window(name)]


def solved_files(wildcards):
    """Return the stored solution of a two-dimensional density and its bias, if there is one."""
    name = wildcards.density
    plane = dimension(config["densities"][name]) == 2 and is_solved(name)
    return multiext(f"results/optimum/{name}", ".npz", ".csv") if plane else []


def shown_settings(wildcards):
    """Return what the geometry of a density is measured with."""
    entry = config["densities"][wildcards.density]
    settings = {key: entry["train"][key] for key in ("sigmas", "seeds")}
    if dimension(entry) == 1:
        return settings | {"points": config["optimum"]["points"]}
    return settings | {"shown": entry["shown"], "figures": entry["figures"]}


def field_sigma(name):
    """Return the noise level at which the field of a density on the line is drawn."""
    entry = config["densities"][name]
    return entry["shown"]["sigma"] if "path" in entry else config["figures"]["field_sigma"]


def shown_plan(figure, **settings):
    """Return a function from wildcards to the settings of a figure of chains."""
    return (
        lambda wildcards: {
            "plan": config["densities"][wildcards.density]["sample"]["figures"][figure]
        }
        | settings
    )


def asks_for_chains(name):
    """Return whether anything is sampled of a density."""
    sample = config["densities"][name]["sample"]
    probed = sample["differences"]["models"] or sample["far_starts"]["models"]
    return bool(sample["plans"] or probed)


SAMPLED = [name for name in config["densities"] if asks_for_chains(name)]


def sample_tables():
    """Return the tables of all chains, if there are any."""
    names = ("diagnostics", "samplers") if SAMPLED else ()
    return [f"results/sample/{name}.csv" for name in names]


def sample_settings(wildcards):
    """Return what is sampled of a density; how it is shown is left out."""
    return without(config["densities"][wildcards.density]["sample"], "figures")


def sampled_trainings(density):
    """Return (objective, model, source) of the models that drive chains."""
    sample = config["densities"][density]["sample"]
    plans = [plan for plan in sample["plans"].values() if set(plan["fields"]) & LEARNED]
    asked = [*plans, sample["differences"], sample["far_starts"]]
    models = list(dict.fromkeys(model for one in asked for model in one["models"]))
    return [("dae", model, "samples") for model in models]


def sampled_files(wildcards):
    """Return their weights."""
    return [
        f"results/train/{wildcards.density}/{objective}_{model}_{source}.safetensors"
        for objective, model, source in sampled_trainings(wildcards.density)
    ]


def on_the_line():
    """Return the one-dimensional densities whose errors are drawn over several noise levels."""
    return [
        name
        for name, entry in config["densities"].items()
        if dimension(entry) == 1 and len(noise_levels(entry["train"]["sigmas"])) > 1
    ]


def beyond_the_line():
    """Return the densities in two and more dimensions whose score under noise is known."""
    return [
        name
        for name, entry in config["densities"].items()
        if dimension(entry) > 1 and entry["kind"] != "samples"
    ]


def compared_by_size():
    """Return the densities that are learned from several numbers of points, beyond the line."""
    return [
        name
        for name in beyond_the_line()
        if len({n for run in trainings(name) for n in model_settings(name, run[1])["sizes"]}) > 2
    ]


def is_combined(name):
    """Return whether levels of a conditioned model are put together for the clean score."""
    entry = config["densities"][name]
    conditioned = "dae" in entry["train"]["models"]["conditioned"]
    bare = entry["kind"] == "curve" and not entry.get("thickness")
    return name in beyond_the_line() and conditioned and not bare


def figure_files():
    """Return every figure that the configuration asks for."""
    common = {
        "learned_error": on_the_line(),
        "plane_error": beyond_the_line(),
        "peers": compared_by_size(),
        "combinations": [name for name in beyond_the_line() if is_combined(name)],
    }
    stems = [figure for figure, densities in common.items() if densities]
    files = []
    for density, entry in config["densities"].items():
        sample = entry["sample"]
        probes = [name for name in ("differences", "far_starts") if sample[name]["models"]]
        for figure in [*entry["figures"], *sample["figures"], *probes]:
            if figure in ANIMATIONS:
                files.append(f"figures/{density}_{ANIMATIONS[figure]}.gif")
            else:
                stems.append(f"{density}_{figure}")
    stems += [f"images_{figure}" for figure in image_figures()]
    return files + [f"figures/{stem}.{kind}" for stem in stems for kind in ("pdf", "png")]


def image_figures():
    """Return the figures of the images that the configuration asks for."""
    if not IMAGES:
        return []
    names = ["denoising", "spectra", "tangents", "noise_levels", "energies"]
    names += ["symmetry"] if SEPARATE_IMAGE_MODELS else []
    return names + (["samples", "chains", "quality"] if DRAWN_IMAGE_MODELS else [])


def is_of_images(file):
    """Return whether a file is of the images, by its name."""
    return Path(file).name.startswith("images_")


def image_tables():
    """Return the tables of the images that no figure asks for."""
    return ["results/sample/images.csv"] if IMAGES else []


def claimed_tables():
    """Return the tables that the claims look into which this run can test."""
    return sorted({claim["table"] for claim in CLAIMS if is_testable(claim)})


def is_testable(claim):
    """Return whether a run of this size, with these densities and images, can test a claim."""
    target, images = claim.get("target"), claim.get("dataset")
    return (
        "why_not" not in claim
        and (target is None or target in config["densities"])
        and (images is None or bool(IMAGES) and IMAGES["dataset"] in (images, "auto"))
    )


def report_source(name):
    """Return the text of one of the files that the report is made of."""
    return (LIBRARY / "report" / name).read_text(encoding="utf-8")


def record_files():
    """Return the records of all jobs that a run of this configuration may have."""
    names, stages = config["densities"], ["data", "optimum", "score", "geometry", "sample"]
    files = expand("results/{stage}/{density}.json", stage=stages, density=names)
    for name in names:
        for run in trainings(name):
            files.append(f"results/train/{name}/{'_'.join(run)}.json")
            files += block_files(name, *run, ".json")
    if IMAGES:
        files += ["results/data/images.json", "results/score/images.json"]
        files += expand("results/train/images/{model}.json", model=IMAGE_MODELS)
        files += expand("results/sample/images/{model}.json", model=["judge", *DRAWN_IMAGE_MODELS])
        files += ["results/sample/images.json"]
    gathered = ["score/errors", "sample/diagnostics", "verify/claims"]
    return files + expand("results/{job}.json", job=gathered)
