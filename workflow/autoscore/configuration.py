"""Reading a configuration: defaults filled in, mistakes named before anything runs."""

import copy
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from autoscore.baselines import registry as baselines
from autoscore.data import training_points
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.registry import add_to_schema, dimension, is_known, make_density
from autoscore.figures.declaration import Listed, Shared
from autoscore.figures.registry import FIGURES, figures_in_words, listed, of_scope, schema_of_charts
from autoscore.models import registry as models
from autoscore.noise import fit_grids
from autoscore.samplers import registry as samplers
from autoscore.validation.files import LARGEST, LOADER, file_mistakes, is_too_large, parts_of_value
from autoscore.validation.schemas import resolved, schema_mistakes
from autoscore.validation.shared import (
    OF_ALL_DENSITIES,
    OF_DENSITIES,
    grid_mistakes,
    name_mistakes,
    refused,
)
from autoscore.validation.targets import density_mistakes, image_mistakes, training_mistakes
from autoscore.wording import shown

SCHEMA = Path(__file__).parent / "schemas" / "config.schema.yaml"
MOST = 50  # mistakes that a message lists
SHOWN_SIGMA = 0.1  # noise level at which figures show a known density
STEPS = 500  # of a conditioned auto-encoder on the points of a file
UNKNOWN = [0.1, 1.0]  # stands for the noise grid of points that cannot be read


class ConfigurationError(ValueError):
    """A configuration that cannot be run; the message lists every mistake."""


def complete(config: dict, *, checked: bool = False) -> dict:
    """Return a configuration, as the user's file holds it, with all defaults filled in.

    Each density's ``train`` becomes the common one with the density's own differences. In the jobs
    of a run the configuration was `checked` before, so that only its form is checked again. Raises
    ConfigurationError if a key is unknown or a value not allowed, with a line for each.

    Examples
    --------
    >>> normal = {"kind": "mixture", "weights": [1], "means": [[0]], "standard_deviations": [1]}
    >>> config = complete({"densities": {"normal": normal}})
    >>> config["densities"]["normal"]["train"]["seeds"]
    5
    >>> complete({"densities": {"normal": normal | {"kind": "mixtures"}}})
    Traceback (most recent call last):
    autoscore.configuration.ConfigurationError: The configuration cannot be run:
      densities.normal.kind is 'mixtures'; allowed: ...
    """
    schema = whole_schema()
    if is_too_large(config, parts_of_value):
        _refuse([f"it holds itself, more than {LARGEST} values, or thousands of digits"])
    if not isinstance(config, dict):
        _refuse([f"it is {shown(config)}; allowed: keys with values"])
    config = _without_nulls(config)
    _refuse(schema_mistakes(schema, config, "the configuration"))
    common = config.get("train", {})
    usual = common.get("sizes", schema["$defs"]["train"]["properties"]["sizes"]["default"])
    for entry in config["densities"].values():
        entry["train"] = merge(common | {"sizes": _fitting_sizes(entry, usual)}, _own_train(entry))
        if not is_known(entry):
            entry.setdefault("baselines", [])  # points, and densities that are them, need none
        _expand_variants(entry["train"])
    _fill(schema, config, schema)
    for entry in config["densities"].values():
        _fit_to_data(entry)
    _refuse([] if checked else list(_semantic_mistakes(config)))
    return _canonical(schema, config, schema)


def check_files(paths: Iterable[str | Path]) -> None:
    """Raise ConfigurationError if a file is no YAML, has a key twice or cannot be read."""
    _refuse([line for path in paths for line in file_mistakes(path)])


def _refuse(mistakes: list[str]) -> None:
    """Raise ConfigurationError if there are mistakes."""
    if mistakes:
        more = [f"and {len(mistakes) - MOST} more mistakes"] if len(mistakes) > MOST else []
        lines = ["The configuration cannot be run:", *mistakes[:MOST], *more]
        raise ConfigurationError("\n  ".join(lines))


