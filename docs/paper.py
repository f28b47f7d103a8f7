"""The paper, item by item: what it says, where that is reproduced, and what came out."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from autoscore.configuration import ConfigurationError, read_yaml
from autoscore.figures.declaration import STATEMENT, OfPaper
from autoscore.figures.registry import FIGURES, of_scope
from autoscore.validation.schemas import schema_mistakes
from docs.parts import anchor, table
from docs.verdicts import judged

ITEMS = Path("docs/paper.yaml")
SCHEMA = Path("workflow/schemas/paper.schema.yaml")
HEAD = ["in the paper", "it says", "verdict", "headline number", "checks and figures"]
FIGURE_HEAD = ["in the paper", "it shows", "ours", "verdict", "headline number", "checks"]


class Items:
    """The items of docs/paper.yaml, with the claims as `docs.verdicts.judged` returns them.

    Raises ConfigurationError, with a line per mistake, if an item names an unknown claim or figure,
    or if a claim on a statement of the paper, or a figure of the paper, belongs to none.
    """

    def __init__(self, items: list[dict], schema: dict, claims: pd.DataFrame) -> None:
        self.claims = claims
        mistakes = schema_mistakes(schema, items, "the list")
        if not mistakes:
            self.items = items
            self.stated = [item for item in items if item["kind"] != "figure"]
            self.named = {name for item in self.stated for name in _names(item)}
            mistakes = list(self._mistakes())
        if mistakes:
            raise ConfigurationError("\n  ".join([f"{ITEMS} cannot be used:", *mistakes]))

    def ids(self, names: list[str]) -> list[str]:
        """Return the ids of the claims with these names, each once."""
        claims = self.claims
        by_id = claims.index.isin(names) | claims["family"].isin(names)
        spoken_for = claims.index.isin(self.named) | claims["family"].isin(self.named)
        return claims.index[by_id | (claims["statement"].isin(names) & ~spoken_for)].tolist()

    def headline(self, item: dict) -> str | None:
        """Return the id of the claim that decides, None if the item has no claim."""
        return item.get("headline", next(iter(self.ids(item.get("claims", []))), None))

    def _mistakes(self) -> Iterator[str]:
        known = {*self.claims.index, *self.claims["family"], *self.claims["statement"]}
        for item in self.items:
            place = title(item)
            for name in _names(item):
                if name not in known:
                    yield f"{place} names the claim {name}, which config/claims.yaml does not have"
            for name in item.get("figures", []):
                if name not in FIGURES:
                    yield f"{place} names the figure {name}; allowed: {', '.join(FIGURES)}"
            if item.get("headline") not in [None, *self.ids(item.get("claims", []))]:
                yield f"{place} has the headline {item['headline']}; allowed: one of its claims"
        of_paper = self.claims["statement"].str.fullmatch(STATEMENT)
        covered = {name for item in self.stated for name in self.ids(_names(item))}
        for name in self.claims.index[of_paper]:
            if name not in covered:
                yield f"the claim {name} belongs to no theorem, proposition or section: add it"
        drawn = {_module(item) for item in self.items if item["kind"] == "figure"}
        for name in of_scope(OfPaper):
            if name not in drawn:
                yield f"the figure {name} of the paper has no item: add it"

    def verdict(self, item: dict) -> str:
        """Return the verdict: the headline must hold, and the claims that fail are its limits."""
        ids, headline = self.ids(item.get("claims", [])), self.headline(item)
        verdicts = self.claims.loc[ids, "verdict"]
        if not ids or verdicts[headline] == "NOT TESTED":
            return "not tested"
        if verdicts[headline] == "FAIL":
            return "**does not hold**"
        failed = verdicts.index[verdicts == "FAIL"]
        missing = (verdicts == "NOT TESTED").sum()
        limits = f" within limits: {_codes(failed)} fail" if len(failed) else ""
        return f"holds{limits}" + f" ({missing} of {len(ids)} checks not run yet)" * bool(missing)

    def number(self, item: dict) -> str:
        """Return the headline's number, its interval and what was required of it."""
        name = self.headline(item)
        if name is None or pd.isna((row := self.claims.loc[name])["value"]):
            return ""
        interval = f" [{row['low']:.4g}, {row['high']:.4g}]" if row["low"] < row["high"] else ""
        return f"{row['value']:.4g}{interval}; `{name}` requires {row['requirement']}"

    def checks(self, item: dict) -> str:
        """Return the item's claims, and those that go further, by the names that it gives."""
        texts = []
        for key, before in (("claims", ""), ("further", "beyond it: ")):
            counted = [(name, len(self.ids([name]))) for name in item.get(key, [])]
            named = ", ".join(f"`{name}`" + f" ({n})" * (n > 1) for name, n in counted if n)
            texts += [before + named] if named else []
        return "; ".join(texts)

    def text(self) -> str:
        """Return the tables of statements and figures, and what could not be tested."""
        rows = [
            [title(one), one["says"], self.verdict(one), self.number(one), self._reproduced(one)]
            for one in self.stated
        ]
        shown = [
            [title(one), one["says"], _ours(one), self.verdict(one), self.number(one),
             self.checks(one)]
            for one in self.items if one["kind"] == "figure"
        ]  # fmt: skip
        untested = [f"- {title(one)}: {one['untested']}" for one in self.items if "untested" in one]
        parts = ["## What it says", "", *table(HEAD, rows), "", "## What it shows", ""]
        parts += [*table(FIGURE_HEAD, shown), "", "## What could not be tested", "", *untested]
        return "\n".join(parts)

    def _reproduced(self, item: dict) -> str:
        return "; ".join(filter(None, [self.checks(item), _figures(item)]))


def title(item: dict) -> str:
    """Return what an item is called, such as Theorem 1."""
    return f"{item['kind'].capitalize()} {item['number']}"


def _names(item: dict) -> list[str]:
    return [*item.get("claims", []), *item.get("further", [])]


def _module(item: dict) -> str:
    """Return the name of the module that draws a figure of the paper."""
    return f"figure_{item['number']}"


def _codes(names: pd.Index) -> str:
    return ", ".join(f"`{name}`" for name in names)


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


def paper_tables(root: Path) -> str:
    """Return what docs/paper.md says of the paper, from docs/paper.yaml and the last verdicts."""
    return Items(read_yaml(root / ITEMS), read_yaml(root / SCHEMA), judged(root)).text()
