"""What a run consists of: pure functions from a completed configuration to jobs and files.

Every function takes the whole configuration, as `autoscore.configuration.complete` returned it, and
most take the name of a density. The rules in ``workflow/rules`` call them, and nothing here knows
Snakemake. `autoscore.figures.registry` knows which figures a run has.
"""

import math
from collections.abc import Callable, Iterator, Mapping

from autoscore import shards
from autoscore.densities.registry import dimension, is_degenerate, is_known
from autoscore.models.registry import MODELS
from autoscore.numerics.grids import noise_levels

LEARNED = {"learned", "extrapolated"}  # fields that drive chains and were trained
PROBES = ("differences", "far_starts", "metropolis")  # of fields, beside plans of chains
# keys of a density's entry that do not describe the density itself
OWN = ("train", "figures", "baselines", "shown", "order_sigmas", "sample")
IMAGE_SOURCES = ("dataset", "path", "mirrors", "timeout", "retries")

Training = tuple[str, str, str]  # objective, model, source


def without(entry: Mapping, *keys: str) -> dict:
    """Drop keys that a rule does not use, so that they do not trigger a rerun."""
    return {key: value for key, value in entry.items() if key not in keys}


# the densities


def target_settings(config: Mapping, density: str) -> dict:
    """Return what describes a density itself."""
    return without(config["densities"][density], *OWN)


def sample_file(config: Mapping, density: str) -> list[str]:
    """Return the user's file of points that a density stands for, if it is one."""
    entry = config["densities"][density]
    return [entry["path"]] if "path" in entry else []


def is_solved(config: Mapping, density: str) -> bool:
    """Return whether both optima are solved: the density is known, and d is 1 or 2."""
    entry = config["densities"][density]
    return dimension(entry) <= 2 and is_known(entry) and not is_degenerate(entry)


def is_solved_in_the_plane(config: Mapping, density: str) -> bool:
    """Return whether both optima are solved in two dimensions."""
    return is_solved(config, density) and dimension(config["densities"][density]) == 2


def is_solved_on_the_line(config: Mapping, density: str) -> bool:
    """Return whether both optima are solved in one dimension."""
    return is_solved(config, density) and dimension(config["densities"][density]) == 1


def order_window(config: Mapping, density: str) -> object:
    """Return the noise levels at which the order of convergence is fitted, None if it is not."""
    entry = config["densities"][density]
    default = config["optimum"]["order_sigmas"] if dimension(entry) == 1 else None
    return entry.get("order_sigmas", default)


def ordered(config: Mapping) -> list[str]:
    """Return the densities on which the order of convergence is fitted."""
    names = config["densities"]
    return [name for name in names if is_solved(config, name) and order_window(config, name)]


def solved_files(config: Mapping, density: str) -> list[str]:
    """Return the stored solution of a density in the plane and its bias, if it is solved."""
    stem = f"results/optimum/{density}"
    return [f"{stem}.npz", f"{stem}.csv"] if is_solved_in_the_plane(config, density) else []


def on_the_line(config: Mapping) -> list[str]:
    """Return the one-dimensional densities whose errors are drawn over several noise levels."""
    return [
        name
        for name, entry in config["densities"].items()
        if dimension(entry) == 1 and len(noise_levels(entry["train"]["sigmas"])) > 1
    ]


def beyond_the_line(config: Mapping) -> list[str]:
    """Return the densities in two and more dimensions whose score under noise is known."""
    entries = config["densities"].items()
    return [name for name, entry in entries if dimension(entry) > 1 and is_known(entry)]


def compared_by_size(config: Mapping) -> list[str]:
    """Return the densities beyond the line that are learned from three or more sample sizes."""

    def sizes(name: str) -> set:
        models = {model for _, model, _ in trainings(config, name)}
        return {size for one in models for size in model_settings(config, name, one)["sizes"]}

    return [name for name in beyond_the_line(config) if len(sizes(name)) > 2]


def combined(config: Mapping) -> list[str]:
    """Return the densities whose clean score several levels of a conditioned model estimate."""
    return [
        name
        for name in beyond_the_line(config)
        if "dae" in config["densities"][name]["train"]["models"]["conditioned"]
        and not is_degenerate(config["densities"][name])
    ]


def explored(config: Mapping) -> list[str]:
    """Return the densities whose fields the report lets a reader move through the noise levels."""
    return [
        name
        for name, entry in config["densities"].items()
        if dimension(entry) == 1 or "quiver" in entry["figures"]
    ]


# trainings


def model_settings(config: Mapping, density: str, model: str) -> dict:
    """Return the kind of a model and all settings of its training."""
    train = config["densities"][density]["train"]
    if model in train["variants"]:
        return train["variants"][model]
    objectives = train["models"][model]
    return without(train, "variants") | {"kind": model, "objectives": objectives}


