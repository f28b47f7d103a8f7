"""Time and memory that Snakemake needs to plan a run, against the number of jobs."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

from benchmarks.rows import Row, timed

ROOT = Path(__file__).parents[1]
DENSITIES = (10, 100, 1000)
ROUNDS = 2
DENSITY = {  # small, with every kind of job
    "kind": "mixture",
    "weights": [1.0],
    "means": [[0.0, 0.0]],
    "standard_deviations": [1.0],
    "figures": ["map"],
    "train": {
        "models": {"separate": ["dae"], "conditioned": ["dae"]},
        "sigmas": [0.1, 0.2],
        "sizes": [1000],
    },
    "sample": {
        "plans": {"this": {"fields": ["learned"], "samplers": ["mala"], "sigmas": [0.1]}},
        "figures": {"levels": "this"},
    },
}


def run() -> Iterator[Row]:
    """Yield the time of a dry run by number of jobs; more levels or seeds add no jobs."""
    found = []
    for densities in DENSITIES:
        rounds = ROUNDS if densities < max(DENSITIES) else 1
        jobs, seconds = zip(*(_plan(densities) for _ in range(rounds)), strict=True)
        found.append((jobs[0], np.array(seconds)))
    for jobs, seconds in found:
        base, over = found[0][1].mean(), f"{DENSITIES[0]} densities"
        yield timed("dry run", "jobs", jobs, "Snakemake", seconds, "one plan", base, over)


def _plan(densities: int) -> tuple[int, float]:
    """Return the number of jobs for so many densities, and the CPU time of planning them."""
    paper = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    entries = dict.fromkeys(paper["densities"]) | {f"d{k}": DENSITY for k in range(densities)}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "many.yaml"
        config.write_text(yaml.safe_dump({"densities": entries, "images": None}), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--dry-run", "--directory", folder]
        before = os.times()
        done = subprocess.run(  # noqa: S603
            [*command, "--configfile", str(config)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        after = os.times()
    jobs = re.findall(r"^total\s+(\d+)", done.stdout, re.MULTILINE)[-1]
    seconds = after.children_user + after.children_system
    return int(jobs), seconds - before.children_user - before.children_system
