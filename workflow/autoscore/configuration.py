"""Reading a configuration: defaults filled in, mistakes named before anything runs."""

import copy
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from autoscore.baselines import registry as baselines
from autoscore.data import training_points
from autoscore.densities.registry import add_to_schema, dimension, is_known, make_density
from autoscore.figures.declaration import Listed, Shared
from autoscore.figures.registry import figures_in_words, of_scope, schema_of_charts
from autoscore.models import registry as models
from autoscore.noise import fit_grids
from autoscore.samplers import registry as samplers
from autoscore.validation.files import (
    LARGEST,
    LOADER,
    expanded,
    file_mistakes,
    parts_of_value,
)
from autoscore.validation.grids import grid_mistakes
from autoscore.validation.images import image_mistakes
from autoscore.validation.names import OF_ALL_DENSITIES, OF_DENSITIES, name_mistakes
from autoscore.validation.schemas import resolved, schema_mistakes
from autoscore.validation.targets import density_mistakes, figures_of_points, training_mistakes
from autoscore.wording import shown

SCHEMA = Path(__file__).parents[1] / "schemas" / "config.schema.yaml"
MOST = 50  # mistakes that a message lists
SHOWN_SIGMA = 0.1  # noise level that figures show of a known density
STEPS = 500  # of a conditioned auto-encoder on the points of a file
UNKNOWN = [0.1, 1.0]  # stands for the noise grid of points that cannot be read


class ConfigurationError(ValueError):
    """A configuration that cannot be run; the message lists every mistake."""


def complete(config: dict, *, checked: bool = False) -> dict:
    """Return a configuration with all defaults filled in.

    Each density's ``train`` becomes the common one with the density's own differences.

    Parameters
    ----------
    config
        As read from the user's file.
    checked
        Whether it is known to make sense, as in a job of a run that has seen to it: only its form
        is looked at then.

    Raises
    ------
    ConfigurationError
        If a key is unknown or a value not allowed; each line names key, value and what is allowed.
    """
    schema = whole_schema()
    if math.isinf(expanded(config, parts_of_value)):
        endless = f"it holds itself, more than {LARGEST} values, or thousands of digits"
        raise ConfigurationError(_message([endless]))
    if not isinstance(config, dict):
        raise ConfigurationError(_message([f"it is {shown(config)}; allowed: keys with values"]))
    config = _without_nothing(config)
    mistakes = schema_mistakes(schema, config, "the configuration")
    if mistakes:
        raise ConfigurationError(_message(mistakes))
    common = config.get("train", {})
    usual = common.get("sizes", schema["$defs"]["train"]["properties"]["sizes"]["default"])
    for entry in config["densities"].values():
        sizes = {"sizes": _fitting_sizes(entry, usual)}
        entry["train"] = merge(merge(common, sizes), _own_training(entry))
        if not is_known(entry):
            entry.setdefault("baselines", [])  # a density by itself, points have no use for them
        _expand_variants(entry["train"])
    _fill(schema, config, schema)
    for entry in config["densities"].values():
        _fit_to_data(entry)
    mistakes = [] if checked else list(_semantic_mistakes(config))
    if mistakes:
        raise ConfigurationError(_message(mistakes))
    return _canonical(schema, config, schema)


def _own_training(entry: dict) -> dict:
    """Return what a density's entry says of its training, and what suits the points of a file."""
    own = entry.get("train", {})
    if "path" not in entry:
        return own
    suited = {"sigmas": "auto", "models": {"separate": ["dae"], "conditioned": ["dae"]}}
    # files have some hundreds of points, which longer trainings learn by heart
    return merge({"schedules": {"conditioned": {"steps": STEPS}}}, suited | own)


def _fit_to_data(entry: dict) -> None:
    """Fill in, in place, what depends on the points themselves."""
    try:
        fit_grids(entry)
        if "path" in entry:
            models = entry["train"]["models"]["separate"]
            n = len(make_density(entry).points)
            held_out = training_points(n, entry["train"]["held_out"]) < n
            entry.setdefault("figures", figures_of_points(dimension(entry), bool(models), held_out))
    except (ValueError, IndexError, KeyError, TypeError):  # a mistake in the entry, told later
        for part in (entry["train"], *entry["train"]["variants"].values()):
            if not isinstance(part["sigmas"], list):
                part["sigmas"] = UNKNOWN
    entry["shown"].setdefault("sigma", SHOWN_SIGMA)
    entry.setdefault("figures", [])


def check_files(paths: Iterable[str | Path]) -> None:
    """See whether files can be part of a configuration, before anything else reads them.

    Raises
    ------
    ConfigurationError
        If one cannot be read, is no YAML, or has a key twice; each line names the file.
    """
    mistakes = [line for path in paths for line in file_mistakes(path)]
    if mistakes:
        raise ConfigurationError(_message(mistakes))


def _fitting_sizes(entry: dict, usual: list) -> list:
    """Return what a density is trained on whose own entry does not say: what of the usual it can.

    A sample file is trained on as it is, and a density in several dimensions on draws alone.
    """
    if "path" in entry:
        return ["all"]
    try:
        several = dimension(entry) > 1
    except (IndexError, KeyError, TypeError):  # a mistake in the entry, which is told later
        several = False
    return [size for size in usual if size != "exact"] or usual if several else usual