def training_settings(config: Mapping, density: str, model: str, source: str) -> dict:
    """Return exactly what one training depends on."""
    settings = model_settings(config, density, model)
    kind = MODELS[settings["kind"]]
    schedule = kind.schedules[source]
    used = {key: settings[key] for key in settings if key in kind.uses[source]}
    return used | {"schedules": {schedule: settings["schedules"][schedule]}}


def trainings(config: Mapping, density: str) -> list[Training]:
    """Return everything that is trained on a density."""
    train, runs = config["densities"][density]["train"], []
    for model in [*train["models"], *train["variants"]]:
        settings = model_settings(config, density, model)
        asked = {"exact": "exact" in settings["sizes"], "samples": settings["sizes"] != ["exact"]}
        sources = [name for name in MODELS[settings["kind"]].training if asked[name]]
        runs += [(what, model, source) for what in settings["objectives"] for source in sources]
    return runs


def weights(density: str, training: Training) -> str:
    """Return the file of one training's weights."""
    return f"results/train/{density}/{'_'.join(training)}.safetensors"


def trained_files(config: Mapping, density: str) -> list[str]:
    """Return the weights of everything that is trained on a density."""
    return [weights(density, training) for training in trainings(config, density)]


def training_shards(config: Mapping, density: str, model: str, source: str) -> list[list[int]]:
    """Return the members of each shard that one training is divided into."""
    settings = model_settings(config, density, model)
    return shards.divide(settings, source, settings["shard"])


def shard_files(config: Mapping, density: str, training: Training, suffix: str) -> list[str]:
    """Return one file of each shard of a training; none if it is not divided."""
    count = len(training_shards(config, density, *training[1:]))
    folder = f"results/train/{density}/{'_'.join(training)}"
    return [f"{folder}/{shard}{suffix}" for shard in range(count)] if count > 1 else []


# chains


def sampled(config: Mapping) -> list[str]:
    """Return the densities with chains, or with fields that chains probe."""
    return [
        name
        for name, entry in config["densities"].items()
        if entry["sample"]["plans"] or any(entry["sample"][probe]["models"] for probe in PROBES)
    ]


def sampled_trainings(config: Mapping, density: str) -> list[Training]:
    """Return the trained models that drive chains."""
    sample = config["densities"][density]["sample"]
    plans = [plan for plan in sample["plans"].values() if set(plan["fields"]) & LEARNED]
    asked = [*plans, *(sample[probe] for probe in PROBES)]
    models = dict.fromkeys(model for one in asked for model in one["models"])
    return [("dae", model, "samples") for model in models]


def sampled_files(config: Mapping, density: str) -> list[str]:
    """Return their weights."""
    return [weights(density, training) for training in sampled_trainings(config, density)]


def sample_tables(config: Mapping) -> list[str]:
    """Return the tables of all chains, if there are any."""
    names = ("diagnostics", "samplers") if sampled(config) else ()
    return [f"results/sample/{name}.csv" for name in names]


# images


def image_models(config: Mapping) -> list[str]:
    """Return the models that are trained on images."""
    return list(config["images"]["models"]) if config.get("images") else []


def drawn_image_models(config: Mapping) -> list[str]:
    """Return the models from which images are drawn."""
    return config["images"]["sample"]["models"] if config.get("images") else []


def separate_image_models(config: Mapping) -> list[str]:
    """Return the models of images that have one auto-encoder per noise level."""
    return [
        name
        for name in image_models(config)
        if MODELS[config["images"]["models"][name]["kind"]].separate
    ]


def image_tables(config: Mapping) -> list[str]:
    """Return the image tables that no figure reads."""
    return ["results/sample/images.csv"] if config.get("images") else []


# jobs: what each depends on besides its files, as Snakemake compares it


def _data(config: Mapping, density: str) -> dict:
    train = config["densities"][density]["train"]
    needed = {key: train[key] for key in ("seeds", "sizes", "validation", "held_out")}
    needed["variants"] = {
        name: {key: variant[key] for key in ("seeds", "sizes")}
        for name, variant in train["variants"].items()
    }
    entry = target_settings(config, density) | {"train": needed}
    return {"seed": config["seed"], "entry": entry}


def _optimum(config: Mapping, density: str) -> dict:
    entry, optimum = config["densities"][density], config["optimum"]
    # in the plane it is solved at the noise levels of the training
    if dimension(entry) == 2:
        settings, levels = {"plane_points": optimum["plane_points"]}, entry["train"]["sigmas"]
    else:
        settings, levels = without(optimum, "plane_points", "order_sigmas"), None
    return {
        "entry": target_settings(config, density),
        "settings": settings,
        "levels": levels,
        "window": order_window(config, density),
    }


def _rounding(config: Mapping) -> dict:
    """Return no parameter without rounding, so that a run without it stays as it was."""
    return {} if config["rounding"] is None else {"rounding": config["rounding"]}


