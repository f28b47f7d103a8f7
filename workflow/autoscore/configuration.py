"""Reading a configuration: defaults filled in, mistakes named before anything runs."""

import copy
import difflib
import math
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from autoscore.data import training_points
from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.registry import make_density
from autoscore.grids import noise_levels
from autoscore.sampling.names import ACCEPTANCE, DESCENTS

SCHEMA = Path(__file__).parents[1] / "schemas" / "config.schema.yaml"


KINDS = {  # the keys that describe a density of each kind
    "mixture": {"weights", "means", "covariances", "standard_deviations"},
    "curve_mixture": {"dimension", "components", "curve_seed"},
    "energy": {"expression", "bounds"},
    "curve": {"coordinates", "interval", "thickness"},
    "samples": {"path", "points"},
}
ALTERNATIVES = (("path", "points"), ("covariances", "standard_deviations"))
SMOOTH = KINDS.keys() - {"samples"}
FIGURES = {  # the dimension and the kinds of density that each is for
    "density": (1, SMOOTH),
    "optimum": (1, SMOOTH),
    "animation": (1, SMOOTH),
    "bias": (1, SMOOTH),
    "reconstruction": (1, SMOOTH),
    "losses": (1, SMOOTH),
    "field": (1, KINDS.keys()),
    "quiver": (2, KINDS.keys()),
    "map": (2, SMOOTH),
    "shape": (2, SMOOTH),
    "tangent": (2, {"curve"}),
}
SAMPLE_FIGURES = {  # the dimensions that each is for
    "samples": (2,),
    "pairs": range(3, 1_000_000),
    "levels": range(1, 1_000_000),
    "steps": range(1, 1_000_000),
    "traces": range(1, 1_000_000),
    "relaxation": (2,),
    "comparison": range(1, 1_000_000),
}


class ConfigurationError(ValueError):
    """A configuration that cannot be run; the message lists every mistake."""


def complete(config: dict) -> dict:
    """Return a configuration with all defaults filled in.

    Each density's ``train`` becomes the common one with the density's own differences.

    Parameters
    ----------
    config
        As read from the user's file.

    Raises
    ------
    ConfigurationError
        If a key is unknown or a value not allowed; each line names key, value and what is allowed.
    """
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    config = _without_nothing(config)
    explained = (line for error in _errors(schema, config) for line in _explain(error))
    mistakes = list(dict.fromkeys(explained))
    if mistakes:
        raise ConfigurationError(_message(mistakes))
    common = config.get("train", {})
    for entry in config["densities"].values():
        # a sample file is trained on as it is, unless its own entry says otherwise
        whole = {"sizes": ["all"]} if "path" in entry else {}
        entry["train"] = merge(merge(common, whole), entry.get("train", {}))
        _expand_variants(entry["train"])
    _fill(schema, config, schema)
    mistakes = list(_semantic_mistakes(config))
    if mistakes:
        raise ConfigurationError(_message(mistakes))
    return config


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
    return "\n".join(["The configuration cannot be run:", *(f"  {line}" for line in mistakes)])


def _errors(schema: dict, config: Any) -> list[ValidationError]:
    # 2.0 is no whole number here, and neither nan nor an infinity is a number
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool),
            "number": lambda _, value: (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and math.isfinite(value)
            ),
        }
    )
    strict = validators.extend(Draft202012Validator, type_checker=types)
    return sorted(strict(schema).iter_errors(config), key=lambda e: list(map(str, e.path)))


def _explain(error: ValidationError) -> list[str]:
    """Say which key has which value, and what is allowed; unknown keys get a line each."""
    key = ".".join(map(str, error.absolute_path))
    match error.validator:
        case "additionalProperties":
            known = sorted(error.schema["properties"])
            unknown = sorted(set(map(str, error.instance)) - set(known))
            return [_unknown_key(f"{key}." if key else "", name, known) for name in unknown]
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            return [f"{key or 'the configuration'} lacks {', '.join(missing)}"]
        case "enum":
            allowed = f"one of {', '.join(map(str, error.validator_value))}"
        case "type" if "description" not in error.schema:
            allowed = f"of type {error.validator_value}"
        case _:
            allowed = error.schema.get("description", error.message)
    if "propertyNames" in error.absolute_schema_path:
        return [f"{key}: {error.instance!r} is not a name; allowed: {allowed}"]
    return [f"{key} is {error.instance!r}; allowed: {allowed}"]


