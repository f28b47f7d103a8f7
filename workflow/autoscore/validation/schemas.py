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
RENAMED = {  # keys, plans and samplers by their old names
    "peers": "baselines",
    "block": "shard",
    "ensemble": "separate",
    "paper_2013": "repository_2013",
    "paper_2013_walk": "repository_2013_walk",
    "adjusted_walk_2013": "repository_walk",
    "adjusted_walk_2013_one_point": "repository_walk_one_point",
}
NUMBERS = {"integer": "whole number", "number": "number"}
BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def _is_number(value: Any) -> bool:
    """Return whether a value is a number that a double can hold, neither nan nor infinite."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) <= sys.float_info.max


TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "integer": lambda _, value: isinstance(value, int) and _is_number(value),  # not 2.0
        "number": lambda _, value: _is_number(value),
    }
)
Strict = validators.extend(Draft202012Validator, type_checker=TYPES)


def schema_mistakes(schema: dict, value: Any, whole: str, place: str = "") -> list[str]:
    """Return one line per mistake in a value: the key, its value and what is allowed.

    Where the JSON schema names no values or numbers, its descriptions say what is allowed. `whole`
    is what the value is called, `place` the prefix of every key.
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


def number_in_words(schema: dict) -> str:
    """Return which numbers a schema allows, such as "whole number >= 1 and <= 9", "" if none."""
    kind = schema.get("type", "")
    kind = kind if isinstance(kind, str) else kind[0]
    bounds = [f"{sign} {schema[key]}" for key, sign in BOUNDS.items() if key in schema]
    return f"{NUMBERS[kind]} {' and '.join(bounds)}".strip() if kind in NUMBERS else ""


def _explain(error: ValidationError, strict: Any, whole: str, place: str) -> list[str]:
    """Say which key has which value, and what is allowed; unknown keys get a line each."""
    path = [cut(str(part), LONGEST) for part in error.absolute_path]
    key = ".".join(filter(None, [place, *path]))
    match error.validator:
        case "additionalProperties":
            known = sorted(error.schema["properties"])
            unknown = sorted(set(map(str, error.instance)) - set(known))
            return [_unknown_key(f"{key}." if key else "", name, known) for name in unknown]
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            return [f"{key or whole} lacks {', '.join(missing)}"]
        case "enum" if (new := RENAMED.get(str(error.instance))) in error.validator_value:
            return [f"{key} is {shown(error.instance)}, which is now called {new}: rename it"]
        case "enum":
            allowed = f"one of {', '.join(map(str, error.validator_value))}"
        case _:
            allowed = _allowed(error)
    if "propertyNames" in error.absolute_schema_path:
        return [f"{key}: {shown(error.instance)} is not a name; allowed: {allowed}"]
    hint = _number_hint(error, strict)
    allowed = allowed.removesuffix(".") if hint else allowed
    return [f"{key or whole} is {shown(error.instance)}; allowed: {allowed}{hint}"]


def _allowed(error: ValidationError) -> str:
    if number := number_in_words(error.schema):
        finite = "finite " * (number == "number")  # neither nan nor infinite is one without bounds
        return f"a {finite}{number}{' or null' * ('null' in error.schema['type'])}"
    otherwise = cut(error.message)
    if error.validator == "type":
        otherwise = f"of type {error.validator_value}"
    return error.schema.get("description", otherwise)


def _number_hint(error: ValidationError, strict: Any) -> str:
    """Return what to write for an acceptable number that YAML takes for text, such as 1e-2."""
    value, schema = error.instance, error.schema
    items = value if isinstance(value, list) else [value]
    numbers = [_as_number(item) for item in items]
    meant = numbers if isinstance(value, list) else numbers[0]
    if numbers == items or not strict.evolve(schema=schema).is_valid(meant):
        return ""
    text, number = next(pair for pair in zip(items, numbers, strict=True) if pair[0] != pair[1])
    written = repr(number)
    if "." not in written:  # YAML wants a point before an exponent
        written = written.replace("e", ".0e")
    return f"; for YAML {cut(text, LONGEST)} is text: write {written}"


def _as_number(item: Any) -> Any:
    """Return the number that a text holds, whole if it is; anything else as it is."""
    with suppress(ValueError, OverflowError):
        if isinstance(item, str):
            number = float(item)
            return int(number) if number.is_integer() and abs(number) < 1e15 else number
    return item


def _unknown_key(place: str, name: str, known: list[str]) -> str:
    if RENAMED.get(name) in known:
        return f"{place}{name} is now called {place}{RENAMED[name]}: rename it"
    name = cut(name, LONGEST)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{place}{name} is not a key; {hint}allowed are {', '.join(known)}"