def shipped(name: str) -> Path:
    """Return where a file of the project's ``config/`` is, such as ``claims.yaml``.

    An installed library has a copy of all but the user's examples.

    Examples
    --------
    >>> config = complete(read_yaml(shipped("config.yaml")))
    >>> "eight_gaussians" in config["densities"]
    True
    """
    installed = Path(__file__).parent / "config"
    folder = installed if installed.is_dir() else Path(__file__).parents[2] / "config"
    return folder / name


def read_yaml(path: str | Path) -> Any:
    """Return what a .yaml file holds: plain values, lists and dictionaries."""
    loader = LOADER(Path(path).read_text(encoding="utf-8"))
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def whole_schema() -> dict:
    """Return the schema, with what all registries declare."""
    schema = copy.deepcopy(read_yaml(SCHEMA))
    names = schema["properties"]["densities"]["propertyNames"]
    reserved = [*OF_ALL_DENSITIES, *of_scope(Shared), "images"]
    told = ", ".join(reserved) + " nor what begins with images_"
    names["description"] = names["description"].format(reserved=told)
    names["pattern"] = names["pattern"].replace("{reserved}", "|".join(reserved))
    density = schema["$defs"]["density"]
    add_to_schema(density)
    baselines.add_to_schema(density)
    density["properties"]["figures"]["items"] = {"enum": list(of_scope(Listed))}
    density["properties"]["figures"]["description"] += f" {figures_in_words()}"
    models.add_to_schema(schema)
    samplers.add_to_schema(schema["$defs"]["plan"])
    schema["$defs"]["sample"]["properties"]["figures"]["properties"] = schema_of_charts()
    return schema


def merge(base: dict, change: dict) -> dict:
    """Return `base` with the values of `change` put over it, dictionary by dictionary."""
    merged = copy.deepcopy(base)
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


# --- what depends on the density ------------------------------------------------


def _own_train(entry: dict) -> dict:
    """Return a density's own training settings, with what suits the points of a file."""
    own = entry.get("train", {})
    if "path" not in entry:
        return own
    suited = {"sigmas": "auto", "models": {"separate": ["dae"], "conditioned": ["dae"]}}
    # files have some hundreds of points, which longer trainings learn by heart
    return merge({"schedules": {"conditioned": {"steps": STEPS}}}, suited | own)


def _fitting_sizes(entry: dict, usual: list) -> list:
    """Return those of the usual sizes that a density can be trained on."""
    if "path" in entry:
        return ["all"]
    try:
        several = dimension(entry) > 1
    except (IndexError, KeyError, TypeError):  # a mistake in the entry, reported later
        several = False
    return [size for size in usual if size != "exact"] or usual if several else usual


def _expand_variants(train: dict) -> None:
    """Give each variant, in place, all settings that it shares with the others."""
    others = ("models", "variants", "validation", "held_out")
    shared = {key: value for key, value in train.items() if key not in others}
    for name, variant in train.get("variants", {}).items():
        train["variants"][name] = merge(shared, variant)


def _fit_to_data(entry: dict) -> None:
    """Fill in, in place, what depends on the points themselves."""
    try:
        fit_grids(entry)
        if "path" in entry:
            entry.setdefault("figures", _figures_of_file(entry))
    except (ValueError, IndexError, KeyError, TypeError):  # a mistake in the entry, reported later
        for part in (entry["train"], *entry["train"]["variants"].values()):
            if not isinstance(part["sigmas"], list):
                part["sigmas"] = UNKNOWN
    entry["shown"].setdefault("sigma", SHOWN_SIGMA)
    entry.setdefault("figures", [])


def _figures_of_file(entry: dict) -> list[str]:
    """Return all figures that a file of points can have."""
    separate = entry["train"]["models"]["separate"]
    n = len(cast(KernelDensity, make_density(entry)).points)
    held_out = training_points(n, entry["train"]["held_out"]) < n
    return [
        name
        for name in listed("samples", dimension(entry))
        if (separate or not cast(Listed, FIGURES[name].scope).needs_separate)
        and (held_out or name != "held_out")
    ]


