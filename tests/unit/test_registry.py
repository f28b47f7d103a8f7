from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from autoscore.declarations import DeclarationError
from autoscore.densities import curves
from autoscore.densities.registry import declared, dimension, make_density

POINTS = [[1.5, -2.0], [3e-3, 4.0], [5.0, 6.0]]


def test_a_sample_file_becomes_its_points(tmp_path):
    np.save(tmp_path / "points.npy", np.array(POINTS))
    entry = {"kind": "samples", "path": str(tmp_path / "points.npy")}
    density = make_density(entry)
    assert density.bandwidth == 0
    assert dimension(entry) == 2
    np.testing.assert_array_equal(density.points, POINTS)


@pytest.mark.parametrize("columns", [["b"], ["c", "a"]])
def test_columns_and_missing_values_are_those_of_the_entry(columns, tmp_path):
    (tmp_path / "points.csv").write_text("a,b,c\n1,2,3\n4,NA,NA\n7,8,9\n", encoding="utf-8")
    entry = {"kind": "samples", "path": str(tmp_path / "points.csv")}
    entry |= {"columns": columns, "missing": "drop"}
    expected = {"a": [1, 7], "b": [2, 8], "c": [3, 9]}
    assert make_density(entry).points.T.tolist() == [expected[name] for name in columns]
    assert dimension(entry) == len(columns)


@pytest.mark.parametrize("missing", ["refuse", "drop"])
def test_the_dimension_of_a_file_is_that_of_its_present_content(missing, tmp_path):
    entry = {"kind": "samples", "path": str(tmp_path / "points.csv"), "missing": missing}
    for columns in (1, 3):
        np.savetxt(entry["path"], np.random.default_rng(0).normal(size=(9, columns)), delimiter=",")
        assert dimension(entry) == columns


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("curve", "toy: 'curve' is declared in"),
        ("toy", "toy: key 'coordinates' belongs to kind curve as well"),
    ],
)
def test_a_wrong_declaration_names_its_module_and_the_remedy(name, message):
    toy = ModuleType("toy")
    toy.KIND = replace(curves.KIND, name=name)
    with pytest.raises(DeclarationError, match=message):
        declared([curves, toy])
