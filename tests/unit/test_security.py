"""What the sources never do: run text as code, unpickle, or let a setting reach a shell."""

import ast
import re
from types import SimpleNamespace

import pytest
from snakemake.parser import parse
from snakemake.sourcecache import LocalSourceFile

from tests.workflow.project import ROOT

PICKLING = {"pickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
CALLS = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput"),
    *("torch.load", "torch.save", "pandas.read_pickle", "pandas.eval"),
    *("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load"),
    *("sympy.sympify", "sympy.parse_expr", "sympy.lambdify", "ssl._create_unverified_context"),
}
SHELLS = {"os.system", "os.popen", "subprocess", "pty"}
ARGUMENTS = {"shell", "allow_pickle", "trust_remote_code"}
LITERAL = {"query", "eval"}  # methods of tables that run an expression: only one written here
# a command knows only the paths that the rules themselves spell, each quoted
PLACEHOLDER = re.compile(r"\{(?!(?:input|output|log)(?:\.\w+|\[\d+\])?:q\})[^{}]*\}")

ALLOWED = {
    "preloaded.py": ["subprocess"],  # a list of words without a shell, of which none is a setting
}

SOURCES = sorted((ROOT / "workflow").rglob("*.py"))
RULES = [ROOT / "Snakefile", ROOT / "workflow/Snakefile"]
RULES += sorted((ROOT / "workflow/rules").glob("*.smk"))


def compiled(rules):
    """Return the Python that Snakemake makes of a file of rules."""
    opened = SimpleNamespace(open=lambda _: rules.open(encoding="utf-8"))
    return parse(LocalSourceFile(str(rules)), SimpleNamespace(sourcecache=opened), {})[0]


def full_names(tree):
    """Return what imported names stand for."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.asname: a.name for a in node.names if a.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def modules(node):
    """Return the modules that a statement imports from."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def call_offences(node, names):
    """Yield what is wrong with a call."""
    first, *rest = ast.unparse(node.func).split(".")
    name = ".".join([names.get(first, first), *rest])
    if name in CALLS:
        yield name
    written = all(isinstance(argument, ast.Constant) for argument in node.args)
    if rest and rest[-1] in LITERAL and not written and "KDTree" not in name:
        yield ast.unparse(node)
    if name == "workflow.shellcmd":
        command = node.args[0]
        if not isinstance(command, ast.Constant):
            yield f"a command that is put together: {ast.unparse(command)}"
        else:
            yield from PLACEHOLDER.findall(command.value)
    for keyword in node.keywords:
        value = keyword.value
        if keyword.arg in ARGUMENTS and not (isinstance(value, ast.Constant) and not value.value):
            yield f"{keyword.arg}={ast.unparse(value)}"


def offences(text):
    """Return what a source does that none may."""
    tree = ast.parse(text)
    names = full_names(tree)
    found = []
    for node in ast.walk(tree):
        found += [name for name in modules(node) if name.split(".")[0] in PICKLING | SHELLS]
        if isinstance(node, ast.Call):
            found += call_offences(node, names)
    return found


@pytest.mark.parametrize("file", SOURCES + RULES, ids=lambda file: file.name)
def test_no_source_runs_text_or_unpickles(file):
    text = compiled(file) if file in RULES else file.read_text(encoding="utf-8")
    assert offences(text) == ALLOWED.get(file.name, [])


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from subprocess import run",
        "eval(text)",
        "import os as o\no.system('ls')",
        "from torch import load as read\nread(path)",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "import numpy as np\nnp.load(path, allow_pickle=asked)",
        "import yaml\nyaml.load(text, yaml.Loader)",
        "table.query(text)",
        "table.query(f'{name} > 0')",
        "workflow.shellcmd('cp {input} there')",
        "workflow.shellcmd('cp {params.name:q} there')",
        "workflow.shellcmd('cp ' + name)",
    ],
)
def test_the_search_finds_what_it_searches_for(text):
    assert offences(text)


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\nnp.load(path, allow_pickle=False)",
        "import yaml\nyaml.safe_load(text)",
        "table.query('a > 0')",
        "workflow.shellcmd('cp {input:q} there 2> {log[0]:q}')",
    ],
)
def test_the_search_finds_nothing_else(text):
    assert offences(text) == []
