"""Runs with other global seeds: how often they agree with the record, and making the record.

``python -m docs.stability 1 2 3`` makes a run per seed in a folder of its own, where a run that was
stopped goes on, and writes docs/stability.csv. With --record it writes config/record.csv instead,
from all seeds that are named.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import yaml

from autoscore.configuration import complete, merge, read_yaml
from autoscore.verify import record
from autoscore.verify.families import PROFILES, read_checks, read_families
from autoscore.verify.judging import judge
from autoscore.verify.statements import read_statements
from autoscore.verify.verdicts import verdicts
from docs.parts import table
from docs.verdicts import STORED as PLACES
from docs.verdicts import stored

ROOT = Path(__file__).parents[1]
RECORD = Path("config/record.csv")
STORED = Path("docs/stability.csv")
FOLDER = "results/seeds/{profile}_{seed}"
COLUMNS = ["profile", "what", "name", "runs", "agree", "differing"]


def run(root: Path, profile: str, seed: int, cores: str, without: Iterable[str]) -> None:
    """Make, or go on with, a run with a global seed, up to its verdicts.

    It leaves out the densities, or ``images``, that it is to do `without`. Raises
    CalledProcessError if it fails.
    """
    folder = root / FOLDER.format(profile=profile, seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    own = [f"config/{name}" for name in PROFILES[profile][1:]]
    if without:
        own.append(str(folder / "without.yaml"))
        Path(own[-1]).write_text(yaml.safe_dump(_nulls(without)), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "results/verify/statements.csv"]
    command += ["--cores", cores, "--directory", str(folder), "--config", f"seed={seed}"]
    command += ["--configfile", *own] if own else []
    subprocess.run(command, cwd=root, check=True)  # noqa: S603 - its own words


def _nulls(names: Iterable[str]) -> dict:
    """Return a configuration that leaves these densities, or ``images``, out."""
    densities = {"densities": dict.fromkeys(name for name in names if name != "images")}
    return (densities if densities["densities"] else {}) | dict.fromkeys({"images"} & set(names))


def places_of(root: Path, folder: Path, profile: str) -> pd.DataFrame:
    """Return the places of a finished run, judged by the claims and the record as they are now."""
    configuration: dict = {}
    for name in PROFILES[profile]:
        configuration = merge(configuration, read_yaml(root / "config" / name))
    if (folder / "without.yaml").is_file():
        configuration = merge(configuration, read_yaml(folder / "without.yaml"))
    known = configuration["densities"]
    config = complete(configuration)
    checks = read_checks(root / "config/claims.yaml", config, known)
    images = folder / "results/data/images.csv"
    given = pd.read_csv(images).iloc[0].to_dict() if images.is_file() else None
    expected = record.read(root / RECORD, profile)
    here = Path.cwd()
    os.chdir(folder)  # tables are named from a run's folder on
    try:
        return judge(checks, expected, list(config["densities"]), given)
    finally:
        os.chdir(here)


def agreement(root: Path, profile: str, runs: dict[int, pd.DataFrame]) -> pd.DataFrame:
    """Return how many runs, by seed, agree with the record, for each check and statement.

    A statement's verdict is held against that of the full run which the documentation shows; in
    another profile, against the record at the places of the first run.
    """
    items = read_statements(
        root / "config/statements.yaml", read_families(root / "config/claims.yaml")[1]
    )
    rows = []
    differing: dict[str, list[str]] = {}
    for seed, places in runs.items():
        for name, part in places.groupby("check", sort=False):
            differing.setdefault(name, [])
            differing[name] += [
                f"seed {seed}: {place or 'all'}" for place in part.loc[part["differs"], "place"]
            ]
    for name, those in differing.items():
        seeds = {text.partition(":")[0] for text in those}
        rows.append([profile, "check", name, len(runs), len(runs) - len(seeds), "; ".join(those)])
    found = {seed: verdicts(items, places).set_index("statement") for seed, places in runs.items()}
    shown = profile == "full" and (root / PLACES).is_file()  # which places count varies with nulls
    reference = stored(root) if shown else _as_recorded(next(iter(runs.values())))
    recorded = verdicts(items, reference).set_index("statement")
    for item in items:
        expected = recorded.loc[item["title"], "verdict"]
        other = [
            f"seed {seed}: {of.loc[item['title'], 'verdict']}"
            for seed, of in found.items()
            if of.loc[item["title"], "verdict"] != expected
        ]
        row = [profile, "statement", f"{item['title']}: {expected}"]
        rows.append([*row, len(runs), len(runs) - len(other), "; ".join(other)])
    return pd.DataFrame(rows, columns=COLUMNS)


def _as_recorded(places: pd.DataFrame) -> pd.DataFrame:
    """Return the places of a run as if none differed."""
    back = places["differs"] & (places["outcome"] != "not tested")
    expected = places["expected"].where(back, places["status"])
    counts = places["counts"].where(~back, expected.map({"holds": "support", "fails": "limit"}))
    return places.assign(differs=False, status=expected, counts=counts)


def stability_tables(root: Path) -> str | None:
    """Return the stored agreement, by profile: of every statement, and of checks that differed."""
    if not (root / STORED).is_file():
        return None
    kept = pd.read_csv(root / STORED, keep_default_na=False)
    parts: list[str] = []
    for profile, part in kept.groupby("profile", sort=False):
        checks = part[part["what"] == "check"]
        runs = int(checks["runs"].max())
        agreed = int((checks["agree"] == checks["runs"]).sum())
        parts += [f"## {str(profile).capitalize()} run, {runs} seed{'s' * (runs > 1)}", ""]
        parts += [f"{agreed} of {len(checks)} checks agree with the record in every run.", ""]
        shown = part[(part["what"] == "statement") | (part["agree"] < part["runs"])]
        rows = [
            [row.name_, f"{row.agree} of {row.runs}", row.differing]
            for row in shown.rename(columns={"name": "name_"}).itertuples()
        ]
        parts += [*table(["statement or check", "runs that agree", "which differ"], rows), ""]
    return "\n".join(parts)


def main(arguments: Iterable[str] | None = None, root: Path = ROOT) -> int:
    """Run the command; the result is its exit code."""
    parser = argparse.ArgumentParser(prog="python -m docs.stability", description=__doc__)
    parser.add_argument("seeds", type=int, nargs="+", help="global seeds, one run each")
    parser.add_argument("--profile", choices=PROFILES, default="full")
    parser.add_argument("--cores", default="all")
    parser.add_argument("--without", nargs="+", default=[], help="densities, or images, to spare")
    parser.add_argument("--record", action="store_true", help="write config/record.csv from them")
    asked = parser.parse_args(arguments)
    runs = {}
    for number, seed in enumerate(asked.seeds, start=1):
        print(f"Seed {seed}, run {number} of {len(asked.seeds)}", flush=True)
        run(root, asked.profile, seed, asked.cores, asked.without)
        folder = root / FOLDER.format(profile=asked.profile, seed=seed)
        runs[seed] = places_of(root, folder, asked.profile)
    if asked.record:
        new, file = record.made(asked.profile, runs.values()), root / RECORD
    else:
        new, file = agreement(root, asked.profile, runs), root / STORED
    before = pd.read_csv(file, keep_default_na=False) if file.is_file() else new.iloc[:0]
    rest = before[before["profile"] != asked.profile]
    text = pd.concat([rest, new]).to_csv(index=False, float_format="%.4g", lineterminator="\n")
    file.write_text(text, encoding="utf-8")
    print(f"{file.relative_to(root)} is written anew")
    if not asked.record:
        agreed = new["agree"].sum(), new["runs"].sum()
        print(f"{agreed[0]} of {agreed[1]} verdicts agree with the record")
    return 0


if __name__ == "__main__":
    sys.exit(main())
