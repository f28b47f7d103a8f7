"""Mistakes in a density itself, and in how it is trained on and shown."""

from collections.abc import Iterator

from autoscore.data import training_points
from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.registry import KINDS, make_density
from autoscore.figures.registry import FIGURES, listed
from autoscore.models.registry import MODELS
from autoscore.numerics.grids import noise_levels
from autoscore.validation.chains import sample_mistakes
from autoscore.validation.grids import grid_mistakes
from autoscore.wording import shown

COMMON = {
    "kind",
    "figures",
    "baselines",
    "shown",
    "order_sigmas",
    "sample",
    "train",
}  # to all kinds
FEWEST = 3  # points of a file


def density_mistakes(key: str, entry: dict) -> Iterator[str]:
    """Yield what is wrong with a density itself."""
    kind = KINDS[entry["kind"]]
    foreign = set(entry) - kind.properties.keys() - COMMON
    for name in sorted(foreign):
        renamed = any(name in other.properties for other in KINDS.values())
        hint = "; a new density needs a name that config.yaml does not have" if renamed else ""
        own = ", ".join(sorted(kind.properties))
        yield f"{key}.{name} is not a key of kind {kind.name}; allowed are {own}{hint}"
    for one, other in kind.exactly_one_of:
        if (one in entry) == (other in entry):
            yield f"{key} is of kind {kind.name}; allowed: either {one} or {other}, not both"
            return
    for name in sorted({"columns", "missing", "scale"} & set(entry)) if "points" in entry else []:
        yield (
            f"{key}.{name} is {shown(entry[name])}; "
            "allowed: with the path of a file, not with points"
        )
        foreign.add(name)
    for name in ("means", "points"):
        if len(set(map(len, entry.get(name, [])))) > 1:
            yield f"{key}.{name} is {shown(entry[name])}; allowed: rows of one length"
            return
    if foreign:
        return
    try:
        make_density(entry).check_resolved()
    except ValueError as error:
        part = kind.key_at_fault(entry, str(error))
        yield f"{key}.{part} is {shown(entry[part])}; {error}"


def figures_of_points(d: int, separate: bool, held_out: bool) -> list[str]:
    """Return the figures that a file of points has by itself.

    Parameters
    ----------
    d
        Its dimension.
    separate
        Whether separate auto-encoders are trained.
    held_out
        Whether points are held out.
    """
    return [
        name
        for name in listed("samples", d)
        if (separate or not FIGURES[name].scope.needs_separate) and (held_out or name != "held_out")
    ]


def training_mistakes(key: str, entry: dict, density: Density) -> Iterator[str]:
    """Yield what is wrong with how, and with what, a density is trained and shown."""
    train = entry["train"]
    try:
        density.smoothed(noise_levels(train["sigmas"])[0])
    except ValueError as error:
        yield f"{key}.train.sigmas is {shown(train['sigmas'])}; {error}"
    if train["models"]["conditioned"] and len(noise_levels(train["sigmas"])) < 2:
        yield (
            f"{key}.train.sigmas is {shown(train['sigmas'])}; allowed: two or more for conditioned"
        )
    yield from _settings_mistakes(f"{key}.train", train, density)
    for name, variant in train["variants"].items():
        place = f"{key}.train.variants.{name}"
        yield from _settings_mistakes(place, variant, density)
        yield from _variant_mistakes(place, variant)
        if "ssm" in variant["objectives"] and (
            density.dim == 1 or isinstance(density, KernelDensity)
        ):
            yield (
                f"{place}.objectives is {shown(variant['objectives'])}; allowed: ssm "
                "only where the density is known and d > 1"
            )
    if isinstance(density, KernelDensity):
        if entry["baselines"]:
            yield (
                f"{key}.baselines is {shown(entry['baselines'])}; allowed: none for samples, whose "
                "reference is a kernel density itself"
            )
        yield from _file_mistakes(key, entry, density)
    yield from _figure_mistakes(key, entry, density.dim)
    yield from sample_mistakes(f"{key}.sample", entry, density)