def _train(config: Mapping, density: str, _: str, model: str, source: str, *shard: str) -> dict:
    return _rounding(config) | {
        "seed": config["seed"],
        "entry": target_settings(config, density),
        "settings": training_settings(config, density, model, source),
        "shard": model_settings(config, density, model)["shard"],
    }


def _measuring(config: Mapping, density: str, settings: dict, learned: list[Training]) -> dict:
    return {
        "seed": config["seed"],
        "entry": target_settings(config, density),
        "settings": settings,
        "trainings": learned,
    }


def _measured(entry: Mapping) -> dict:
    """Return the noise grid, and the network whose first weights are a null model."""
    return {key: entry["train"][key] for key in ("sigmas", "architecture")}


def _score(config: Mapping, density: str) -> dict:
    entry = config["densities"][density]
    settings = _measured(entry) | {"baselines": entry["baselines"]}
    return _measuring(config, density, settings, trainings(config, density))


def _geometry(config: Mapping, density: str) -> dict:
    entry = config["densities"][density]
    settings = _measured(entry)
    if dimension(entry) == 1:
        settings |= {"points": config["optimum"]["points"]}
    else:
        settings |= {"shown": entry["shown"], "figures": entry["figures"]}
    return _measuring(config, density, settings, trainings(config, density))


def _sample(config: Mapping, density: str) -> dict:
    entry = config["densities"][density]
    settings = without(entry["sample"], "figures")
    settings |= {"architecture": entry["train"]["architecture"]}
    return _measuring(config, density, settings, sampled_trainings(config, density))


def _data_images(config: Mapping) -> dict:
    return {"settings": {key: config["images"][key] for key in IMAGE_SOURCES}}


def _train_images(config: Mapping, model: str) -> dict:
    images = config["images"]
    settings = images["models"][model]
    uses = MODELS[settings["kind"]].image_settings
    used = {key: value for key, value in settings.items() if key in uses}
    used["shown"] = math.ceil(settings["shown"] * images["budget"])
    given = {"seed": config["seed"], "settings": used, "device": images["device"]}
    return _rounding(config) | given


def _score_images(config: Mapping) -> dict:
    used = ("sigmas", "shown_sigma", "held_out", "device")
    settings = {key: config["images"][key] for key in used}
    return {"seed": config["seed"], "models": image_models(config), "settings": settings}


def _sample_classifier(config: Mapping) -> dict:
    given = {"seed": config["seed"], "held_out": config["images"]["held_out"]}
    return _rounding(config) | given


def _sample_images(config: Mapping, _: str) -> dict:
    images = config["images"]
    return {"seed": config["seed"], "settings": images["sample"], "device": images["device"]}


PARAMETERS: dict[
    str, Callable[..., dict]
] = {  # by rule, each from a configuration and the rule's wildcards in their order
    "data": _data,
    "optimum": _optimum,
    "train": _train,
    "train_shard": _train,
    "score": _score,
    "geometry": _geometry,
    "sample": _sample,
    "data_images": _data_images,
    "train_images": _train_images,
    "score_images": _score_images,
    "sample_classifier": _sample_classifier,
    "sample_images": _sample_images,
}


def jobs(config: Mapping) -> Iterator[tuple[str, ...]]:
    """Yield rule and wildcards of every job of `PARAMETERS` that a run may need."""
    for name in config["densities"]:
        yield from (("data", name), ("score", name), ("geometry", name))
        if is_solved(config, name):
            yield "optimum", name
        if name in sampled(config):
            yield "sample", name
        for training in trainings(config, name):
            yield "train", name, *training
            count = len(shard_files(config, name, training, ""))
            yield from (("train_shard", name, *training, str(shard)) for shard in range(count))
    if config.get("images"):
        yield from (("data_images",), ("score_images",), ("sample_classifier",))
        yield from (("train_images", model) for model in image_models(config))
        yield from (("sample_images", model) for model in drawn_image_models(config))


def parameters(config: Mapping) -> dict[tuple[str, ...], dict]:
    """Return what each of these jobs depends on besides its files."""
    return {(rule, *of): PARAMETERS[rule](config, *of) for rule, *of in jobs(config)}


# records


def record_files(config: Mapping) -> list[str]:
    """Return the records of all jobs that a run may have."""
    training = "train/{}/{}_{}_{}"
    named = {
        "data": "data/{}",
        "optimum": "optimum/{}",
        "score": "score/{}",
        "geometry": "geometry/{}",
        "sample": "sample/{}",
        "train": training,
        "train_shard": f"{training}/{{}}",
        "data_images": "data/images",
        "train_images": "train/images/{}",
        "score_images": "score/images",
        "sample_classifier": "sample/images/classifier",
        "sample_images": "sample/images/{}",
    }
    files = [named[rule].format(*of) for rule, *of in jobs(config)]
    files += ["sample/images"] if config.get("images") else []
    files += ["score/errors", "sample/diagnostics", "verify/places"]
    return [f"results/{file}.json" for file in files]
