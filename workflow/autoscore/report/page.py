"""Filling the report's template with a run's verdicts, figures and records."""

import base64
import csv
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml
from jinja2 import DictLoader, Environment, StrictUndefined
from PIL import Image

from autoscore.densities.registry import dimension
from autoscore.figures.registry import FIGURES, SEEDS, stem
from autoscore.files.records import without_folders
from autoscore.report.explore import explored
from autoscore.report.places import NUMBERS, PASSING, short
from autoscore.report.sections import CELLS, matrix, sections
from autoscore.report.words import circumstances, plain, subjects_of, symbols
from autoscore.verify.verdicts import COUNTS

QUALITY = 90  # of WebP, which takes half as much as PNG
SCREEN_WIDTH = {".png": 0.6, ".gif": 1.0}  # of its pixels: print has more of them to the inch


def render(
    templates: Mapping[str, str],
    config: Mapping,
    items: Sequence[Mapping],
    checks: Sequence[Mapping],
    files: Mapping[str, Sequence[str]],
    tables: Mapping[str, str],
) -> str:
    """Return the page that Jinja templates make of a run with a completed configuration.

    Parameters
    ----------
    templates
        The texts of ``page.html``, which includes ``style.css`` and ``page.js``.
    items, checks
        What `autoscore.verify` reads from config/statements.yaml and config/claims.yaml.
    files
        Lists of files: ``figures``, .png and .gif of declared figures (ValueError for any other);
        ``records`` of the jobs (`autoscore.files.records`); ``fields``, the arrays of the stage
        `geometry`; ``optima``, those of the stage `optimum`.
    tables
        CSV files: ``statements``, ``places``, ``order`` and, if there are some, ``images`` and
        ``stability``.
    """
    environment = Environment(
        loader=DictLoader(dict(templates)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    to_yaml = partial(yaml.safe_dump, sort_keys=False, allow_unicode=True, width=100)
    environment.filters |= {
        "short": short,
        "span": _span,
        "yaml": to_yaml,
        "plain": plain,
        "symbols": symbols,
    }
    found = {name: _rows(path) for name, path in tables.items()}
    images = found.get("images") or [None]
    jobs = [json.loads(Path(path).read_text(encoding="utf-8")) for path in files["records"]]
    context = {"config": without_folders(config), "orders": found["order"]}
    pictures = _pictures(environment.overlay(autoescape=False), files["figures"], context)
    parts = sections(items, found["statements"], found["places"], checks, pictures)
    densities = context["config"]["densities"]
    subjects, rows = matrix(parts, densities)
    versions = defaultdict(set)
    for job in jobs:
        for package, version in job["versions"].items():
            versions[package].add(version)
    profile = context["config"]["profile"]
    return environment.get_template("page.html").render(
        **context,
        seeds=SEEDS,
        parts=parts,
        subjects=subjects,
        rows=rows,
        cells=CELLS,
        passing=PASSING,
        counted=COUNTS,
        numbers={*NUMBERS, "Runs that agree", "Wall time", "CPU time", "Peak memory"},
        dimensions={name: dimension(entry) for name, entry in densities.items()},
        verdicts=Counter(row["verdict"] for row in found["statements"]),
        tested=[row for row in found["places"] if row["counts"]],
        stability=[row for row in found.get("stability", []) if row["profile"] == profile],
        images=without_folders(images[0]),
        explored=explored(files["fields"], files["optima"], densities),
        jobs=sorted(jobs, key=lambda job: -job["wall_seconds"]),
        machines=list({json.dumps(job["machine"]): job["machine"] for job in jobs}.values()),
        versions={package: ", ".join(sorted(versions[package])) for package in sorted(versions)},
        data=[job for job in jobs if job["rule"] in ("data", "data_images")],
        finished=max(job["finished"] for job in jobs),
    )


def _rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _pictures(
    environment: Environment, files: Sequence[str], context: Mapping
) -> dict[str, list[dict]]:
    """Return what to show of each figure: one entry per density, with its files and its words."""
    config = context["config"]
    densities = config["densities"]
    made = defaultdict(list)
    for file in sorted(files):
        made[Path(file).with_suffix("").as_posix().removeprefix("figures/")].append(file)
    with ThreadPoolExecutor() as pool:
        drawn = dict(zip(files, pool.map(_picture, map(Path, files)), strict=True))
    shown: dict[str, list[dict]] = {}
    for name, figure in FIGURES.items():
        for density in densities if figure.per_density else [""]:
            file = stem(name).format(density=density)
            if file not in made:
                continue
            findings = environment.from_string(figure.findings).render(density=density, **context)
            entry = {
                "figure": name,
                "name": Path(file).name,
                "subjects": subjects_of(figure, config, density),
                "rule": f"plot_{name}",
                "see": figure.caption,
                "paper": figure.paper,
                "deviations": figure.deviations,
                "files": [drawn[path] for path in made.pop(file)],
                "findings": " ".join(findings.split()),
                "about": circumstances(figure, config, density),
            }
            shown.setdefault(name, []).append(entry)
    if made:
        raise ValueError(f"no figure is declared that makes {', '.join(made)}")
    return shown


def _picture(path: Path) -> dict[str, Any]:
    """Return a picture as an address that holds all of it, and its size on the screen."""
    kind, content = "gif", path.read_bytes()
    with Image.open(path) as image:
        width, height = (round(length * SCREEN_WIDTH[path.suffix]) for length in image.size)
        if path.suffix == ".png":
            smaller = BytesIO()
            image.convert("RGB").save(smaller, "WEBP", quality=QUALITY, method=0)
            kind, content = "webp", smaller.getvalue()
    address = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return {"address": address, "width": width, "height": height}


def _span(seconds: float) -> str:
    """Return a time span as a person would say it."""
    if seconds < 600:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
