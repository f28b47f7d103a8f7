import numpy as np
import pandas as pd
import pytest
import torch

from autoscore.train.objectives import denoising
from benchmarks import stacks
from benchmarks.plot import draw
from benchmarks.rows import Row, compared, timed
from benchmarks.spiral import Spiral
from benchmarks.table import write
from docs.scale import scale_tables
from docs.timings import benchmark_tables

FACTS = {
    "seconds": 3,
    "machine": {"processor": "a fast one", "cores": 2, "memory_gib": 1.0},
    "versions": {"python": "3.12.0", "torch": "2.0"},
}


def grown(seconds, memory, asked):
    """Rows of a training whose levels are varied, the base size being 9."""
    case, name = "training, separate", "levels"
    base = np.array([seconds[9]])
    for size, value in seconds.items():
        yield timed(case, name, size, "ours", np.array([value]), "10 steps", base, "base size")
    yield Row(case, name, 9, "ours", memory=memory)
    for size, value in asked.items():
        yield Row(case, name, size, "demands", memory=value)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "docs").mkdir()
    rows = list(grown({9: 1.0, 90: 100.0}, 50.0, {9: 100.0, 90: 1000.0, 9000: 100_000.0}))
    write("scaling", rows[2:], FACTS, tmp_path / "docs")
    write("scaling", rows, FACTS, tmp_path / "docs")
    chains = [Row("chains that are kept", "draws", 10.0, who, memory=30.0) for who in ("ours",)]
    chains += [Row("chains that are kept", "draws", n, "demands", memory=n) for n in (100, 10_000)]
    write("chains", chains, FACTS, tmp_path / "docs")
    return tmp_path


def test_ratios_are_taken_round_by_round():
    row = timed("case", "size", 1, "peer", np.array([2.0, 6.0, 8.0]), "step", np.array([1, 2, 8]))
    assert (row.seconds, row.ratio, row.low, row.high) == (6.0, 2.0, 1.0, 3.0)


def test_those_who_took_turns_are_held_against_the_first():
    seconds = {"ours": np.array([1.0, 2.0]), "peer": np.array([3.0, 4.0])}
    ours, peer = compared("case", "size", 1, "step", seconds)
    assert (ours.ratio, ours.over, peer.over) == (1.0, "ours", "ours")
    assert (peer.low, peer.high) == (2.0, 3.0)


def test_a_benchmark_that_runs_again_replaces_its_own_rows_alone(root):
    table = pd.read_csv(root / "docs/benchmarks.csv")
    assert (table["benchmark"] == "scaling").sum() == 6
    write("scaling", [Row("other", "", np.nan, "ours", 1.0)], FACTS, root / "docs")
    table = pd.read_csv(root / "docs/benchmarks.csv")
    assert (table["benchmark"] == "scaling").sum() == 1
    assert (table["benchmark"] == "chains").sum() == 3


def test_the_readable_table_has_a_line_a_size_and_names_the_machine(root):
    text = benchmark_tables(root)
    assert "- chains (3 s), scaling (3 s): on a fast one, 2 cores, 1 GiB; python 3.12.0" in text
    assert "| levels 90 | 100 s; 100 x base size | 1,000 MiB |" in text


def test_a_peer_is_held_against_two_of_ours_in_one_cell(root):
    both = [
        Row("spiral", "", np.nan, "peer", 6.0, "one seed", ratio, low, high, over)
        for over, ratio, low, high in (("ours, a", 3.0, 2.0, 4.0), ("ours, b", 2.0, 2.0, 2.0))
    ]
    write("training", both, FACTS, root / "docs")
    text = benchmark_tables(root)
    assert "|  | 6 s; 3 x ours, a [2, 4]; 2 x ours, b |" in text


def test_what_is_to_come_follows_the_power_that_was_measured(root):
    text = scale_tables(root)
    times, memory = "100 s | size^2.0 | 2.8 h | 3.2 y", "50 MiB | 1,000 MiB | **98 GiB**"
    assert f"| training, separate: levels | 9 | {times} | {memory} |" in text
    assert "training 2.0 times [2.0, 2.0] (1 sizes)" in text


def test_nothing_is_told_without_a_table(tmp_path):
    assert benchmark_tables(tmp_path) is None
    assert scale_tables(tmp_path) is None


def test_the_picture_leaves_out_what_was_not_measured(root):
    draw(root / "docs", root / "picture.png")
    assert (root / "picture.png").stat().st_size > 10_000


@pytest.mark.parametrize("kind", stacks.KINDS)
def test_peers_train_our_networks(kind, monkeypatch):
    monkeypatch.setitem(stacks.LONG, kind, stacks.LONG[kind] | {"batch": 32})
    stack, batches = stacks.prepare(Spiral(), kind, [0, 1])
    peer = stacks.TorchFunc(kind, stack, batches)
    rng, m = np.random.default_rng(0), len(stack.seeds)
    theta = stack.theta + 0.05 * torch.as_tensor(rng.standard_normal(stack.theta.shape)).float()
    z = torch.as_tensor(rng.standard_normal((m, 7, 2))).float()
    sigma = torch.as_tensor(rng.uniform(0.1, 1.0, (m, 7))).float()
    if kind == "separate":
        sigma = sigma[:, :1].expand(m, 7)
    ours = stack.forward(theta, z, sigma)[0]
    for member in (0, m - 1):
        named = {name: part[member] for name, part in stack.views(theta).items()}
        given = {name: torch.tensor(part[member]) for name, part in peer.given.items()}
        theirs = peer.forward(torch, named, z[member], sigma[member], given)
        torch.testing.assert_close(theirs, ours[member], rtol=1e-4, atol=1e-5)
    batch = batches.draw(500)
    trained = peer.train(30)
    before, after = (denoising(stack, of.theta, batch).mean() for of in (stack, trained))
    assert after < 0.95 * before