def whole_schema() -> dict:
    """Return the schema, with what all kinds of things declare of themselves."""
    schema = copy.deepcopy(read_yaml(SCHEMA))
    names = schema["properties"]["densities"]["propertyNames"]
    reserved = [*OF_ALL_DENSITIES, *of_scope(Shared), "images"]
    told = ", ".join(reserved) + " nor what begins with images_"
    names["description"] = names["description"].format(reserved=told)
    names["pattern"] = names["pattern"].replace("{reserved}", "|".join(reserved))
    add_to_schema(schema["$defs"]["density"])
    baselines.add_to_schema(schema["$defs"]["density"])
    density = schema["$defs"]["density"]["properties"]
    density["figures"]["items"] = {"enum": list(of_scope(Listed))}
    density["figures"]["description"] += f" {figures_in_words()}"
    models.add_to_schema(schema)
    samplers.add_to_schema(schema["$defs"]["plan"])
    charts = schema["$defs"]["sample"]["properties"]["figures"]
    charts["properties"] = schema_of_charts()
    return schema


def read_yaml(path: str | Path) -> Any:
    """Return what a .yaml file holds: plain values, lists and dictionaries."""
    loader = LOADER(Path(path).read_text(encoding="utf-8"))
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _without_nothing(config: dict) -> dict:
    """Return a copy without the densities, variants, plans and their figures that are null."""
    config = copy.deepcopy(config)
    if config.get("images", {}) is None:
        del config["images"]
    named = [config.get("densities")]
    named += [_part(entry, "train", "variants") for entry in _values(named[0])]
    named.append(_part(config, "images", "models"))
    for part in ("plans", "figures"):
        named += [_part(entry, "sample", part) for entry in _values(named[0])]
    for mapping in [*named, _part(config, "train", "variants")]:
        if isinstance(mapping, dict):
            for name in [name for name, value in mapping.items() if value is None]:
                del mapping[name]
    return config


def _part(mapping: Any, *keys: str) -> Any:
    """Return what lies under a chain of keys, None if there is no such thing."""
    for key in keys:
        mapping = mapping.get(key) if isinstance(mapping, dict) else None
    return mapping


def _values(mapping: Any) -> list:
    return list(mapping.values()) if isinstance(mapping, dict) else []


def _expand_variants(train: dict) -> None:
    """Put under each variant, in place, all settings that it has in common with the others."""
    shared = {
        key: value
        for key, value in train.items()
        if key not in ("models", "variants", "validation", "held_out")
    }
    for name, variant in train.get("variants", {}).items():
        train["variants"][name] = merge(shared, variant)


def merge(base: dict, change: dict) -> dict:
    """Return `base` with the values of `change` put over it, dictionary by dictionary."""
    merged = copy.deepcopy(base)
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def _message(mistakes: list[str]) -> str:
    more = [f"and {len(mistakes) - MOST} more mistakes"] if len(mistakes) > MOST else []
    lines = (f"  {line}" for line in [*mistakes[:MOST], *more])
    return "\n".join(["The configuration cannot be run:", *lines])


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
    """Return a completed value with the schema's keys in the schema's order.

    Two configurations that mean the same then are the same, however files were put over one another
    and whichever of them named a default: Snakemake compares the text of parameters. What the user
    names keeps its order, which figures and tables follow.
    """
    schema = schema | resolved(schema, root)
    if isinstance(value, dict):
        schema = _form(schema, root)
        parts, extra = schema.get("properties", {}), schema.get("additionalProperties")
        ordered = [key for key in parts if key in value]
        ordered += [key for key in value if key not in parts]
        return {
            key: _canonical(parts.get(key, extra if isinstance(extra, dict) else {}), part, root)
            for key in ordered
            for part in [value[key]]
        }
    if isinstance(value, list):
        return [_canonical(schema.get("items", {}), part, root) for part in value]
    return value


def _form(schema: dict, root: dict) -> dict:
    """Return, of forms that a value may have, the one of a dictionary."""
    forms = [form | resolved(form, root) for form in schema.get("anyOf", [])]
    return next((form for form in forms if form.get("type") == "object"), schema)


def _semantic_mistakes(config: dict) -> Iterator[str]:
    """Yield what the schema cannot say."""
    yield from grid_mistakes("optimum.sigmas", config["optimum"]["sigmas"])
    yield from grid_mistakes("optimum.order_sigmas", config["optimum"]["order_sigmas"], 2)
    yield from grid_mistakes("figures.panel_sigmas", config["figures"]["panel_sigmas"])
    yield from grid_mistakes("train.sigmas", config["train"]["sigmas"])
    for key in ("solver_points", "plane_points"):
        points = config["optimum"][key]
        if points % 2 == 0:
            yield f"optimum.{key} is {points}; allowed: an odd number, so that it can be halved"
    yield from name_mistakes("densities", config["densities"], OF_DENSITIES)
    for name, entry in config["densities"].items():
        key = f"densities.{name}"
        if "order_sigmas" in entry:
            yield from grid_mistakes(f"{key}.order_sigmas", entry["order_sigmas"], 2)
        mistakes = list(density_mistakes(key, entry))
        yield from mistakes
        if not mistakes:
            yield from training_mistakes(key, entry, make_density(entry))
        if entry["train"]["sigmas"] != config["train"]["sigmas"]:
            yield from grid_mistakes(f"{key}.train.sigmas", entry["train"]["sigmas"])
    if "images" in config:
        yield from image_mistakes(config["images"])
