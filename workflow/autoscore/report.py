"""The report: one page of verdicts, figures, and what made them, that needs no other file."""

import base64
import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined
from PIL import Image

from autoscore.figures.declaration import SECTIONS, STATEMENTS
from autoscore.figures.registry import FIGURES, stem
from autoscore.files.records import without_folders
from autoscore.numerics.grids import noise_levels

TYPES = {".png": "image/png", ".gif": "image/gif"}
SCREEN_WIDTH = {".png": 0.6, ".gif": 1.0}  # of its pixels: print has more of them to the inch


def render(
    template: str,
    config: Mapping,
    figures: Sequence[str],
    records: Iterable[str],
    tables: Mapping[str, str],
) -> str:
    """Return the page.

    Parameters
    ----------
    template
        In Jinja's language.
    config
        The completed configuration of the run.
    figures
        Files of pictures, .png and .gif, of figures that are declared.
    records
        Files of the jobs' records, see `autoscore.files.records`.
    tables
        Files of ``claims`` and ``order``, and, where the run has some, ``images``.

    Raises
    ------
    ValueError
        If a file is of no figure.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"short": _short, "span": _span, "yaml": _yaml, "symbols": _symbols}
    found = {name: _rows(path) for name, path in tables.items()}
    jobs = [json.loads(Path(path).read_text(encoding="utf-8")) for path in records]
    images = found.get("images") or [None]
    words = {"config": without_folders(config), "orders": found["order"]}
    return environment.from_string(template).render(
        **words,
        statements=STATEMENTS,
        claims=found["claims"],
        counts=Counter(row["verdict"] for row in found["claims"]),
        by_statement=_by_statement(found["claims"]),
        images=without_folders(images[0]),
        sections=_sections(environment.overlay(autoescape=False), figures, words),
        jobs=sorted(jobs, key=lambda job: -job["wall_seconds"]),
        machines=list({json.dumps(job["machine"]): job["machine"] for job in jobs}.values()),
        versions=_versions(jobs),
        data=[job for job in jobs if job["rule"] in ("data", "data_images")],
        finished=max(job["finished"] for job in jobs),
    )


def _rows(path: str | Path) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _statement(claim: Mapping) -> str:
    """Return the statement that a claim belongs to, "" if it is beyond the paper."""
    found = re.match(r"[TPC]\d(?=,)", claim["paper"])
    return found[0] if found else ""


def _by_statement(claims: Iterable[Mapping]) -> dict[str, Counter]:
    """Return how many verdicts of each kind the claims of each statement have."""
    counts: dict[str, Counter] = {}
    for claim in claims:
        counts.setdefault(_statement(claim), Counter())[claim["verdict"]] += 1
    return counts


def _sections(environment: Environment, figures: Iterable[str], words: Mapping) -> list[dict]:
    """Return the sections that have figures, each figure with its pictures and its words."""
    densities = words["config"]["densities"]
    waiting = {stem: list(those) for stem, those in groupby(sorted(figures), _stem)}
    shown: dict[str, list[dict]] = {title: [] for title in SECTIONS}
    for name, figure in FIGURES.items():
        for density in densities if figure.per_density else [""]:
            file = stem(name).format(density=density)
            if file not in waiting:
                continue
            measured = environment.from_string(figure.findings)
            shown[figure.section].append(
                {
                    "name": file,
                    "shows": figure.shows,
                    "rule": f"plot_{name}",
                    "see": figure.caption,
                    "pictures": [_picture(path) for path in waiting.pop(file)],
                    "measured": " ".join(measured.render(density=density, **words).split()),
                    "about": circumstances(densities[density]) if density else "",
                }
            )
    if waiting:
        raise ValueError(f"no figure is declared that makes {', '.join(waiting)}")
    return [{"title": title, "figures": those} for title, those in shown.items() if those]


def _stem(file: str) -> str:
    return Path(file).stem


def circumstances(entry: Mapping) -> str:
    """Return in a line what a density is, and what is trained on it."""
    train = entry["train"]
    sigmas = noise_levels(train["sigmas"])
    levels = f"sigma {_short(sigmas[0])}"
    if len(sigmas) > 1:
        levels = f"{len(sigmas)} noise levels from {_short(min(sigmas))} to {_short(max(sigmas))}"
    sizes = [f"{size:,} points" if isinstance(size, int) else size for size in train["sizes"]]
    kind = entry["kind"].replace("_", " ").capitalize()
    names = {"exact": "the density itself", "all": "all points"}
    sources = " and ".join(names.get(size, size) for size in sizes)
    return f"{kind}; trained on {sources}; {levels}; {train['seeds']} seeds."


def _picture(file: str) -> dict[str, Any]:
    """Return a picture as its page holds it: an address with all its bytes, and its size."""
    path = Path(file)
    with Image.open(path) as image:
        size = [round(length * SCREEN_WIDTH[path.suffix]) for length in image.size]
    data = base64.b64encode(path.read_bytes()).decode()
    return {
        "address": f"data:{TYPES[path.suffix]};base64,{data}",
        "width": size[0],
        "height": size[1],
    }


def _versions(jobs: Iterable[Mapping]) -> dict[str, str]:
    """Return the versions that any job used, by package; if they differ, all of them."""
    found: dict[str, set] = {}
    for job in jobs:
        for package, version in job["versions"].items():
            found.setdefault(package, set()).add(version)
    return {package: ", ".join(sorted(those)) for package, those in sorted(found.items())}


def _short(number: str | float) -> str:
    """Return a number with three digits, "" for none."""
    return "" if number == "" else f"{float(number):.3g}"


def _span(seconds: float) -> str:
    """Return a time span as a person would say it."""
    if seconds < 600:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)


def _symbols(text: str) -> str:
    """Return a text with the signs that its words stand for."""
    for word, sign in (("sigma", "\N{GREEK SMALL LETTER SIGMA}"), ("^2", "\N{SUPERSCRIPT TWO}")):
        text = text.replace(word, sign)
    return text