# --- nulls, defaults and the order of keys ----------------------------------------


def _without_nulls(config: dict) -> dict:
    """Return a copy without the named parts that are null: densities, variants, models, plans."""
    config = copy.deepcopy(config)
    if config.get("images", {}) is None:
        del config["images"]
    entries = config.get("densities")
    named = [entries, _part(config, "images", "models"), _part(config, "train", "variants")]
    for entry in entries.values() if isinstance(entries, dict) else ():
        named += [_part(entry, "train", "variants")]
        named += [_part(entry, "sample", "plans"), _part(entry, "sample", "figures")]
    for mapping in named:
        if isinstance(mapping, dict):
            for name in [name for name, value in mapping.items() if value is None]:
                del mapping[name]
    return config


def _part(mapping: Any, *keys: str) -> Any:
    """Return what lies under a chain of keys, None if there is no such thing."""
    for key in keys:
        mapping = mapping.get(key) if isinstance(mapping, dict) else None
    return mapping


def _fill(schema: dict, value: Any, root: dict) -> None:
    """Put the schema's defaults into `value`, in place; defaults of sections lie under them."""
    schema = schema | resolved(schema, root)
    if not isinstance(value, dict):
        return
    for key, part in schema.get("properties", {}).items():
        part = resolved(part, root) | part
        default = copy.deepcopy(part.get("default"))
        if isinstance(default, dict) and isinstance(value.get(key), dict):
            value[key] = merge(default, value[key])
        elif "default" in part:
            value.setdefault(key, default)
        if key in value:
            _fill(part, value[key], root)
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        for part in value.values():
            _fill(extra, part, root)


def _canonical(schema: dict, value: Any, root: dict) -> Any:
    """Return a value with the schema's keys in its order: Snakemake compares params as text."""
    schema = schema | resolved(schema, root)
    if isinstance(value, list):
        return [_canonical(schema.get("items", {}), part, root) for part in value]
    if not isinstance(value, dict):
        return value
    forms = [form | resolved(form, root) for form in schema.get("anyOf", [])]
    schema = next((form for form in forms if form.get("type") == "object"), schema)
    parts, extra = schema.get("properties", {}), schema.get("additionalProperties")
    extra = extra if isinstance(extra, dict) else {}
    # names given by the user keep their order, which figures and tables follow
    keys = [key for key in parts if key in value] + [key for key in value if key not in parts]
    return {key: _canonical(parts.get(key, extra), value[key], root) for key in keys}


def _semantic_mistakes(config: dict) -> Iterator[str]:
    """Yield what the schema cannot say."""
    optimum, sigmas = config["optimum"], config["train"]["sigmas"]
    yield from grid_mistakes("optimum.sigmas", optimum["sigmas"])
    yield from grid_mistakes("optimum.order_sigmas", optimum["order_sigmas"], 2)
    yield from grid_mistakes("figures.panel_sigmas", config["figures"]["panel_sigmas"])
    yield from grid_mistakes("train.sigmas", sigmas)
    for key in ("solver_points", "plane_points"):
        if optimum[key] % 2 == 0:
            yield refused(f"optimum.{key}", optimum[key], "an odd number, so that it can be halved")
    yield from name_mistakes("densities", config["densities"], OF_DENSITIES)
    for name, entry in config["densities"].items():
        key = f"densities.{name}"
        if "order_sigmas" in entry:
            yield from grid_mistakes(f"{key}.order_sigmas", entry["order_sigmas"], 2)
        mistakes = list(density_mistakes(key, entry))
        yield from mistakes
        if not mistakes:
            yield from training_mistakes(key, entry, make_density(entry))
        if entry["train"]["sigmas"] != sigmas:
            yield from grid_mistakes(f"{key}.train.sigmas", entry["train"]["sigmas"])
    if "images" in config:
        yield from image_mistakes(config["images"])
