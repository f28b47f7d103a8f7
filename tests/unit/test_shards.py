import numpy as np
import pandas as pd
import pytest
import torch

from autoscore.shards import divide, join_tables, shape
from autoscore.train.activations import sigmoid, silu
from autoscore.train.fit import _Adam
from autoscore.train.setups import trace_rows
from autoscore.train.stack import Stack
from tests.unit.test_setups import train

SETTINGS = {"kind": "separate", "sigmas": [0.1, 0.2, 0.4], "seeds": 4, "sizes": ["exact", 10, 20]}
SETTINGS |= {"warm_start": False}
SIGMOID = {"hidden": [7], "activation": "sigmoid"}
# neither one member's numbers nor all together fill a vector of the processor
ODD = {
    "sigmas": [0.2, 0.4, 0.6],
    "seeds": 3,
    "architecture": {"hidden": [7, 5]},
    "network": {"width": 7, "features": 3},
    "schedules": {name: {"steps": 12, "batch": 13} for name in ("samples", "conditioned")}
    | {"exact": {"steps": 12}},
}


@pytest.mark.parametrize("most", [2, 3, 5, 7, 100, None])
@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize(
    ("kind", "source", "expected"),
    [
        ("separate", "samples", (2, 3, 4)),
        ("separate", "exact", (1, 3, 4)),
        ("conditioned", "samples", (2, 1, 4)),
    ],
)
def test_every_member_is_in_one_shard_and_none_is_alone(kind, source, expected, warm, most):
    settings = SETTINGS | {"kind": kind, "warm_start": warm}
    assert shape(settings, source) == expected
    shards, total = divide(settings, source, most), int(np.prod(expected))
    assert sorted(member for shard in shards for member in shard) == list(range(total))
    assert min(map(len, shards)) >= 2
    together = 6 if warm and expected[1] > 1 and source == "samples" else 2  # two seeds' levels
    largest = max(map(len, shards))
    assert largest <= max(together + together // 2, most or total)
    assert (len(shards) == 1) == (most is None or most >= total)


def test_a_warm_start_keeps_the_levels_of_a_seed_together():
    for shard in divide(SETTINGS | {"warm_start": True}, "samples", 6):
        # places are by size, level and seed
        chains = {(member // 12, member % 4) for member in shard}
        assert len(shard) == 3 * len(chains)


def test_one_member_is_one_shard():
    one = SETTINGS | {"sigmas": [0.1], "seeds": 1, "sizes": ["exact"]}
    assert divide(one, "exact", 2) == [[0]]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("exact", {}),
        ("samples", {}),
        ("samples", {"warm_start": True}),
        ("samples", {"noise": "fixed"}),
        ("samples", {"noise": "walkback", "architecture": SIGMOID}),
        ("conditioned", {}),
    ],
    ids=str,
)
@pytest.mark.parametrize("objective", ["dae", "rcae"])
def test_shards_together_are_the_whole_to_the_last_bit(kind, objective, change):
    asked = ODD | change
    whole, trace = train(kind, objective, **asked)
    settings = {"warm_start": False, "sizes": [20, 40]} | asked
    settings["kind"] = "conditioned" if kind == "conditioned" else "separate"
    for most in (2, 4):
        shards = divide(settings, "exact" if kind == "exact" else "samples", most)
        assert len(shards) > 1
        parts = [train(kind, objective, members=shard, **asked) for shard in shards]
        joined = Stack.join([stack for stack, _ in parts], shards)
        assert joined.description() == whole.description()
        assert torch.equal(joined.theta, whole.theta)
        table = join_tables([pd.DataFrame(trace_rows(*part)) for part in parts], shards)
        expected = pd.DataFrame(trace_rows(whole, trace))
        pd.testing.assert_frame_equal(table.reset_index(drop=True), expected, check_exact=True)


def test_stacks_of_different_networks_cannot_be_joined():
    one, other = (train("samples", architecture={"hidden": [units]})[0] for units in (7, 8))
    with pytest.raises(ValueError, match="differ in their members alone"):
        Stack.join([one, other], [list(range(8)), list(range(8, 16))])


@pytest.mark.parametrize("unit", [sigmoid, silu])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("numbers", [1, 7, 48, 64, 100, 1001])
def test_activations_do_not_depend_on_other_members(unit, dtype, numbers):
    x = torch.randn((9, numbers), dtype=dtype, generator=torch.Generator().manual_seed(1))
    x.requires_grad_()
    for members in (slice(0, 2), slice(3, 4), slice(8, 9)):
        part = x[members].detach().clone().requires_grad_()
        assert torch.equal(unit(part), unit(x)[members])
        (whole_slope,) = torch.autograd.grad(unit(x).sum(), x)
        (slope,) = torch.autograd.grad(unit(part).sum(), part)
        assert torch.equal(slope, whole_slope[members])
    reference = {sigmoid: torch.sigmoid, silu: torch.nn.functional.silu}[unit]
    torch.testing.assert_close(unit(x), reference(x))


@pytest.mark.parametrize("numbers", [1, 13, 64, 129])
def test_adam_does_not_depend_on_other_members(numbers):
    rng = torch.Generator().manual_seed(2)
    start = torch.randn((5, numbers), generator=rng)
    gradients = torch.randn((20, 5, numbers), generator=rng)

    def moved(members):
        theta = start[members].clone()
        adam = _Adam(theta)
        for gradient in gradients:
            adam.step(theta, gradient[members].clone(), 0.01)
        return theta

    whole = moved(slice(None))
    for members in (slice(0, 2), slice(2, 3), slice(4, 5)):
        assert torch.equal(moved(members), whole[members])
