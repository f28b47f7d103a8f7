"""All figures by name, and which of them a configuration asks for."""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType

from autoscore.declarations import DeclarationError, collect, modules_of, one
from autoscore.figures.declaration import (
    SECTIONS,
    STATEMENT,
    Charted,
    Figure,
    Listed,
    OfImages,
    OfPaper,
)


def declared(modules: Iterable[ModuleType]) -> dict[str, Figure]:
    """Return the figures that modules declare, in the order of the report.

    Raises DeclarationError for a wrong declaration.
    """
    modules = list(modules)
    for module in modules:
        if hasattr(module, "draw") and not hasattr(module, "FIGURE"):
            raise DeclarationError(f"{module.__name__}: it has draw but no FIGURE: declare one")
    figures = collect(modules, one("FIGURE"), _mistakes)
    return dict(sorted(figures.items(), key=lambda item: _place(*item)))


def _mistakes(module: ModuleType, name: str, figure: Figure) -> Iterator[str]:
    if not callable(getattr(module, "draw", None)):
        yield "it declares FIGURE but has no draw(inputs, outputs, settings): add that function"
    if figure.section not in SECTIONS:
        yield f"section {figure.section!r} is unknown: use one of declaration.SECTIONS"
    if isinstance(figure.scope, OfPaper) and not figure.paper:
        yield "it is a figure of the paper: say in `paper` what the paper's shows"
    for shown in figure.shows:
        if not re.fullmatch(STATEMENT, shown):
            yield f"statement {shown!r} is unknown: use an id of config/claims.yaml, such as C1"
    for file in () if callable(figure.reads) else figure.reads.values():
        if not file.startswith("results/"):
            yield f"it reads {file!r}: name a file in results/, as a rule makes it"


def _place(name: str, figure: Figure) -> tuple:
    """Return the sort key: section, first statement in the paper's order, name (or number)."""
    if isinstance(figure.scope, OfPaper):
        return SECTIONS.index(figure.section), (), name
    first = min((("TPC".index(shown[0]), shown) for shown in figure.shows), default=())
    return SECTIONS.index(figure.section), first, name


FIGURES = declared(modules_of(__name__, __file__))


def listed(kind: str, d: int) -> list[str]:
    """Return the figures that a density of this kind and dimension may list."""
    return [name for name, figure in of_scope(Listed).items() if figure.scope.fits(kind, d)]


def of_scope(scope: type) -> dict[str, Figure]:
    """Return the figures whose scope is of one class."""
    return {name: figure for name, figure in FIGURES.items() if isinstance(figure.scope, scope)}


def stem(name: str) -> str:
    """Return the name of a figure's files, with ``{density}`` where each density has one."""
    if isinstance(FIGURES[name].scope, OfPaper):
        return f"paper/{name}"
    return f"{{density}}_{name}" if FIGURES[name].per_density else name


def settings_of(name: str, config: Mapping, density: str) -> dict:
    """Return what ``draw`` gets as ``settings``."""
    figure = FIGURES[name]
    return figure.scope.settings(name, config, density) | figure.settings(config, density)


def paper_files(config: Mapping) -> list[str]:
    """Return the files of the paper's numbered figures whose results a configuration makes."""
    return [file for file in figure_files(config) if file.startswith("figures/paper/")]


def figure_files(config: Mapping, *, of_images: bool | None = None) -> list[str]:
    """Return the files of every figure that a completed configuration asks for.

    `of_images` selects image figures only (True) or all others (False).
    """
    return [
        f"figures/{stem(name).format(density=subject)}.{extension}"
        for name, figure in FIGURES.items()
        if of_images is None or of_images == isinstance(figure.scope, OfImages)
        for subject in figure.scope.subjects(name, config)
        for extension in figure.formats
    ]


def index(statements: Mapping[str, str]) -> str:
    """Return all figures as Markdown, a table per section, then the paper's statements by id."""
    lines = []
    for section in dict.fromkeys(figure.section for figure in FIGURES.values()):
        lines += [f"## {section}", ""]
        lines += ["| file | statements | rule | what to see in it |", "| --- | --- | --- | --- |"]
        for name, figure in FIGURES.items():
            if figure.section == section:
                file = stem(name).format(density="<density>")
                caption = " ".join([figure.caption, *figure.deviations])
                cells = [f"`{file}`", ", ".join(figure.shows), f"`plot_{name}`", caption]
                lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
        lines.append("")
    lines += ["## The statements", ""]
    lines += [f"- {text}" for name, text in statements.items() if re.fullmatch(STATEMENT, name)]
    return "\n".join(lines)


def figures_in_words() -> str:
    """Return which figures each sort of density may list, for the schema."""
    sorts: dict[str, list[str]] = {}
    for name, figure in of_scope(Listed).items():
        d = " or ".join(map(str, figure.scope.dimensions))
        sort = f"{figure.scope.trait} with d = {d}" if d else figure.scope.trait
        sorts.setdefault(sort, []).append(name)
    return " ".join(f"For {sort}: {', '.join(names)}." for sort, names in sorts.items())


def schema_of_charts() -> dict[str, dict]:
    """Return the schema's entries for figures of chains, by name."""
    return {
        name: {"description": figure.scope.about, "type": "string"}
        for name, figure in sorted(of_scope(Charted).items())
    }
