"""All figures by name, and which of them a configuration asks for."""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType

from autoscore.declarations import DeclarationError, collect, modules_of, one
from autoscore.figures.declaration import (
    PAPER,
    SECTIONS,
    STATEMENT,
    Charted,
    Figure,
    Listed,
    OfImages,
    OfPaper,
)

NUMBERED = "figure_[1-9]"  # names of the paper's figures
SEEDS = "Unless a caption says otherwise, lines are means over seeds, and bands their range."
CONTACT_SHEET = "figures/paper/contact_sheet.png"


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
    numbered = isinstance(figure.scope, OfPaper)
    if numbered and not figure.paper:
        yield "it is a figure of the paper: say in `paper` what the paper's shows"
    if numbered and not re.fullmatch(NUMBERED, name):
        yield "it is a figure of the paper: name its module after its number, such as figure_3"
    if numbered != (figure.section == PAPER):
        yield "the scope OfPaper and the section PAPER go together"
    if not numbered and (figure.paper or figure.deviations):
        yield "only figures of scope OfPaper say what the paper's shows, and how ours deviates"
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


def paper_pictures(config: Mapping) -> dict[str, str]:
    """Return the PNG of each of the paper's figures whose results a configuration makes."""
    return {
        name: f"figures/{stem(name)}.png"
        for name, figure in of_scope(OfPaper).items()
        if "png" in figure.formats and figure.scope.subjects(name, config)
    }


def paper_files(config: Mapping) -> list[str]:
    """Return the files of the paper's figures that a configuration makes, and their sheet."""
    files = [file for file in figure_files(config) if file.startswith("figures/paper/")]
    return [*files, CONTACT_SHEET] if paper_pictures(config) else files


def paper_words() -> dict[str, str]:
    """Return the first sentence of the caption of each of the paper's figures."""
    words = of_scope(OfPaper).items()
    return {name: figure.caption.partition(". ")[0] for name, figure in words}


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
    """Return all figures as Markdown, by section, then the paper's statements by id.

    The paper's figures have a paragraph each, the others a row of a table.
    """
    lines = [SEEDS, ""]
    for section in dict.fromkeys(figure.section for figure in FIGURES.values()):
        those = {name: figure for name, figure in FIGURES.items() if figure.section == section}
        rows = [_row(*item) for item in those.items() if not isinstance(item[1].scope, OfPaper)]
        head = ["| file | statements | rule | what to see in it |", "| --- | --- | --- | --- |"]
        lines += [f"## {section}", ""]
        for name, figure in those.items():
            lines += _paragraphs(name, figure) if isinstance(figure.scope, OfPaper) else []
        lines += [*head, *rows, ""] if rows else []
    lines += ["## The statements", ""]
    lines += [f"- {text}" for name, text in statements.items() if re.fullmatch(STATEMENT, name)]
    return "\n".join(lines)


def _row(name: str, figure: Figure) -> str:
    file = stem(name).format(density="<density>")
    cells = [f"`{file}`", ", ".join(figure.shows), f"`plot_{name}`", figure.caption]
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _paragraphs(name: str, figure: Figure) -> list[str]:
    """Return what the paper's figure shows, what ours shows, and where it differs."""
    about = ", ".join([f"`{stem(name)}`", f"rule `plot_{name}`", *figure.shows])
    lines = [f"### {name.replace('_', ' ').capitalize()}", "", f"{about}.", ""]
    lines += [f"**In the paper:** {figure.paper}.", "", f"**Ours:** {figure.caption}.", ""]
    deviations = [f"- {text}" for text in figure.deviations]
    return [*lines, "**What differs:**", "", *deviations, ""] if deviations else lines


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
