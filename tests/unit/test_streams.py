import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from autoscore.numerics.streams import entropy, generator
from tests.unit.oracles import ROOT

NAMES = ("train", "three_wells", "dae", 3)


def first(seed, *names):
    return generator(seed, *names).standard_normal(4)


def test_the_same_names_give_the_same_stream():
    np.testing.assert_array_equal(first(1, *NAMES), first(1, *NAMES))


@pytest.mark.parametrize(
    "names",
    [
        ("score", "three_wells", "dae", 3),
        ("train", "mixture", "dae", 3),
        ("train", "three_wells", "rcae", 3),
        ("train", "three_wells", "dae", 4),
        ("train", "three_wells", "dae", "3"),
        ("train", "three_wells", "dae"),
        ("train", "three_wells", "dae", 3, 0),
        ("three_wells", "train", "dae", 3),
        ("train/three_wells", "dae", 3),
        ("trainthree_wells", "dae", 3),
    ],
)
def test_every_name_changes_the_stream(names):
    assert entropy(1, *names) != entropy(1, *NAMES)
    assert not np.isclose(first(1, *names), first(1, *NAMES)).any()


def test_the_seed_changes_the_stream():
    assert len({entropy(seed, *NAMES) for seed in range(50)}) == 50
    assert entropy(1, 1) != entropy(11)


def test_other_streams_change_nothing():
    alone = generator(1, *NAMES)
    half = alone.standard_normal(2)
    generator(1, "train", "new_density", "dae", 3).standard_normal(1000)
    generator(1, *NAMES).standard_normal(7)
    np.testing.assert_array_equal([*half, *alone.standard_normal(2)], first(1, *NAMES))


def test_neighbouring_streams_are_uncorrelated():
    draws = np.stack([generator(0, "member", k).standard_normal(4000) for k in range(20)])
    off_diagonal = np.corrcoef(draws)[np.triu_indices(20, 1)]
    assert np.abs(off_diagonal).max() < 5.5 / np.sqrt(4000)  # 190 pairs: false alarm below 1e-5


def test_entropy_fills_128_bits():
    bits = np.array([[entropy(0, k) >> bit & 1 for bit in range(130)] for k in range(200)])
    assert bits[:, :128].any(0).all()
    assert not bits[:, :128].all(0).any()
    assert not bits[:, 128:].any()


def test_streams_do_not_depend_on_the_process():
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from autoscore.numerics.streams import *; print(entropy(1, *{NAMES}))",
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(found.stdout) == entropy(1, *NAMES)


def test_a_number_names_the_same_stream_whatever_its_type():
    assert entropy(1, "start", np.int64(3)) == entropy(1, "start", 3)


def test_what_was_renamed_keeps_its_stream():
    old = hashlib.sha256(b"1/'ring'/'ensemble'/'plan-learned-ensemble-mala'/2").digest()[:16]
    found = entropy(1, "ring", "separate", "plan-learned-separate-mala", 2)
    assert found == int.from_bytes(old, "little")
    assert entropy(1, "separate_contractive") != entropy(1, "ensemble_contractive")


@pytest.mark.parametrize(
    ("now", "first"),
    [
        ("repository_2013-exact-mala-0-0-0.01", "paper_2013-exact-mala-0-0-0.01"),
        (
            "repository_2013_walk-exact-repository_walk-0-4-0.141421",
            "paper_2013_walk-exact-adjusted_walk_2013-0-4-0.141421",
        ),
        (
            "repository_2013_walk-exact-repository_walk_one_point-0-4",
            "paper_2013_walk-exact-adjusted_walk_2013_one_point-0-4",
        ),
    ],
)
def test_renamed_plans_and_samplers_keep_their_chains(now, first):
    path = f"7/'sample'/'ninja_star'/'{first}'/3".encode()
    old = int.from_bytes(hashlib.sha256(path).digest()[:16], "little")
    assert entropy(7, "sample", "ninja_star", now, 3) == old
