"""Reading a configuration: defaults filled in, mistakes named before anything runs."""

import copy
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jsonschema import Draft202012Validator, ValidationError

from autoscore.data import training_points
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.registry import make_density

SCHEMA = Path(__file__).parents[1] / "schemas" / "config.schema.yaml"


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
    mistakes = [_explain(error) for error in _errors(schema, config)]
    if mistakes:
        raise ConfigurationError(_message(mistakes))
    config = copy.deepcopy(config)
    common = config.get("train", {})
    for entry in config["densities"].values():
        # a sample file is trained on as it is, unless its own entry says otherwise
        whole = {"sizes": ["all"]} if "path" in entry else {}
        entry["train"] = merge(merge(common, whole), entry.get("train", {}))
    _fill(schema, config, schema)
    mistakes = list(_semantic_mistakes(config))
    if mistakes:
        raise ConfigurationError(_message(mistakes))
    return config


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
    return sorted(
        Draft202012Validator(schema).iter_errors(config), key=lambda e: list(map(str, e.path))
    )


def _explain(error: ValidationError) -> str:
    """Say in one line which key has which value, and what is allowed."""
    key = ".".join(map(str, error.absolute_path))
    match error.validator:
        case "additionalProperties":
            known = sorted(error.schema["properties"])
            unknown = sorted(set(error.instance) - set(known))
            close = difflib.get_close_matches(unknown[0], known, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            place = f"{key}." if key else ""
            return f"{place}{unknown[0]} is not a key; {hint}allowed are {', '.join(known)}"
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            return f"{key or 'the configuration'} lacks {', '.join(missing)}"
        case "enum":
            allowed = f"one of {', '.join(map(str, error.validator_value))}"
        case "type" if "description" not in error.schema:
            allowed = f"of type {error.validator_value}"
        case _:
            allowed = error.schema.get("description", error.message)
    if "propertyNames" in error.absolute_schema_path:
        return f"{key}: {error.instance!r} is not a name; allowed: {allowed}"
    return f"{key} is {error.instance!r}; allowed: {allowed}"


def _fill(schema: dict, value: Any, root: dict) -> None:
    """Put the schema's defaults into `value`, in place; defaults of sections lie under them."""
    schema = schema | _resolve(schema, root)
    if not isinstance(value, dict):
        return
    for key, part in schema.get("properties", {}).items():
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
    return root["$defs"][schema["$ref"].rsplit("/", 1)[1]]


def _semantic_mistakes(config: dict) -> Iterator[str]:
    """Yield what the schema cannot say."""
    yield from _grid_mistakes("optimum.sigmas", config["optimum"]["sigmas"])
    yield from _grid_mistakes("optimum.order_sigmas", config["optimum"]["order_sigmas"])
    yield from _grid_mistakes("figures.panel_sigmas", config["figures"]["panel_sigmas"])
    yield from _grid_mistakes("train.sigmas", config["train"]["sigmas"])
    for name, entry in config["densities"].items():
        key = f"densities.{name}"
        yield from _density_mistakes(key, entry)
        if entry["train"]["sigmas"] != config["train"]["sigmas"]:
            yield from _grid_mistakes(f"{key}.train.sigmas", entry["train"]["sigmas"])
        architecture = entry["train"]["architecture"]
        if architecture["tied"] and len(architecture["hidden"]) > 1:
            yield (
                f"{key}.train.architecture.hidden is {architecture['hidden']}; allowed: one layer, "
                "because tied is true"
            )
        for source in ("samples", "conditioned"):
            polish = entry["train"]["schedules"][source]["polish"]
            if polish:
                yield (
                    f"{key}.train.schedules.{source}.polish is {polish}; allowed: 0, because the "
                    "noise changes at every step"
                )


def _grid_mistakes(key: str, grid: dict | list) -> Iterator[str]:
    if isinstance(grid, dict) and not grid["low"] < grid["high"]:
        yield f"{key} is {grid!r}; allowed: low < high"
    elif isinstance(grid, list) and (np.diff(grid) <= 0).any():
        yield f"{key} is {grid!r}; allowed: noise levels in increasing order, none twice"


def _density_mistakes(key: str, entry: dict) -> Iterator[str]:
    if entry["kind"] == "samples" and ("path" in entry) == ("points" in entry):
        yield f"{key} is of kind samples; allowed: either a path or points, and not both"
        return
    if entry["kind"] == "mixture" and ("covariances" in entry) == ("standard_deviations" in entry):
        yield f"{key} is of kind mixture; allowed: either covariances or standard_deviations"
        return
    try:
        density = make_density(entry)
    except ValueError as error:
        part = {"samples": "path" if "path" in entry else "points", "energy": "expression"}
        value = entry.get(part.get(entry["kind"], "means"))
        yield f"{key}.{part.get(entry['kind'], 'means')} is {value!r}; {error}"
        return
    bare = isinstance(density, KernelDensity)
    sizes = entry["train"]["sizes"]
    if density.dim > 1 and entry["figures"]:
        yield f"{key}.figures is {entry['figures']!r}; allowed: none, because d = {density.dim}"
    if density.dim > 1 and "exact" in sizes:
        yield f"{key}.train.sizes is {sizes!r}; allowed: no exact, because d = {density.dim}"
    if not bare and "all" in sizes:
        yield f"{key}.train.sizes is {sizes!r}; allowed: no all, because its samples have no end"
    if bare and "path" in entry:
        available = training_points(len(density.points), entry["train"]["held_out"])
        if available < 1:
            yield f"{key}.path is {entry['path']!r}; allowed: a file of more points"
        for size in sizes:
            if isinstance(size, int) and size > available:
                yield (
                    f"{key}.train.sizes is {sizes!r}; allowed: at most {available} points, which "
                    "the file has left for training"
                )
    wanting = {"density", "optimum", "animation", "bias", "reconstruction"}.intersection(
        entry["figures"]
    )
    if bare and wanting:
        yield (
            f"{key}.figures is {entry['figures']!r}; allowed for samples: field, because points "
            "have no density"
        )
