"""Data flows one way: no module imports from a floor above its own, and none in a circle."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter

import autoscore
from tests.unit.oracles import ROOT

FOLDER = ROOT / "workflow" / "autoscore"
FLOOR = re.compile(r"^- ((?:`\w+`(?:, )?)+):", re.MULTILINE)  # of the library's own docstring
FILES = [file for file in FOLDER.rglob("*.py") if file != FOLDER / "__init__.py"]


def name_of(file):
    parts = file.relative_to(FOLDER).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(file): file for file in FILES}


def imported(file):
    """The modules of the library that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autoscore"):
            place = node.module.removeprefix("autoscore").lstrip(".")
            for alias in node.names:
                inner = f"{place}.{alias.name}".lstrip(".")
                found.add(inner if inner in NAMES else place)
    return found & NAMES.keys()


GRAPH = {name: imported(file) - {name} for name, file in NAMES.items()}


def test_no_modules_import_one_another_in_a_circle():
    assert sum(map(len, GRAPH.values())) > 300
    assert len(list(TopologicalSorter(GRAPH).static_order())) == len(GRAPH)


def test_no_module_imports_from_a_floor_above_its_own():
    floor = {
        name: number
        for number, names in enumerate(FLOOR.findall(autoscore.__doc__))
        for name in re.findall(r"\w+", names)
    }
    assert floor.keys() == {name.partition(".")[0] for name in NAMES}
    upward = [
        f"{name} imports {other}"
        for name, others in GRAPH.items()
        for other in others
        if floor[name.partition(".")[0]] < floor[other.partition(".")[0]]
    ]
    assert upward == []


PLANNING = """
import sys
sys.path.insert(0, "workflow")
import autoscore.configuration, autoscore.figures.registry, autoscore.plan
heavy = ("torch", "matplotlib", "seaborn", "sympy", "scipy.spatial", "scipy.interpolate")
print([name for name in heavy if name in sys.modules])
"""


def test_planning_a_run_imports_no_heavy_library():
    command = [sys.executable, "-c", PLANNING]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    assert told == "[]\n"
