"""Reading the families of checks: one check per density, as the profile has it, in words."""

import difflib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from autoscore import plan
from autoscore.configuration import ConfigurationError, read_yaml
from autoscore.validation.schemas import schema_mistakes
from autoscore.verify.query import asked_in_words, places_of
from autoscore.verify.requirements import REQUIREMENTS, requirements_of

SCHEMA = Path(__file__).parents[1] / "schemas" / "claims.schema.yaml"
PROFILES = {"full": ["config.yaml"], "quick": ["config.yaml", "quick.yaml"]}  # their own files
ALL = {"from": 1, "to": 1e9}  # numbers of points, for all points of a user's file
SILENT = ("density", "quantity")  # columns that a sentence says otherwise


def read_families(path: str | Path) -> tuple[dict[str, str], list[dict]]:
    """Return the statements in words and the families of a .yaml file, which `SCHEMA` describes.

    Raises ConfigurationError if a key is unknown or a value not allowed; each line names the
    family, the key and what is allowed.
    """
    content, schema = read_yaml(path), read_yaml(SCHEMA)
    mistakes = schema_mistakes(schema, content, "the list of families")
    if not mistakes:
        one = {"$ref": "#/$defs/family", "$defs": schema["$defs"]}
        for number, family in enumerate(content["families"], start=1):
            name = family.get("id", f"family {number}") if isinstance(family, dict) else number
            mistakes += schema_mistakes(one, family, str(name), str(name))
    if not mistakes:
        mistakes = list(_inconsistencies(content["families"], content["paper"]))
    if mistakes:
        raise _error(path, mistakes)
    return content["paper"], content["families"]


def read_checks(path: str | Path, config: Mapping, known: Mapping | None = None) -> list[dict]:
    """Return the checks of a run with this completed configuration: a family's, one per density.

    `known` are the densities that a family may name, including those that the run leaves out; None
    for any. A check has the keys of its family, and ``family``, ``target`` and ``sentence``.
    Raises ConfigurationError as `read_families` does, and for an unknown density.
    """
    _, families = read_families(path)
    if known is not None and (mistakes := list(_unknown_densities(families, known))):
        raise _error(path, mistakes)
    checks = []
    for family in families:
        family = _of_profile(family, config["profile"])
        for target, change in targets_of(family, config).items():
            if target is None or target not in config["densities"] or made(config, family, target):
                checks.append(_check(family, target, change, config))
    return checks


def targets_of(family: Mapping, config: Mapping) -> dict[str | None, dict]:
    """Return what differs, by density that a family is on; by None if it is on no density."""
    if "targets" in family:
        return {name: change or {} for name, change in family["targets"].items()}
    if "{target}" not in str(family):
        return {None: {}}
    return {name: {} for name in config["densities"]}


def made(config: Mapping, family: Mapping, target: str) -> bool:
    """Return whether a run makes the family's table for a density."""
    stage = family["table"].split("/")[1]
    if "{target}" in family["table"] and stage in ("optimum", "sample"):
        names = plan.sampled(config)
        return plan.is_solved(config, target) if stage == "optimum" else target in names
    return True


def tables(checks: list[dict], config: Mapping) -> list[str]:
    """Return the tables of the checks that a run can test."""
    images = config.get("images") or {"dataset": None}
    return sorted(
        {
            check["table"]
            for check in checks
            if (check["target"] is None or check["target"] in config["densities"])
            and ("dataset" not in check or images["dataset"] in (check["dataset"], "auto"))
        }
    )


def left_out(folder: str | Path, config: Mapping) -> list[str]:
    """Return the densities, and ``"images"``, that a configuration lacks of its profile's own."""
    own: dict = {}
    for file in PROFILES[config["profile"]]:
        own |= read_yaml(Path(folder) / file)["densities"]
    names = [name for name, entry in own.items() if entry is not None]
    missing = [name for name in names if name not in config["densities"]]
    return missing if "images" in config else [*missing, "images"]