def _settings_mistakes(key: str, settings: dict, density: Density) -> Iterator[str]:
    """Yield what is wrong with the settings of one training."""
    architecture, sizes = settings["architecture"], settings["sizes"]
    if architecture["tied"] and len(architecture["hidden"]) > 1:
        yield (
            f"{key}.architecture.hidden is {shown(architecture['hidden'])}; allowed: one layer, "
            "because tied is true"
        )
    for source in ("samples", "conditioned"):
        polish = settings["schedules"][source]["polish"]
        if polish:
            yield (
                f"{key}.schedules.{source}.polish is {polish}; allowed: 0, because the "
                "noise changes at every step"
            )
    if density.dim > 1 and "exact" in sizes:
        yield (
            f"{key}.sizes is {shown(sizes)}; allowed: no exact, because d = "
            f"{density.dim}, but numbers of points such as [1000, 10000]"
        )
    if "all" in sizes and not isinstance(density, KernelDensity):
        yield f"{key}.sizes is {shown(sizes)}; allowed: no all, because its samples have no end"


def _variant_mistakes(key: str, variant: dict) -> Iterator[str]:
    """Yield what a variant of one kind cannot be."""
    yield from grid_mistakes(f"{key}.sigmas", variant["sigmas"])
    model, objectives = MODELS[variant["kind"]], variant["objectives"]
    if unable := sorted(set(objectives) - set(model.objectives)):
        able = [name for name, other in MODELS.items() if unable[0] in other.objectives]
        yield (
            f"{key}.objectives is {shown(objectives)}; "
            f"allowed: {unable[0]} for {' or '.join(able)} alone"
        )
    if not model.separate and len(noise_levels(variant["sigmas"])) < 2:
        yield f"{key}.sigmas is {shown(variant['sigmas'])}; allowed: two or more for {model.name}"
    if "exact" not in model.training and set(variant["sizes"]) == {"exact"}:
        yield f"{key}.sizes is {shown(variant['sizes'])}; allowed: samples for {model.name}"


def _figure_mistakes(key: str, entry: dict, d: int) -> Iterator[str]:
    """Yield which figures a density cannot have."""
    allowed = listed(entry["kind"], d)
    if not set(entry["figures"]) <= set(allowed):
        yield (
            f"{key}.figures is {shown(entry['figures'])}; allowed for kind {entry['kind']} with "
            f"d = {d} are: {', '.join(allowed) or 'none'}"
        )
    separate = sorted(name for name in entry["figures"] if FIGURES[name].scope.needs_separate)
    if separate and not entry["train"]["models"]["separate"]:
        yield (
            f"{key}.train.models.separate is []; allowed: dae, rcae or both, since figures "
            f"{' and '.join(separate)} show what separate auto-encoders learned"
        )


def _file_mistakes(key: str, entry: dict, density: KernelDensity) -> Iterator[str]:
    """Yield what is wrong with a finite set of points."""
    sizes, held_out = entry["train"]["sizes"], entry["train"]["held_out"]
    n = len(density.points)
    available = training_points(n, held_out) if "path" in entry else n
    if available < 1 or (n < FEWEST and "path" in entry):
        yield (
            f"{key}.path is {shown(entry['path'])}; allowed: a file of more points, at least "
            f"{FEWEST}: to train on, to validate with and to hold out"
        )
        return
    if density.dim == 1 and entry.get("scale", "none") != "none":
        yield f"{key}.scale is {entry['scale']}; allowed: none for one column; try sigmas: auto"
    if density.dim > 1 and "points" in entry:
        yield (
            f"{key}.points is {shown(entry['points'])}; allowed: points on a line; for those "
            f"with d = {density.dim}, of which some are held out, give the path of a file"
        )
    elif any(isinstance(size, int) and size > available for size in sizes):
        yield (
            f"{key}.train.sizes is {shown(sizes)}; allowed: at most {available} points to train on"
        )
    elif "points" in entry and "held_out" in entry["figures"]:
        yield (
            f"{key}.figures is {shown(entry['figures'])}; allowed: held_out only with the path of "
            "a file, since all of these points are trained on"
        )
    elif available == n and (density.dim > 1 or "held_out" in entry["figures"]):
        yield (
            f"{key}.train.held_out is {held_out}; allowed: more than {0.5 / n:.2g}, so that of {n} "
            "points one is held out at least"
        )
