"""The examples in the library's docstrings print what they say."""

import doctest
from importlib import import_module

import pytest

from tests.unit.oracles import ROOT

SOURCES = ROOT / "workflow"
MODULES = [
    ".".join(file.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
    for file in sorted((SOURCES / "autoscore").rglob("*.py"))
    if ">>> " in file.read_text(encoding="utf-8")
]


def test_the_main_interfaces_have_examples():
    assert {f"autoscore{name}" for name in (
        "", ".fields", ".configuration", ".combination", ".densities.mixtures",
        ".densities.kernels", ".densities.energies", ".optimum.dae", ".samplers.chains",
    )} <= set(MODULES)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name):
    failed, tried = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert (failed, tried > 0) == (0, True)