def _check(family: dict, target: str | None, change: dict, config: Mapping) -> dict:
    """Return the check of a family on a density."""
    name = family["id"] if target is None else f"{family['id']}_{target}"
    changed = family | change | {"where": family["where"] | change.get("where", {})}
    check = {key: _named(value, target) for key, value in changed.items() if key != "targets"}
    where = check["where"]
    points = _points(config, target)
    check["where"] = {key: points if of == "points" else of for key, of in where.items()}
    check |= {"id": name, "family": family["id"], "target": target}
    return check | {"sentence": sentence(check)}


def _points(config: Mapping, target: str | None) -> object:
    """Return the number of points that a density's models are trained on, apart from variants."""
    entry = config["densities"].get(target)
    sizes = entry["train"]["sizes"] if entry else []
    numbers = [size for size in sizes if isinstance(size, int)]
    return numbers[-1] if numbers else ALL


def sentence(check: Mapping) -> str:
    """Return what a check says, with its density, what is trained, its places and its bound."""
    parts = [check["target"].replace("_", " ")] if check["target"] else []
    parts += ["MNIST"] if check.get("dataset") == "mnist" else []
    rest = {name: wanted for name, wanted in check["where"].items() if name not in SILENT}
    trained = "trained_on" if "trained_on" in rest else "n"
    size = rest.get(trained)
    if size in (math.inf, ALL) or isinstance(size, int):
        words = "all points" if size == ALL else f"{size:,} points"
        parts.append("trained on the density itself" if size == math.inf else words)
        del rest[trained]
    parts += [asked_in_words(rest)] if rest else []
    parts += ["the worst of all rows"] if "rows" in check else []
    (requirement,) = requirements_of(check)
    one = [name for name, wanted in rest.items() if not isinstance(wanted, dict | list)]
    steps = [check[key] for key in ("increasing", "decreasing") if key in check]
    if free := [name for name in places_of(check) if name not in [*one, *steps]]:
        parts.append(f"at every {' and '.join(free)}")
    return f"{check['says']} ({'; '.join([*parts, requirement.words(check)])})."


def _named(part: object, target: str | None) -> object:
    """Put the density's name into all strings."""
    if isinstance(part, dict):
        return {key: _named(value, target) for key, value in part.items()}
    if isinstance(part, list):
        return [_named(value, target) for value in part]
    named = isinstance(part, str) and target is not None
    return part.replace("{target}", target) if named else part


def _of_profile(family: dict, profile: str) -> dict:
    shared = {key: value for key, value in family.items() if key != "quick"}
    change = family.get("quick", {}) if profile == "quick" else {}
    return shared | change | {"where": family["where"] | change.get("where", {})}


def _error(path: str | Path, mistakes: list[str]) -> ConfigurationError:
    lines = [f"The claims in {path} cannot be checked:", *(f"  {line}" for line in mistakes)]
    return ConfigurationError("\n".join(lines))


def _inconsistencies(families: list[dict], paper: dict[str, str]) -> Iterator[str]:
    """Yield what the schema cannot say."""
    seen = set()
    for family in families:
        name = family["id"]
        if name in seen:
            yield f"{name}.id is there twice; allowed: an id of its own for every family"
        seen.add(name)
        if family["of"] not in paper:
            yield f"{name}.of is {family['of']!r}; allowed: one of {', '.join(paper)}"
        given = requirements_of(family)
        if len(given) != 1:
            sorts = "; ".join(" and ".join(sorted(one.keys)) for one in REQUIREMENTS)
            there = ", ".join(key for one in given for key in sorted(one.keys & family.keys()))
            yield f"{name} requires {there or 'nothing'}; allowed: one sort of {sorts}"
        elif len({"equals", "within"} & family.keys()) == 1:
            yield f"{name} gives one of equals and within; allowed: both"
        elif "rows" in family and not family.keys() & {"at_least", "at_most", "equals"}:
            yield f"{name}.rows is {family['rows']}; allowed: with bounds alone"


def _unknown_densities(families: list[dict], known: Mapping) -> Iterator[str]:
    """Yield which families are about unknown densities, whose names may be misspelt."""
    for family in families:
        for name in family.get("targets", {}):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                meant = f"did you mean {near[0]}? " if near else ""
                yield (
                    f"{family['id']} is about the density {name}, which no configuration has; "
                    f"{meant}allowed: those of config.yaml and of this run's configuration, where "
                    f"{name}: null leaves one out"
                )
