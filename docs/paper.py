"""The paper, item by item: what it says, where that is reproduced, and what came out."""

from pathlib import Path

import pandas as pd

from autoscore.configuration import ConfigurationError
from autoscore.figures.declaration import OfPaper
from autoscore.figures.registry import FIGURES, of_scope
from autoscore.verify.verdicts import limits
from docs.parts import anchor, table
from docs.verdicts import ITEMS, judged

HEAD = ["in the paper", "it says", "verdict", "headline", "limits", "checks and figures"]
FIGURE_HEAD = ["in the paper", "it shows", "ours", "verdict", "headline", "limits", "checks"]


def paper_tables(root: Path) -> str:
    """Return what docs/paper.md says of the paper, from config/statements.yaml and the last run.

    Raises ConfigurationError if a figure is unknown, or one of the paper has no item.
    """
    items, verdicts, places = judged(root)
    if mistakes := _mistakes(items):
        raise ConfigurationError("\n  ".join([f"{ITEMS} cannot be used:", *mistakes]))
    parts: list[str] = []
    for heading, head, kinds in (
        ("What it says", HEAD, ("equations", "theorem", "proposition", "section")),
        ("What it shows", FIGURE_HEAD, ("figure",)),
        ("What goes beyond it", ["beyond the paper", "it is claimed", *HEAD[2:]], ("beyond",)),
    ):
        rows = [_row(item, verdicts, places) for item in items if item["kind"] in kinds]
        parts += [f"## {heading}", "", *table(head, rows), ""]
    untested = [f"- {item['title']}: {item['untested']}" for item in items if "untested" in item]
    return "\n".join([*parts, "## What could not be tested", "", *untested])


def _mistakes(items: list[dict]) -> list[str]:
    mistakes = [
        f"{item['title']} names the figure {name}; allowed: {', '.join(FIGURES)}"
        for item in items
        for name in item.get("figures", [])
        if name not in FIGURES
    ]
    drawn = {_module(item) for item in items if item["kind"] == "figure"}
    missing = [name for name in of_scope(OfPaper) if name not in drawn]
    return mistakes + [f"the figure {name} of the paper has no item: add it" for name in missing]


def _row(item: dict, verdicts: pd.DataFrame, places: pd.DataFrame) -> list[str]:
    found = verdicts.loc[item["title"]]
    own = places[places["family"].isin(item.get("families", []))]
    headline = f"`{found['headline']}` {found['number']}" if found["headline"] else ""
    bad = found["verdict"] in ("not supported", "contradicted")
    verdict = f"**{found['verdict']}**" if bad else found["verdict"]
    shown = [item["title"], item["says"]]
    shown += [_ours(item)] if item["kind"] == "figure" else []
    last = [_checks(item)] if item["kind"] == "figure" else [_checks(item), _figures(item)]
    return [*shown, verdict, headline, "; ".join(limits(own)), "; ".join(filter(None, last))]


def _checks(item: dict) -> str:
    texts = []
    for key, before in (("families", ""), ("further", "beyond it: ")):
        if names := item.get(key):
            texts.append(before + ", ".join(f"`{name}`" for name in names))
    return "; ".join(texts)


def _module(item: dict) -> str:
    """Return the name of the module that draws a figure of the paper."""
    return f"figure_{item['number']}"


def _link(name: str) -> str:
    """Return a link to a figure's section of the list of figures, where its caption is."""
    return f"[{name}](../figures/README.md#{anchor(FIGURES[name].section)})"


def _figures(item: dict) -> str:
    links = ", ".join(_link(name) for name in item.get("figures", []))
    return f"figures {links}" if links else ""


def _ours(item: dict) -> str:
    """Return the figure of the paper as drawn here, with what differs, and others of its kind."""
    name, others = _module(item), _figures(item)
    own, differs = "not drawn", []
    if name in FIGURES:
        own, differs = _link(name), [text.rstrip(".") for text in FIGURES[name].deviations]
    return "; ".join(filter(None, [own, *differs, others]))
