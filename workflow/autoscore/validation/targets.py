"""Mistakes in a density, in its training and figures, and in image models."""

from collections.abc import Iterator
from typing import cast

from autoscore.data import training_points
from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.registry import KINDS, make_density
from autoscore.figures.declaration import Listed
from autoscore.figures.registry import FIGURES, listed
from autoscore.models.registry import MODELS
from autoscore.numerics.grids import noise_levels
from autoscore.validation.chains import sample_mistakes
from autoscore.validation.shared import OF_IMAGES, grid_mistakes, name_mistakes, refused
from autoscore.wording import shown

COMMON = {"kind", "figures", "baselines", "shown", "order_sigmas", "sample", "train"}  # to all
FEWEST = 3  # points of a file


def density_mistakes(key: str, entry: dict) -> Iterator[str]:
    """Yield what is wrong with a density itself."""
    kind = KINDS[entry["kind"]]
    foreign = set(entry) - kind.properties.keys() - COMMON
    for name in sorted(foreign):
        known = any(name in other.properties for other in KINDS.values())
        hint = "; a new density needs a name that config.yaml does not have" if known else ""
        own = ", ".join(sorted(kind.properties))
        yield f"{key}.{name} is not a key of kind {kind.name}; allowed are {own}{hint}"
    for one, other in kind.exactly_one_of:
        if (one in entry) == (other in entry):
            yield f"{key} is of kind {kind.name}; allowed: either {one} or {other}, not both"
            return
    for name in sorted({"columns", "missing", "scale"} & set(entry)) if "points" in entry else []:
        allowed = "with the path of a file, not with points"
        yield refused(f"{key}.{name}", entry[name], allowed)
        foreign.add(name)
    for name in ("means", "points"):
        if len(set(map(len, entry.get(name, [])))) > 1:
            yield refused(f"{key}.{name}", entry[name], "rows of one length")
            return
    if foreign:
        return
    try:
        make_density(entry).check_resolved()
    except ValueError as error:
        part = kind.key_at_fault(entry, str(error))
        yield f"{key}.{part} is {shown(entry[part])}; {error}"


def training_mistakes(key: str, entry: dict, density: Density) -> Iterator[str]:
    """Yield what is wrong with how, and with what, a density is trained and shown."""
    train = entry["train"]
    try:
        density.smoothed(noise_levels(train["sigmas"])[0])
    except ValueError as error:
        yield f"{key}.train.sigmas is {shown(train['sigmas'])}; {error}"
    if train["models"]["conditioned"]:
        yield from _level_mistakes(f"{key}.train", "conditioned", train["sigmas"])
    yield from _settings_mistakes(f"{key}.train", train, density)
    for name, variant in train["variants"].items():
        place = f"{key}.train.variants.{name}"
        yield from _settings_mistakes(place, variant, density)
        yield from _variant_mistakes(place, variant, density)
    if isinstance(density, KernelDensity):
        if entry["baselines"]:
            allowed = "none for samples, whose reference is a kernel density itself"
            yield refused(f"{key}.baselines", entry["baselines"], allowed)
        yield from _points_mistakes(key, entry, density)
    yield from _figure_mistakes(key, entry, density.dim)
    yield from sample_mistakes(f"{key}.sample", entry, density)


def image_mistakes(images: dict) -> Iterator[str]:
    """Yield what is wrong with the images and their models."""
    yield from grid_mistakes("images.sigmas", images["sigmas"])
    yield from name_mistakes("images.models", images["models"], OF_IMAGES)
    for name, model in images["models"].items():
        key = f"images.models.{name}"
        yield from grid_mistakes(f"{key}.sigmas", model["sigmas"])
        yield from _level_mistakes(key, model["kind"], model["sigmas"])
        if model["output"] == "sigmoid" and (model["tied"] or model["start"] != "random"):
            yield refused(f"{key}.output", "sigmoid", "linear, or untied weights and start: random")
    for name in images["sample"]["models"]:
        if name not in images["models"]:
            known = ", ".join(images["models"])
            yield f"images.sample.models has {shown(name)}; allowed: {known}"


def _level_mistakes(key: str, kind: str, sigmas: dict | list) -> Iterator[str]:
    """Yield whether a model that covers a range of noise levels is given one level alone."""
    if not MODELS[kind].separate and len(noise_levels(sigmas)) < 2:
        yield refused(f"{key}.sigmas", sigmas, f"two or more for {kind}")


def _settings_mistakes(key: str, settings: dict, density: Density) -> Iterator[str]:
    """Yield what is wrong with the settings of one training."""
    architecture, sizes = settings["architecture"], settings["sizes"]
    hidden = architecture["hidden"]
    if architecture["tied"] and len(hidden) > 1:
        yield refused(f"{key}.architecture.hidden", hidden, "one layer, because tied is true")
    yield from _optimiser_mistakes(key, settings)
    if density.dim > 1 and "exact" in sizes:
        instead = f"because d = {density.dim}, but numbers of points such as [1000, 10000]"
        yield refused(f"{key}.sizes", sizes, f"no exact, {instead}")
    if "all" in sizes and not isinstance(density, KernelDensity):
        yield refused(f"{key}.sizes", sizes, "no all, because any number of samples can be drawn")