def _unknown_key(place: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{place}{name} is not a key; {hint}allowed are {', '.join(known)}"


def _fill(schema: dict, value: Any, root: dict) -> None:
    """Put the schema's defaults into `value`, in place; defaults of sections lie under them."""
    schema = schema | _resolve(schema, root)
    if not isinstance(value, dict):
        return
    for key, part in schema.get("properties", {}).items():
        part = _resolve(part, root) | part
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


def _resolve(schema: dict, root: dict) -> dict:
    """Return what the schema's reference points to, {} if it has none."""
    if "$ref" not in schema:
        return {}
    return reduce(getitem, schema["$ref"].removeprefix("#/").split("/"), root)


def _semantic_mistakes(config: dict) -> Iterator[str]:
    """Yield what the schema cannot say."""
    yield from _grid_mistakes("optimum.sigmas", config["optimum"]["sigmas"])
    yield from _grid_mistakes("optimum.order_sigmas", config["optimum"]["order_sigmas"])
    yield from _grid_mistakes("figures.panel_sigmas", config["figures"]["panel_sigmas"])
    yield from _grid_mistakes("train.sigmas", config["train"]["sigmas"])
    for key in ("solver_points", "plane_points"):
        points = config["optimum"][key]
        if points % 2 == 0:
            yield f"optimum.{key} is {points}; allowed: an odd number, so that it can be halved"
    for name, entry in config["densities"].items():
        key = f"densities.{name}"
        if "order_sigmas" in entry:
            yield from _grid_mistakes(f"{key}.order_sigmas", entry["order_sigmas"])
        mistakes = list(_density_mistakes(key, entry))
        yield from mistakes
        if not mistakes:
            yield from _training_mistakes(key, entry, make_density(entry))
        if entry["train"]["sigmas"] != config["train"]["sigmas"]:
            yield from _grid_mistakes(f"{key}.train.sigmas", entry["train"]["sigmas"])
    if "images" in config:
        yield from _image_mistakes(config["images"])
        if "images" in config["densities"]:
            yield "densities.images is given; allowed: another name, the images have this one"


def _image_mistakes(images: dict) -> Iterator[str]:
    """Yield what is wrong with the images and their models."""
    yield from _grid_mistakes("images.sigmas", images["sigmas"])
    models = images.get("models", {})
    for name, model in models.items():
        key = f"images.models.{name}"
        yield from _grid_mistakes(f"{key}.sigmas", model["sigmas"])
        if model["kind"] == "conditioned" and len(noise_levels(model["sigmas"])) < 2:
            yield f"{key}.sigmas is {model['sigmas']!r}; allowed: two or more for conditioned"
    for name in images["sample"]["models"]:
        if name not in models:
            known = ", ".join(models) or "none"
            yield f"images.sample.models has {name!r}; allowed: {known}"


def _grid_mistakes(key: str, grid: dict | list) -> Iterator[str]:
    if isinstance(grid, dict) and not grid["low"] < grid["high"]:
        yield f"{key} is {grid!r}; allowed: low < high"
    elif isinstance(grid, list) and (np.diff(grid) <= 0).any():
        yield f"{key} is {grid!r}; allowed: noise levels in increasing order, none twice"


def _density_mistakes(key: str, entry: dict) -> Iterator[str]:
    """Yield what is wrong with a density itself."""
    kind = entry["kind"]
    foreign = (
        set(entry)
        - KINDS[kind]
        - {"kind", "figures", "peers", "shown", "order_sigmas", "sample", "train"}
    )
    for name in sorted(foreign):
        own = ", ".join(sorted(KINDS[kind]))
        yield f"{key}.{name} is not a key of kind {kind}; allowed are {own}"
    for one, other in ALTERNATIVES:
        if {one, other} <= KINDS[kind] and (one in entry) == (other in entry):
            yield f"{key} is of kind {kind}; allowed: either {one} or {other}, not both"
            return
    for name in ("means", "points"):
        if len(set(map(len, entry.get(name, [])))) > 1:
            yield f"{key}.{name} is {entry[name]!r}; allowed: rows of one length"
            return
    if foreign:
        return
    try:
        make_density(entry)
    except ValueError as error:
        part = _blamed(entry, str(error))
        yield f"{key}.{part} is {entry[part]!r}; {error}"


def _blamed(entry: dict, message: str) -> str:
    """Return the key of a density's entry that an error speaks of."""
    words = {"weight": "weights", "bounds must": "bounds", "covariance": "covariances"}
    words |= {"interval": "interval", "thickness": "thickness"}
    first = {
        "mixture": "means",
        "curve_mixture": "dimension",
        "energy": "expression",
        "curve": "coordinates",
        "samples": "points",
    }[entry["kind"]]
    named = [key for word, key in words.items() if word in message and key in entry]
    spread = ["standard_deviations"] if "standard_deviations" in message else []
    return next((key for key in [*spread, *named, "path", first] if key in entry), first)


def _training_mistakes(key: str, entry: dict, density: Density) -> Iterator[str]:
    """Yield what is wrong with how, and with what, a density is trained and shown."""
    train = entry["train"]
    if train["models"]["conditioned"] and len(noise_levels(train["sigmas"])) < 2:
        yield f"{key}.train.sigmas is {train['sigmas']!r}; allowed: two or more for conditioned"
    yield from _settings_mistakes(f"{key}.train", train, density)
    for name, variant in train["variants"].items():
        place = f"{key}.train.variants.{name}"
        yield from _settings_mistakes(place, variant, density)
        yield from _variant_mistakes(place, variant)
        if "ssm" in variant["objectives"] and (
            density.dim == 1 or isinstance(density, KernelDensity)
        ):
            yield (
                f"{place}.objectives is {variant['objectives']}; allowed: ssm only where the "
                "density is known and d > 1"
            )
    if isinstance(density, KernelDensity):
        yield from _file_mistakes(key, entry, density)
    yield from _figure_mistakes(key, entry, density.dim)
    yield from _sample_mistakes(f"{key}.sample", entry, density)


def _settings_mistakes(key: str, settings: dict, density: Density) -> Iterator[str]:
    """Yield what is wrong with the settings of one training."""
    architecture, sizes = settings["architecture"], settings["sizes"]
    if architecture["tied"] and len(architecture["hidden"]) > 1:
        yield (
            f"{key}.architecture.hidden is {architecture['hidden']}; allowed: one layer, "
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
        yield f"{key}.sizes is {sizes!r}; allowed: no exact, because d = {density.dim}"
    if "all" in sizes and not isinstance(density, KernelDensity):
        yield f"{key}.sizes is {sizes!r}; allowed: no all, because its samples have no end"


def _variant_mistakes(key: str, variant: dict) -> Iterator[str]:
    """Yield what a variant of one kind cannot be."""
    yield from _grid_mistakes(f"{key}.sigmas", variant["sigmas"])
    if variant["kind"] == "ensemble" and "ssm" in variant["objectives"]:
        yield f"{key}.objectives is {variant['objectives']}; allowed: ssm for conditioned alone"
    if variant["kind"] == "conditioned" and len(noise_levels(variant["sigmas"])) < 2:
        yield f"{key}.sigmas is {variant['sigmas']!r}; allowed: two or more for conditioned"
    if variant["kind"] == "conditioned" and set(variant["sizes"]) == {"exact"}:
        yield f"{key}.sizes is {variant['sizes']!r}; allowed: samples for conditioned"


def _figure_mistakes(key: str, entry: dict, d: int) -> Iterator[str]:
    """Yield which figures a density cannot have."""
    allowed = [
        name
        for name, (dimension, kinds) in FIGURES.items()
        if d == dimension and entry["kind"] in kinds
    ]
    if not set(entry["figures"]) <= set(allowed):
        yield (
            f"{key}.figures is {entry['figures']!r}; allowed for kind {entry['kind']} with "
            f"d = {d} are: {', '.join(allowed) or 'none'}"
        )


def _sample_mistakes(key: str, entry: dict, density: Density) -> Iterator[str]:
    """Yield what is wrong with the chains that are asked for."""
    sample, models = entry["sample"], _denoisers(entry["train"])
    for name, plan in sample["plans"].items():
        place = f"{key}.plans.{name}"
        yield from _grid_mistakes(f"{place}.sigmas", plan["sigmas"])
        yield from _plan_mistakes(place, plan, density)
        if {"learned", "extrapolated"} & set(plan["fields"]):
            yield from _driver_mistakes(place, plan, models, "learned" in plan["fields"])
    for figure, name in sample["figures"].items():
        if name not in sample["plans"]:
            known = ", ".join(sample["plans"]) or "none"
            yield f"{key}.figures.{figure} is {name!r}; allowed: a plan, of which there are {known}"
        dims = SAMPLE_FIGURES[figure]
        if density.dim not in dims:
            yield f"{key}.figures.{figure} is {name!r}; allowed: for another d than {density.dim}"
    for part in ("differences", "far_starts"):
        yield from _grid_mistakes(f"{key}.{part}.sigmas", sample[part]["sigmas"])
        yield from _driver_mistakes(f"{key}.{part}", sample[part], models, levels=True)


def _denoisers(train: dict) -> dict[str, dict]:
    """Return the settings of every model that is trained on samples with the denoising loss."""
    models = {
        name: train | {"kind": name, "objectives": objectives}
        for name, objectives in train["models"].items()
    }
    return {
        name: settings
        for name, settings in (models | train["variants"]).items()
        if "dae" in settings["objectives"] and set(settings["sizes"]) != {"exact"}
    }


def _plan_mistakes(key: str, plan: dict, density: Density) -> Iterator[str]:
    """Yield what no field of this density can do."""
    fields, samplers = set(plan["fields"]), set(plan["samplers"])
    if isinstance(density, KernelDensity):
        yield f"{key} is given; allowed: no plans for a density that is known by samples alone"
    if density.is_bare and fields & {"exact", "extrapolated"}:
        yield f"{key}.fields is {plan['fields']}; allowed: optimum and learned, the curve is bare"
    without_levels = fields & {"exact", "extrapolated"}
    if without_levels and (samplers & set(DESCENTS) or plan["start"] == "flow"):
        yield (
            f"{key}.fields is {plan['fields']}; allowed: optimum and learned, as only these have "
            "noise levels to go down"
        )
    given = plan["steps"]
    needy = samplers - set(ACCEPTANCE) - set(DESCENTS) - set(map(str, given))
    if "exact" in fields and needy and (isinstance(given, dict) or not given):
        yield f"{key}.steps is {given!r}; allowed: one for {min(needy)}, as exact has no sigma"
    for name in sorted(set(given) - samplers) if isinstance(given, dict) else []:
        yield f"{key}.steps has {name!r}; allowed: samplers of this plan"


def _driver_mistakes(key: str, plan: dict, models: dict[str, dict], levels: bool) -> Iterator[str]:
    """Yield which models, sizes and noise levels are asked for but not trained."""
    for name in plan["models"]:
        if name not in models:
            known = ", ".join(models) or "none"
            yield f"{key}.models has {name!r}; allowed, as trained by dae on samples: {known}"
            continue
        settings = models[name]
        trained = noise_levels(settings["sigmas"])
        unknown = sorted(set(plan.get("sizes", [])) - set(settings["sizes"]))
        if unknown:
            yield f"{key}.sizes has {unknown[0]}; allowed for {name}: {settings['sizes']}"
        for sigma in noise_levels(plan["sigmas"]) if levels else []:
            if settings["kind"] == "conditioned":
                known = trained.min() <= sigma <= trained.max()
            else:
                known = np.isclose(trained, sigma, rtol=1e-9).any()
            if not known:
                yield f"{key}.sigmas has {sigma:g}; allowed for {name}: {settings['sigmas']}"


def _file_mistakes(key: str, entry: dict, density: KernelDensity) -> Iterator[str]:
    """Yield what is wrong with a finite set of points."""
    sizes, held_out = entry["train"]["sizes"], entry["train"]["held_out"]
    n = len(density.points)
    available = training_points(n, held_out) if "path" in entry else n
    if available < 1:
        yield f"{key}.path is {entry['path']!r}; allowed: a file of more points"
    if any(isinstance(size, int) and size > available for size in sizes):
        yield f"{key}.train.sizes is {sizes!r}; allowed: at most {available} points to train on"
    elif density.dim > 1 and available == n:
        what, value = (
            ("train.held_out", held_out) if "path" in entry else ("points", entry["points"])
        )
        yield (
            f"{key}.{what} is {value!r}; allowed: enough to hold a point out of a file, because "
            f"d = {density.dim}"
        )
