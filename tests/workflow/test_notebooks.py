"""The notebooks of the documentation run, in a folder and an order of their own."""

import os

import nbformat
import pytest
from nbclient import NotebookClient

from tests.unit.oracles import ROOT

pytestmark = pytest.mark.slow
NOTEBOOKS = sorted((ROOT / "docs").glob("*.ipynb"))


def test_there_are_some():
    assert [path.stem for path in NOTEBOOKS] == ["theory", "tutorial"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_is_stored_without_outputs(path, tmp_path, monkeypatch):
    book = nbformat.read(path, as_version=4)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)
    monkeypatch.setenv("PYTHONPATH", os.fspath(ROOT / "workflow"))
    client = NotebookClient(book, timeout=600, kernel_name="python3")
    client.execute(cwd=os.fspath(tmp_path))
    assert all(cell.execution_count for cell in cells)