def _optimiser_mistakes(key: str, settings: dict) -> Iterator[str]:
    """Yield what the way of training on samples does not go with."""
    kind = settings.get("kind", "separate")
    uses = MODELS[kind].uses.get("samples", ())
    optimiser = settings["optimiser"] if "optimiser" in uses else "adam"
    schedules = settings["schedules"]
    for source in ("samples", "conditioned"):
        if polish := schedules[source]["polish"]:
            allowed = "0, because the noise changes at every step"
            if optimiser == "bfgs":
                allowed = "0, because bfgs takes as many iterations as the schedule has steps"
            yield refused(f"{key}.schedules.{source}.polish", polish, allowed)
    goes_with = {"bfgs": ["fixed"], "least_squares": ["fixed", "fresh", "sobol"]}
    if settings["noise"] not in goes_with.get(optimiser, [settings["noise"]]):
        allowed = f"{' or '.join(goes_with[optimiser])} for {optimiser}"
        yield refused(f"{key}.noise", settings["noise"], allowed)
    drawn = [size for size in settings["sizes"] if size != "exact"]
    if optimiser != "adam" and settings["noise"] == "fixed" and len(drawn) > 1:
        yield refused(f"{key}.sizes", settings["sizes"], f"one of them for {optimiser}")
    if optimiser == "least_squares" and settings["architecture"]["tied"]:
        yield refused(
            f"{key}.architecture.tied", True, "false for least_squares, which solves for it"
        )
    if optimiser == "bfgs":
        yield from _recipe_mistakes(f"{key}.architecture", settings["architecture"])
    objectives = settings.get("objectives", settings.get("models", {}).get("separate", []))
    if optimiser != "adam" and set(objectives) - {"dae"}:
        yield refused(f"{key}.optimiser", optimiser, "adam, because the others minimise dae alone")
    if optimiser != "adam" and settings["warm_start"]:
        yield refused(f"{key}.warm_start", True, f"false for {optimiser}")


def _recipe_mistakes(key: str, architecture: dict) -> Iterator[str]:
    """Yield how a network differs from the one that the authors' recipe trains."""
    published = {"tied": False, "residual": "none", "activation": "tanh"}
    for part, value in published.items():
        if architecture[part] != value:
            yield refused(
                f"{key}.{part}", architecture[part], f"{str(value).lower()} for bfgs, as published"
            )
    if len(architecture["hidden"]) > 1:
        yield refused(f"{key}.hidden", architecture["hidden"], "one layer for bfgs, as published")


def _variant_mistakes(key: str, variant: dict, density: Density) -> Iterator[str]:
    """Yield what a variant of its kind, on this density, cannot be."""
    yield from grid_mistakes(f"{key}.sigmas", variant["sigmas"])
    model, objectives = MODELS[variant["kind"]], variant["objectives"]
    if unable := sorted(set(objectives) - set(model.objectives)):
        able = [name for name, other in MODELS.items() if unable[0] in other.objectives]
        yield refused(f"{key}.objectives", objectives, f"{unable[0]} for {' or '.join(able)} alone")
    yield from _level_mistakes(key, model.name, variant["sigmas"])
    if "exact" not in model.training and set(variant["sizes"]) == {"exact"}:
        yield refused(f"{key}.sizes", variant["sizes"], f"samples for {model.name}")
    if "ssm" in objectives and (density.dim == 1 or isinstance(density, KernelDensity)):
        allowed = "ssm only where the density is known and d > 1"
        yield refused(f"{key}.objectives", objectives, allowed)


def _figure_mistakes(key: str, entry: dict, d: int) -> Iterator[str]:
    """Yield which figures a density cannot have."""
    allowed = listed(entry["kind"], d)
    if not set(entry["figures"]) <= set(allowed):
        yield (
            f"{key}.figures is {shown(entry['figures'])}; allowed for kind {entry['kind']} with "
            f"d = {d} are: {', '.join(allowed) or 'none'}"
        )
    separate = sorted(
        name for name in entry["figures"] if cast(Listed, FIGURES[name].scope).needs_separate
    )
    if separate and not entry["train"]["models"]["separate"]:
        shows = f"since figures {' and '.join(separate)} show what separate auto-encoders learned"
        yield refused(f"{key}.train.models.separate", [], f"dae, rcae or both, {shows}")


def _points_mistakes(key: str, entry: dict, density: KernelDensity) -> Iterator[str]:
    """Yield what is wrong with a finite set of points."""
    sizes, held_out = entry["train"]["sizes"], entry["train"]["held_out"]
    figures, written = entry["figures"], "points" in entry
    n = len(density.points)
    available = n if written else training_points(n, held_out)
    if available < 1 or (n < FEWEST and not written):
        needed = f"at least {FEWEST}: to train on, to validate with and to hold out"
        yield refused(f"{key}.path", entry["path"], f"a file of more points, {needed}")
        return
    if density.dim == 1 and entry.get("scale", "none") != "none":
        yield f"{key}.scale is {entry['scale']}; allowed: none for one column; try sigmas: auto"
    if density.dim > 1 and written:
        instead = f"for d = {density.dim}, where some points are held out, give the path of a file"
        yield refused(f"{key}.points", entry["points"], f"points on a line; {instead}")
    elif any(isinstance(size, int) and size > available for size in sizes):
        yield refused(f"{key}.train.sizes", sizes, f"at most {available} points to train on")
    elif written and "held_out" in figures:
        allowed = "held_out only with the path of a file, since all of these points are trained on"
        yield refused(f"{key}.figures", figures, allowed)
    elif available == n and (density.dim > 1 or "held_out" in figures):
        allowed = f"more than {0.5 / n:.2g}, so that of {n} points at least one is held out"
        yield refused(f"{key}.train.held_out", held_out, allowed)
