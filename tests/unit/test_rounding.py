import numpy as np
import pytest
import torch

from autoscore.images.quality import Classifier
from autoscore.models.separate.network import Architecture, Separate
from autoscore.numerics.streams import generator
from autoscore.train.rounding import move_weights, moved

SIZE = {np.float32: np.int32, np.float64: np.int64}


def apart(one, other):
    """How many floats, all of one sign, lie from each of one to that of the other."""
    kind = SIZE[one.dtype.type]
    return np.abs(one.view(kind).astype(object) - other.view(kind).astype(object))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_each_weight_moves_to_a_neighbour_and_zeros_stay(kind):
    # powers of two have neighbours at two distances
    powers = np.exp2(np.arange(-20, 20))
    normal = np.random.default_rng(0).standard_normal(1000)
    values = np.concatenate([[0.0, -0.0], powers, -powers, normal]).astype(kind)
    found = moved(values, np.random.default_rng(1))
    assert found.dtype == kind
    assert (apart(found[2:], values[2:]) == 1).all()
    assert (apart(found[:2], values[:2]) == 0).all()
    assert 0.4 < (found > values)[2:].mean() < 0.6


@pytest.fixture
def stack():
    """Two noise levels with two seeds each."""
    sigmas, seeds = [0.1, 0.1, 0.4, 0.4], [0, 1] * 2
    found = Separate(
        *(1, Architecture((5,)), sigmas, seeds, [50] * 4, [[0.0]] * 4, [1.0] * 4),
        precision="single",
    )
    found.initialise(np.zeros((4, 9, 1)), [generator(0, seed) for seed in seeds])
    return found


def directions(stack, *asked):
    """Where each weight goes, member by member."""
    before = stack.theta.clone()
    move_weights(stack, *asked)
    assert stack.theta.dtype == before.dtype
    return torch.sign(stack.theta - before)


def test_every_seed_name_and_member_has_directions_of_its_own(stack):
    asked = [(1, "ring"), (2, "ring"), (1, "spiral"), (1, "ring")]
    found = [directions(stack.take([0, 1, 2, 3]), *one) for one in asked]
    assert torch.equal(found[0], found[3])
    rows = torch.cat(found[:3])
    assert (rows.abs().sum(1) > 5).all()
    assert len({tuple(row.tolist()) for row in rows}) == 12


def test_without_a_seed_nothing_moves(stack):
    theta = stack.theta
    move_weights(stack, None, "ring")
    assert stack.theta is theta


def test_members_move_alike_in_every_shard(stack):
    places = [[0, 2], [1, 3]]
    parts = [stack.take(members) for members in places]
    for part in parts:
        move_weights(part, 1, "ring")
    move_weights(stack, 1, "ring")
    assert torch.equal(Separate.join(parts, places).theta, stack.theta)


def test_weights_of_a_classifier_move_too():
    x = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
    before = Classifier.fit(x, (x[:, 0] > 0).astype(int), 0)
    after = before.moved(generator(1, "classifier"))
    for one, other in zip(before, after, strict=True):
        assert (apart(one, other) == (one != 0)).all()
