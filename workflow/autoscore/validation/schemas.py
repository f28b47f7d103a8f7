"""Mistakes that a JSON schema finds, in words."""

import difflib
import sys
from contextlib import suppress
from functools import reduce
from itertools import islice
from operator import getitem
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

from autoscore.wording import cut, shown

MOST = 1000  # mistakes that are looked for
LONGEST = 60  # characters of an unknown key


def _is_number(value: Any) -> bool:
    """Return whether a value is a number that a double can hold: no nan, and no infinity."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) <= sys.float_info.max


RENAMED = {
    "peers": "baselines",
    "block": "shard",
    "ensemble": "separate",
}  # keys of earlier versions
TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "integer": lambda _, value: isinstance(value, int) and _is_number(value),  # not 2.0
        "number": lambda _, value: _is_number(value),
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
    strict = Strict(schema)
    errors = list(islice(strict.iter_errors(value), MOST))
    errors.sort(key=lambda error: list(map(str, error.path)))
    lines = (line for error in errors for line in _explain(error, strict, whole, place))
    return list(dict.fromkeys(lines))


def resolved(schema: dict, root: dict) -> dict:
    """Return what the schema's reference points to, {} if it has none."""
    if "$ref" not in schema:
        return {}
    return reduce(getitem, schema["$ref"].removeprefix("#/").split("/"), root)


def _explain(error: ValidationError, strict: Any, whole: str, place: str) -> list[str]:
    """Say which key has which value, and what is allowed; unknown keys get a line each."""
    key = ".".join(
        filter(None, [place, *(cut(str(part), LONGEST) for part in error.absolute_path)])
    )
    match error.validator:
        case "additionalProperties":
            known = sorted(error.schema["properties"])
            unknown = sorted(set(map(str, error.instance)) - set(known))
            place = f"{key}." if key else ""
            return [
                f"{place}{name} is now called {place}{RENAMED[name]}: rename it"
                if RENAMED.get(name) in known
                else _unknown_key(place, name, known)
                for name in unknown
            ]
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            return [f"{key or whole} lacks {', '.join(missing)}"]
        case "enum":
            allowed = f"one of {', '.join(map(str, error.validator_value))}"
        case "type" if "description" not in error.schema:
            allowed = f"of type {error.validator_value}"
        case _:
            allowed = error.schema.get("description") or cut(error.message)
    if "propertyNames" in error.absolute_schema_path:
        return [f"{key}: {shown(error.instance)} is not a name; allowed: {allowed}"]
    name, hint = key or whole, _number_hint(error, strict)
    allowed = allowed.removesuffix(".") if hint else allowed
    return [f"{name} is {shown(error.instance)}; allowed: {allowed}{hint}"]


def _number_hint(error: ValidationError, strict: Any) -> str:
    """Return what to write for a number that YAML takes for text, as it does with 1e-2.

    There is a hint only where the key would then be accepted.
    """
    value, schema = error.instance, error.schema
    items = value if isinstance(value, list) else [value]
    numbers = [_as_number(item) for item in items]
    meant = numbers if isinstance(value, list) else numbers[0]
    if numbers == items or not strict.evolve(schema=schema).is_valid(meant):
        return ""
    text, number = next(pair for pair in zip(items, numbers, strict=True) if pair[0] != pair[1])
    return f"; for YAML {cut(text, LONGEST)} is text: write {_in_yaml(number)}"


def _as_number(item: Any) -> Any:
    """Return the number that a text says, whole if it is; anything else as it is."""
    with suppress(ValueError, OverflowError):
        if isinstance(item, str):
            number = float(item)
            return int(number) if number.is_integer() and abs(number) < 1e15 else number
    return item


def _in_yaml(number: float) -> str:
    """Return how YAML wants a number: one with an exponent needs a point, too."""
    text = repr(number)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _unknown_key(place: str, name: str, known: list[str]) -> str:
    name = cut(name, LONGEST)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{place}{name} is not a key; {hint}allowed are {', '.join(known)}"
