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

from autoscore.grids import noise_levels
from autoscore.records import without_folders

TYPES = {".png": "image/png", ".gif": "image/gif"}
SCREEN_WIDTH = {".png": 0.6, ".gif": 1.0}  # of its pixels: print has more of them to the inch


def index(captions: Mapping) -> str:
    """Return the captions as Markdown: a table a section, then the statements."""
    lines = []
    for section in captions["sections"]:
        lines += [f"## {section['title']}", ""]
        lines += ["| file | statement | rule | what to see in it |", "| --- | --- | --- | --- |"]
        for entry in section["figures"]:
            shown = ", ".join(entry["shows"])
            cells = [f"`{entry['name']}`", shown, f"`{entry['rule']}`", entry["see"]]
            lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
        lines.append("")
    lines += ["## The statements", ""]
    lines += [f"- **{name}**: {text}" for name, text in captions["statements"].items()]
    return "\n".join(lines) + "\n"


def render(
    template: str,
    captions: Mapping,
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
    captions
        The content of ``workflow/report/figures.yaml``: statements, and sections with figures.
    config
        The completed configuration of the run.
    figures
        Files of pictures, .png and .gif; each must have a caption.
    records
        Files of the jobs' records, see `autoscore.records`.
    tables
        Files of ``claims`` and ``order``, and, where the run has some, ``images``.

    Raises
    ------
    ValueError
        If a figure has no caption.
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
        captions=captions,
        claims=found["claims"],
        counts=Counter(row["verdict"] for row in found["claims"]),
        by_statement=_by_statement(found["claims"]),
        images=without_folders(images[0]),
        sections=_sections(environment.overlay(autoescape=False), captions, figures, words),
        jobs=sorted(jobs, key=lambda job: -job["wall_seconds"]),
        machines=list({json.dumps(job["machine"]): job["machine"] for job in jobs}.values()),
        versions=_versions(jobs),
        data=[job for job in jobs if job["rule"] in ("make_data", "get_images")],
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


def _sections(
    environment: Environment, captions: Mapping, figures: Iterable[str], words: Mapping
) -> list[dict]:
    """Return the sections that have figures, each figure with its pictures and its words."""
    densities = words["config"]["densities"]
    waiting = {stem: list(those) for stem, those in groupby(sorted(figures), _stem)}
    sections = []
    for section in captions["sections"]:
        shown = []
        for entry in section["figures"]:
            for density in densities if "<density>" in entry["name"] else [""]:
                name = entry["name"].replace("<density>", density)
                files = waiting.pop(name, [])
                measured = environment.from_string(entry.get("measured", ""))
                added = {
                    "name": name,
                    "pictures": [_picture(file) for file in files],
                    "measured": " ".join(measured.render(density=density, **words).split()),
                    "about": circumstances(densities[density]) if density else "",
                }
                shown += [entry | added] if files else []
        sections += [{"title": section["title"], "figures": shown}] if shown else []
    if waiting:
        without = ", ".join(waiting)
        raise ValueError(f"no caption for {without}: add one to workflow/report/figures.yaml")
    return sections


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
