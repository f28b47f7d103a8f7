"""A hash of the code of a job: its script and all of our modules that it imports.

Snakemake sees changes of a script, but not of its imports; the hash is therefore a param of each
rule. Docstrings and comments do not count. Versions of imported packages do: they may change
numbers or pictures.
"""

import ast
import hashlib
import json
import os
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

LIBRARY = Path(__file__).parents[1]
KEPT = Path(".snakemake/code.json")  # cache of parsed modules: parsing takes seconds
PACKAGES = "arviz_stats matplotlib numba numpy pandas pyamg scipy seaborn sklearn sympy torch"
DISTRIBUTIONS = {  # distributions that results depend on, by import name
    name: {"sklearn": "scikit-learn"}.get(name, name.replace("_", "-")) for name in PACKAGES.split()
}
PARSER = sys.version.encode() + Path(__file__).read_bytes()  # a change of either empties the cache


class Module(NamedTuple):
    """What a Python file imports, and a hash of its code."""

    names: list[str]
    code: str


def code(*modules: str) -> str:
    """Return a hash of these modules (``scripts.train``) and all of ours that they import."""
    waiting, seen = [_file(name) for name in modules], set()
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting.extend(_imported(file))
    sheets = {sheet for file in seen for sheet in file.parent.glob("*.mplstyle")}
    content = "".join(_module(file).code for file in sorted(seen))
    content += "".join(sheet.read_text(encoding="utf-8") for sheet in sorted(sheets))
    packages = {name.partition(".")[0] for file in seen for name in _module(file).names}
    content += "".join(map(_release, sorted(packages & DISTRIBUTIONS.keys())))
    return hashlib.sha256(content.encode()).hexdigest()[:16]


@cache
def _release(package: str) -> str:
    """Return name and version without the build (2.13.0+cpu), which depends on the machine."""
    try:
        return f"{package} {version(DISTRIBUTIONS[package]).partition('+')[0]} "
    except PackageNotFoundError:  # installed only in the jobs' environment
        return ""


def keep() -> None:
    """Cache what was parsed for the next run, if Snakemake's folder exists."""
    used = {_key(file.read_bytes()): _module(file) for file in _looked_at}
    if used == _kept() or not KEPT.parent.is_dir():
        return
    part = KEPT.with_suffix(f".{os.getpid()}")
    with suppress(OSError):  # not writable
        part.write_text(json.dumps(used), encoding="utf-8")
        part.replace(KEPT)


_looked_at: set[Path] = set()


@cache
def _module(file: Path) -> Module:
    _looked_at.add(file)
    text = file.read_bytes()
    return _kept().get(_key(text)) or _parse(text)


@cache
def _imported(file: Path) -> set[Path]:
    """Return which of our files a file imports."""
    return {found for found in map(_file, _module(file).names) if found.is_file()}


def _file(name: str) -> Path:
    return LIBRARY.joinpath(*name.split(".")).with_suffix(".py")


@cache
def _kept() -> dict[str, Module]:
    with suppress(OSError, ValueError, TypeError, AttributeError):  # missing or damaged
        found = json.loads(KEPT.read_text(encoding="utf-8"))
        return {key: Module(*parsed) for key, parsed in found.items()}
    return {}


def _key(text: bytes) -> str:
    return hashlib.sha256(PARSER + text).hexdigest()


def _parse(text: bytes) -> Module:
    tree = ast.parse(text)
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(node.module)
        match getattr(node, "body", None):
            case [ast.Expr(value=ast.Constant(value=str()) as docstring), *_]:
                docstring.value = ""
    return Module(sorted(names), hashlib.sha256(ast.dump(tree).encode()).hexdigest())
