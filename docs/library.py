"""The index of the library: what is public, floor by floor, read from the sources alone."""

import ast
import copy
import re
from collections.abc import Iterator
from pathlib import Path

LIBRARY = Path("workflow/autoscore")
FLOOR = re.compile(r"^(``.+``)\n((?:    .+\n?)+)", re.MULTILINE)
Definition = ast.FunctionDef | ast.ClassDef


def library_index(root: Path) -> str:
    """Return the modules below the project's folder as Markdown, each with what is public in it.

    Floors and their order are those of the docstring of the library itself.

    Raises
    ------
    ValueError
        If a module is on no floor.
    """
    library = root / LIBRARY
    waiting = {file.relative_to(library) for file in library.rglob("*.py")}
    waiting = {place for place in waiting if place.name != "__init__.py"}
    lines = []
    for names, what in floors(ast.get_docstring(_syntax(library / "__init__.py"))):
        lines += [f"### {', '.join(f'`{name}`' for name in names)}", "", f"*{what}*", ""]
        for name in names:
            own = {place for place in waiting if place.parts[0] in (name, f"{name}.py")}
            waiting -= own
            for place in sorted(own):
                lines += [*_module(library, place), ""]
    if waiting:
        lost = ", ".join(place.as_posix() for place in sorted(waiting))
        raise ValueError(f"{lost}: on no floor; name it in the docstring of {LIBRARY}/__init__.py")
    return "\n".join(lines)


def floors(docstring: str) -> list[tuple[list[str], str]]:
    """Return the modules of each floor, and what it is for."""
    return [
        (re.findall(r"``(\w+)``", names), " ".join(what.split()))
        for names, what in FLOOR.findall(docstring)
    ]


def _syntax(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _module(library: Path, place: Path) -> Iterator[str]:
    """Yield a module's first sentence, and one for each thing that is public in it."""
    tree = _syntax(library / place)
    name = ".".join(place.with_suffix("").parts)
    link = f"[`autoscore.{name}`](../{(LIBRARY / place).as_posix()})"
    yield from [f"**{link}**: {_sentence(tree)}", ""]
    for node in _public(tree):
        if isinstance(node, ast.FunctionDef):
            yield f"- `{node.name}({_parameters(node)})`: {_sentence(node)}"
        else:
            made = [n for n in node.body if getattr(n, "name", "") == "__init__"]
            call = f"({_parameters(made[0])})" if made else ""
            has = f" Has {', '.join(_members(node))}." if _members(node) else ""
            yield f"- `{node.name}{call}`: {_sentence(node)}{has}"


def _public(node: ast.Module | ast.ClassDef) -> list[Definition]:
    """Return the functions and classes that are defined for others."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [n for n in node.body if isinstance(n, kinds) and not n.name.startswith("_")]


def _members(node: ast.ClassDef) -> list[str]:
    """Return the fields and methods that a class adds to those of its bases."""
    annotated = [n.target for n in node.body if isinstance(n, ast.AnnAssign)]
    fields = [f"`{target.id}`" for target in annotated if not target.id.startswith("_")]
    return fields + [f"`{method.name}()`" for method in _public(node)]


def _parameters(function: ast.FunctionDef) -> str:
    """Return a function's parameters with their defaults and without their types."""
    bare = copy.deepcopy(function.args)
    for argument in ast.walk(bare):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return re.sub(r"^(self|cls)(, |$)", "", ast.unparse(bare))


def _sentence(node: ast.Module | Definition) -> str:
    """Return the first sentence of a docstring, on one line."""
    text = " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z])", text.replace("``", "`"))[0]
