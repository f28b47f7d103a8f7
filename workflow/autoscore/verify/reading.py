"""Reading the claims: one per target, as the profile has them; mistakes are named."""

import difflib
from collections.abc import Collection, Iterator
from pathlib import Path

from autoscore.configuration import ConfigurationError, read_yaml
from autoscore.numerics.errors import FEWEST
from autoscore.validation.schemas import schema_mistakes
from autoscore.verify.requirements import REQUIREMENTS, requirements_of

SCHEMA = Path(__file__).parents[2] / "schemas" / "claims.schema.yaml"
PROFILES = {"full": ["config.yaml"], "quick": ["config.yaml", "quick.yaml"]}  # their own files
SEEDS = {"full": FEWEST, "quick": 2}  # that a claim needs if it does not say how many


def read_claims(
    path: str | Path, profile: str, densities: Collection[str] | None = None
) -> list[dict]:
    """Read the claims from their .yaml file, which `SCHEMA` describes.

    Return a claim per target, under an id of its own, with what differs for the target and in the
    profile (``"full"`` or ``"quick"``) put in; ``paper`` is then the statement in words. A claim
    that the profile cannot test has a ``why_not``. `densities` are all that a claim may be about,
    including those that the run leaves out; None for any. Raises ConfigurationError if a key is
    unknown or a value not allowed; each line names the claim, the key and what is allowed.
    """
    content, schema = read_yaml(path), read_yaml(SCHEMA)
    mistakes = schema_mistakes(schema, content, "the list of claims")
    if not mistakes:
        one = {"$ref": "#/$defs/claim", "$defs": schema["$defs"]}
        for number, claim in enumerate(content["claims"], start=1):
            name = claim.get("id", f"claim {number}") if isinstance(claim, dict) else number
            mistakes += schema_mistakes(one, claim, str(name), str(name))
    if not mistakes:
        claims = [
            _of_profile({"seeds": SEEDS[profile]} | one, profile)
            for one in _of_targets(content["claims"])
        ]
        mistakes = list(_inconsistencies(claims, content["paper"]))
        mistakes += [] if densities is None else list(_unknown_densities(claims, densities))
    if mistakes:
        lines = [f"The claims in {path} cannot be checked:", *(f"  {line}" for line in mistakes)]
        raise ConfigurationError("\n".join(lines))
    return [claim | {"paper": content["paper"][claim["paper"]]} for claim in claims]


def recorded_tests(path: str | Path, profile: str) -> dict[str, int]:
    """Return how many claims a run of the profile tests, by its images; {} if not on record."""
    return read_yaml(path).get("tested", {}).get(profile, {})


def left_out(folder: str | Path, config: dict) -> list[str]:
    """Return the densities, and ``"images"``, that a configuration lacks of its profile's own."""
    own: dict = {}
    for file in PROFILES[config["profile"]]:
        own |= read_yaml(Path(folder) / file)["densities"]
    names = [name for name, entry in own.items() if entry is not None]
    missing = [name for name in names if name not in config["densities"]]
    return missing if "images" in config else [*missing, "images"]


def _unknown_densities(claims: list[dict], densities: Collection[str]) -> Iterator[str]:
    """Yield which claims are about unknown densities, whose names may be misspelt."""
    for claim in claims:
        asked = [claim["where"], claim.get("less_than", {}).get("where", {})]
        named = [where.get("density", []) for where in asked] + [claim.get("target", [])]
        names = [name for one in named for name in ([one] if isinstance(one, str) else one)]
        for name in dict.fromkeys(names):
            if name not in densities:
                near = difflib.get_close_matches(str(name), densities, n=1)
                meant = f"did you mean {near[0]}? " if near else ""
                yield (
                    f"{claim['id']} is about the density {name}, which no configuration has; "
                    f"{meant}allowed: those of config.yaml and of this run's configuration, where "
                    f"{name}: null leaves one out"
                )


def _of_targets(claims: list[dict]) -> Iterator[dict]:
    """Yield a claim for each of its targets; in its strings, {target} becomes the target."""
    for claim in claims:
        targets = claim.get("targets", {})
        shared = {key: claim[key] for key in claim if key != "targets"}
        if not targets:
            density = claim["where"].get("density")
            yield shared | ({"target": density} if isinstance(density, str) else {})
        for target in targets:
            change = (targets[target] or {}) if isinstance(targets, dict) else {}
            named = _named(_changed(shared, change), target)
            yield named | {"id": f"{claim['id']}_{target}", "target": target}


def _named(part: object, target: str, key: str = "") -> object:
    """Put the target's name into all strings; in statements as a person writes it."""
    if isinstance(part, dict):
        return {key: _named(value, target, key) for key, value in part.items()}
    name = target.replace("_", " ") if key == "statement" else target
    return part.replace("{target}", name) if isinstance(part, str) else part


def _of_profile(claim: dict, profile: str) -> dict:
    shared = {key: value for key, value in claim.items() if key != "quick"}
    change = claim.get("quick", {}) if profile == "quick" else {}
    if isinstance(change, str):
        return shared | {"why_not": change}
    return _changed(shared, change)


def _changed(claim: dict, change: dict) -> dict:
    return claim | change | {"where": claim["where"] | change.get("where", {})}


def _inconsistencies(claims: list[dict], paper: dict[str, str]) -> Iterator[str]:
    """Yield what the schema cannot say."""
    seen = set()
    for claim in claims:
        name = claim["id"]
        if name in seen:
            yield f"{name}.id is there twice; allowed: an id of its own for every claim"
        seen.add(name)
        if claim["paper"] not in paper:
            yield f"{name}.paper is {claim['paper']!r}; allowed: one of {', '.join(paper)}"
        given = requirements_of(claim)
        if len(given) != 1:
            sorts = "; ".join(" and ".join(sorted(one.keys)) for one in REQUIREMENTS)
            there = ", ".join(key for one in given for key in sorted(one.keys & claim.keys()))
            yield f"{name} requires {there or 'nothing'}; allowed: one sort of {sorts}"
        elif len({"equals", "within"} & claim.keys()) == 1:
            yield f"{name} gives one of equals and within; allowed: both"
