"""Mistakes that a JSON schema finds, in words."""

import difflib
import math
from contextlib import suppress
from functools import reduce
from operator import getitem
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

# 2.0 is no whole number here, and neither nan nor an infinity is a number
TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool),
        "number": lambda _, value: (
            isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        ),
    }
)
Strict = validators.extend(Draft202012Validator, type_checker=TYPES)


def schema_mistakes(schema: dict, value: Any, whole: str, place: str = "") -> list[str]:
    """Return what a schema does not allow, a line a mistake.

    Parameters
    ----------
    schema
        A JSON schema; its descriptions say what is allowed.
    value
        What is held against it.
    whole
        What the value is called.
    place
        What every key begins with.

    Returns
    -------
    list of str
        Each line names the key, its value and what is allowed; the same mistake once.
    """
    errors = sorted(Strict(schema).iter_errors(value), key=lambda e: list(map(str, e.path)))
    lines = (line for error in errors for line in _explain(error, whole, place))
    return list(dict.fromkeys(lines))


def resolved(schema: dict, root: dict) -> dict:
    """Return what the schema's reference points to, {} if it has none."""
    if "$ref" not in schema:
        return {}
    return reduce(getitem, schema["$ref"].removeprefix("#/").split("/"), root)


def _explain(error: ValidationError, whole: str, place: str) -> list[str]:
    """Say which key has which value, and what is allowed; unknown keys get a line each."""
    key = ".".join(filter(None, [place, *map(str, error.absolute_path)]))
    match error.validator:
        case "additionalProperties":
            known = sorted(error.schema["properties"])
            unknown = sorted(set(map(str, error.instance)) - set(known))
            return [_unknown_key(f"{key}." if key else "", name, known) for name in unknown]
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            return [f"{key or whole} lacks {', '.join(missing)}"]
        case "enum":
            allowed = f"one of {', '.join(map(str, error.validator_value))}"
        case "type" if "description" not in error.schema:
            allowed = f"of type {error.validator_value}"
        case _:
            allowed = error.schema.get("description", error.message)
    if "propertyNames" in error.absolute_schema_path:
        return [f"{key}: {error.instance!r} is not a name; allowed: {allowed}"]
    return [f"{key} is {error.instance!r}; allowed: {allowed}{_number_hint(error.instance)}"]


def _number_hint(value: Any) -> str:
    """Return what to write for a number that YAML takes for text, as it does with 1e-2."""
    for text in value if isinstance(value, list) else [value]:
        with suppress(ValueError):
            if isinstance(text, str):
                return f"; for YAML {text} is text: write {float(text)!r}"
    return ""


def _unknown_key(place: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{place}{name} is not a key; {hint}allowed are {', '.join(known)}"
