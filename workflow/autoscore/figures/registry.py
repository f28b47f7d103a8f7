"""All figures by name, and which of them a configuration asks for."""

from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType

from autoscore.declarations import DeclarationError, collect, modules_of, one
from autoscore.figures.declaration import SECTIONS, STATEMENTS, Charted, Figure, Listed, OfImages


def declared(modules: Iterable[ModuleType]) -> dict[str, Figure]:
    """Return the figures that modules declare, in the order of the report.

    A figure is called as its module. Raises DeclarationError for wrong ones.
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
    if unknown := set(figure.shows) - STATEMENTS.keys():
        yield f"statement {min(unknown)!r} is unknown: use those of declaration.STATEMENTS"
    for file in () if callable(figure.reads) else figure.reads.values():
        if not file.startswith("results/"):
            yield f"it reads {file!r}: name a file in results/, as a rule makes it"


def _place(name: str, figure: Figure) -> tuple:
    """Return what figures are sorted by: section, then statement, then name."""
    statements = list(STATEMENTS)
    first = min((statements.index(shown) for shown in figure.shows), default=-1)
    return SECTIONS.index(figure.section), first, name


FIGURES = declared(modules_of(__name__, __file__))


def listed(kind: str, d: int) -> list[str]:
    """Return the figures that a density of this kind and dimension may name."""
    return [
        name
        for name, figure in FIGURES.items()
        if isinstance(figure.scope, Listed) and figure.scope.fits(kind, d)
    ]


def of_scope(scope: type) -> dict[str, Figure]:
    """Return the figures whose scope is of one class."""
    return {name: figure for name, figure in FIGURES.items() if isinstance(figure.scope, scope)}


def stem(name: str) -> str:
    """Return the name of a figure's files, with ``{density}`` where each density has one."""
    return f"{{density}}_{name}" if FIGURES[name].of_each_density else name


def settings_of(name: str, config: Mapping, density: str) -> dict:
    """Return what ``draw`` gets as ``settings``, with the plan of a figure of chains."""
    figure = FIGURES[name]
    plan = {}
    if isinstance(figure.scope, Charted):
        plan = {"plan": config["densities"][density]["sample"]["figures"][name]}
    return plan | figure.settings(config, density)


def log_of(name: str) -> str:
    """Return the log of a figure's rule, with ``{density}`` where each density has one."""
    own = "/{density}" if FIGURES[name].of_each_density else ""
    return f"results/logs/plot_{name}{own}.log"


def figure_files(config: Mapping, *, of_images: bool | None = None) -> list[str]:
    """Return the files of every figure that a configuration asks for.

    Parameters
    ----------
    config
        Completed.
    of_images
        If given, whether to return only the figures of images or only the others.
    """
    return [
        f"figures/{stem(name).format(density=subject)}.{kind}"
        for name, figure in FIGURES.items()
        if of_images is None or of_images == isinstance(figure.scope, OfImages)
        for subject in figure.scope.subjects(name, config)
        for kind in figure.formats
    ]


def index() -> str:
    """Return all figures as Markdown: a table per section, then the statements."""
    lines = []
    for section in SECTIONS:
        lines += [f"## {section}", ""]
        lines += ["| file | statements | rule | what to see in it |", "| --- | --- | --- | --- |"]
        for name, figure in FIGURES.items():
            if figure.section == section:
                file = stem(name).format(density="<density>")
                cells = [f"`{file}`", ", ".join(figure.shows), f"`plot_{name}`", figure.caption]
                lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
        lines.append("")
    lines += ["## The statements", ""]
    lines += [f"- **{name}**: {text}" for name, text in STATEMENTS.items()]
    return "\n".join(lines)


def figures_in_words() -> str:
    """Return which figures each sort of density may name, for the schema."""
    sorts: dict[str, list[str]] = {}
    for name, figure in of_scope(Listed).items():
        d = " or ".join(map(str, figure.scope.dimensions))
        sort = f"{figure.scope.of} with d = {d}" if d else figure.scope.of
        sorts.setdefault(sort, []).append(name)
    parts = [f"For {sort}: {', '.join(names)}." for sort, names in sorts.items()]
    return " ".join(parts)


def schema_of_charts() -> dict[str, dict]:
    """Return the schema's entries for figures of chains, by name."""
    return {
        name: {"description": figure.scope.about, "type": "string"}
        for name, figure in sorted(of_scope(Charted).items())
    }
