import re

import numpy as np
import pytest
import torch

from autoscore.models.conditioned.network import Conditioned
from autoscore.models.registry import load_stack, load_stacks
from autoscore.models.separate.network import Architecture, Separate
from autoscore.train.stack import LearnedField
from tests.unit.oracles import difference

SIGMAS, SEEDS, SIZES = [0.3, 0.1, 0.3], [0, 0, 1], [float("inf"), 50, 50]


def separate(dim, *, precision="double", **architecture):
    """Three members with arbitrary weights, all of them far from 0."""
    rng = np.random.default_rng(dim)
    shift, scale = rng.standard_normal((3, dim)), [0.7, 1.3, 2.0]
    stack = Separate(dim, architecture, SIGMAS, SEEDS, SIZES, shift.tolist(), scale, precision)
    parameters = sum(int(np.prod(shape)) for shape in stack.shapes().values())
    stack.theta = torch.as_tensor(0.7 * rng.standard_normal((3, parameters)), dtype=stack.dtype)
    return stack


def conditioned(dim):
    rng = np.random.default_rng(dim)
    shift, scale = rng.standard_normal((3, dim)), [0.7, 1.3, 2.0]
    members = [0, 1, 0], [50, 50, 80], shift.tolist(), scale, [0.0, 0.5, 2.0]
    stack = Conditioned(dim, 6, 2, 0.05, 2.0, *members)
    parameters = sum(int(np.prod(shape)) for shape in stack.shapes().values())
    stack.theta = torch.as_tensor(0.5 * rng.standard_normal((3, parameters)), dtype=torch.float32)
    return stack


SEPARATE, OURS = separate(2, hidden=(7,)), conditioned(2)
BOTH = pytest.mark.parametrize("stack", [SEPARATE, OURS], ids=["separate", "conditioned"])


def inputs(dim, n=4):
    rng = np.random.default_rng(10 + dim)
    return torch.as_tensor(rng.standard_normal((3, n, dim)))


def levels(kind, n=4):
    if kind == "member":
        return torch.tensor([[0.3], [0.1], [0.3]], dtype=torch.float64)
    return torch.as_tensor(np.random.default_rng(20).uniform(0.05, 2.0, (3, n)))


ARCHITECTURES = [
    {"hidden": (7,)},
    {"hidden": (7,), "tied": True},
    {"hidden": (6, 5)},
    {"hidden": (4, 5, 3)},
    {"hidden": (7,), "activation": "sigmoid"},
    {"hidden": (7,), "tied": True, "activation": "sigmoid"},
    {"hidden": (6, 5), "activation": "sigmoid"},
]
BENT, WIDE = {"hidden": (7,), "output": "sigmoid"}, {"hidden": (16, 32)}
NAMES = ["7", "tied", "6-5", "4-5-3", "sigmoid", "tied sigmoid", "6-5 sigmoid"]


def whole_jacobian(stack, x, sigma):
    """All derivatives of all outputs by all inputs, (m, n, d, m, n, d), by torch.

    torch.func.jacrev would give the same, but takes seconds to import what it needs.
    """
    theta = stack.theta.double()
    return torch.autograd.functional.jacobian(lambda at: stack.forward(theta, at, sigma)[0], x)


def assert_closed_form_is_automatic(stack, x, sigma):
    theta = stack.theta.double()
    value, slope = stack.forward(theta, x, sigma, jacobian=True)
    m, n, d = x.shape
    assert value.shape == (m, n, d)
    assert slope.shape == (m, n, d, d)
    expected = torch.zeros(m, n, d, m, n, d, dtype=torch.float64)
    for member in range(m):
        for point in range(n):
            expected[member, point, :, member, point] = slope[member, point]
    # all other derivatives are 0: no member and no point sees another
    torch.testing.assert_close(whole_jacobian(stack, x, sigma), expected, rtol=1e-10, atol=1e-11)
    assert torch.equal(stack.forward(theta, x, sigma)[0], value)
    assert stack.forward(theta, x, sigma)[1] is None


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("residual", ["none", "sigma", "score"])
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=NAMES)
def test_closed_form_jacobian_of_separate_ones(architecture, residual, dim):
    stack = separate(dim, residual=residual, **architecture)
    assert_closed_form_is_automatic(stack, inputs(dim), levels("member"))


@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize("kind", ["member", "sample"])
def test_closed_form_jacobian_of_a_conditioned_one(kind, dim):
    # weights as doubles; shift, scale and the frequencies are exact in single precision too
    assert_closed_form_is_automatic(conditioned(dim), inputs(dim), levels(kind))


@pytest.mark.parametrize("n", [3, 4])  # units that fill no whole vectors, and that do
@pytest.mark.parametrize("residual", ["none", "sigma", "score"])
@pytest.mark.parametrize("architecture", [*ARCHITECTURES, BENT, WIDE], ids=[*NAMES, "bent", "wide"])
def test_gradients_of_separate_ones_by_weights_and_inputs(architecture, residual, n):
    residual = "none" if "output" in architecture else residual
    dim = 20 if len(architecture["hidden"]) == 1 else 2  # many columns, and few
    stack = separate(dim, residual=residual, **architecture)
    theta, x = stack.theta.requires_grad_(), inputs(dim, n).requires_grad_()

    def reconstruction(theta, x):
        return stack.forward(theta, x, levels("sample", n))[0]

    assert torch.autograd.gradcheck(reconstruction, (theta, x), fast_mode=True, atol=1e-6)


def test_a_second_derivative_by_weights_is_refused_instead_of_wrong():
    theta = SEPARATE.theta.clone().requires_grad_()
    value = SEPARATE.forward(theta, inputs(2), levels("member"))[0].sum()
    (slope,) = torch.autograd.grad(value, theta, create_graph=True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch.autograd.grad(slope.sum(), theta)


def test_separate_ones_take_a_noise_level_per_point():
    stack = separate(2, hidden=(7,), residual="sigma")
    assert_closed_form_is_automatic(stack, inputs(2), levels("sample"))


UNITS = {"tanh": np.tanh, "sigmoid": lambda a: 1.0 / (1.0 + np.exp(-a))}


@pytest.mark.parametrize("activation", UNITS)
@pytest.mark.parametrize("residual", ["none", "sigma", "score"])
def test_separate_ones_are_the_formula(residual, activation):
    """r = shift + scale net, x + sigma net or x + sigma^2 net / scale of (x - shift) / scale."""
    x = inputs(2)[0].numpy()
    stack = separate(2, hidden=(4, 3), residual=residual, activation=activation)
    named = {name: part.numpy() for name, part in stack.views(stack.theta).items()}
    for k, (sigma, seed, size) in enumerate(zip(SIGMAS, SEEDS, SIZES, strict=True)):
        shift, scale = np.array(stack.description()["shift"][k]), stack.description()["scale"][k]
        h = (x - shift) / scale
        for layer in (0, 1):
            weight, bias = (named[f"encoder.{layer}.{part}"][k] for part in ("weight", "bias"))
            h = UNITS[activation](h @ weight + bias)
        net = h @ named["decoder.weight"][k] + named["decoder.bias"][k]
        expected = {
            "none": shift + scale * net,
            "sigma": x + sigma * net,
            "score": x + sigma**2 / scale * net,
        }
        actual = stack.field(sigma, seed, size)(x)
        np.testing.assert_allclose(actual, expected[residual], rtol=1e-12)


@pytest.mark.parametrize("activation", UNITS)
@pytest.mark.parametrize("residual", ["none", "sigma", "score"])
@pytest.mark.parametrize("dim", [2, 3])
def test_tied_weights_make_the_jacobian_symmetric(dim, residual, activation):
    skew = {}
    for tied in (True, False):
        stack = separate(dim, hidden=(7,), tied=tied, residual=residual, activation=activation)
        slope = stack.forward(stack.theta, inputs(dim), levels("member"), jacobian=True)[1]
        skew[tied] = float((slope - slope.transpose(2, 3)).abs().max())
    assert skew[True] < 1e-14
    assert skew[False] > 1e-3


@pytest.mark.parametrize(
    "stack", [separate(2, hidden=(6, 5)), conditioned(2)], ids=["separate", "conditioned"]
)
def test_members_are_independent(stack):
    x, sigma = inputs(2).to(stack.theta.dtype), levels("sample").to(stack.theta.dtype)
    together = stack.forward(stack.theta, x, sigma, jacobian=True)
    for k in range(3):
        alone = stack.take([k])
        value, slope = alone.forward(alone.theta, x[[k]], sigma[[k]], jacobian=True)
        torch.testing.assert_close(value[0], together[0][k], rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(slope[0], together[1][k], rtol=1e-5, atol=1e-5)
        # a float32 network in float64 leaves rounding aside
        exact = alone.forward(alone.theta.double(), x[[k]].double(), sigma[[k]].double())[0]
        company = stack.forward(stack.theta.double(), x.double(), sigma.double())[0]
        torch.testing.assert_close(exact[0], company[k], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=NAMES)
def test_separate_ones_survive_a_file(architecture, precision, tmp_path):
    stack = separate(2, precision=precision, **architecture)
    stack.save(tmp_path / "stack.safetensors")
    loaded = Separate.load(tmp_path / "stack.safetensors")
    assert torch.equal(loaded.theta, stack.theta)
    assert loaded.theta.dtype == stack.dtype
    assert loaded.description() == stack.description()
    assert loaded.architecture == Architecture(**architecture)


@pytest.mark.parametrize("sigma", [0.05, 0.5, 2.0])
def test_the_thickness_of_the_data_bends_from_noise_to_score(sigma):
    """r - x = sigma^2 net / sqrt(sigma^2 + tau^2), of which tau = 0 leaves sigma net."""
    stack, x = conditioned(2), np.random.default_rng(30).standard_normal((9, 2))
    described = stack.description()
    thin = Conditioned(**described | {"thickness": [0.0] * 3})
    thin.theta = stack.theta
    for seed, size, tau in zip(stack.seeds, stack.sizes, described["thickness"], strict=True):
        thick, thinner = (one.field(sigma, seed, size)(x) - x for one in (stack, thin))
        assert np.abs(thinner).max() > 0.01
        expected = thinner * sigma / np.sqrt(sigma**2 + tau**2)
        np.testing.assert_allclose(thick, expected, rtol=1e-4, atol=1e-6)


@BOTH
def test_a_file_names_the_kind_that_it_holds(stack, tmp_path):
    other, path = separate(1, hidden=(3,)), tmp_path / "stack.safetensors"
    stack.save(path)
    for loaded in (load_stack(path), type(stack).load(str(path))):
        assert type(loaded) is type(stack)
        assert torch.equal(loaded.theta, stack.theta)
        assert loaded.description() == stack.description()
    other.save(tmp_path / "other.safetensors")
    keys = [["dae", "one", "samples"], ["rcae", "separate", "exact"]]
    both = load_stacks(keys, [str(path), str(tmp_path / "other.safetensors")])
    assert list(both) == [tuple(key) for key in keys]
    assert torch.equal(both["dae", "one", "samples"].theta, stack.theta)
    assert torch.equal(both["rcae", "separate", "exact"].theta, other.theta)
    with pytest.raises(ValueError, match="argument"):
        load_stacks(keys, [str(path)])
    elsewhere = load_stacks(keys[:1], [str(path)], "meta")["dae", "one", "samples"]
    assert elsewhere.theta.device.type == "meta"  # a device that has shapes, and no numbers


@BOTH
def test_views_and_pack_are_inverse(stack):
    assert torch.equal(stack.pack(stack.views(stack.theta)), stack.theta)
    shapes = {name: tuple(part.shape) for name, part in stack.views(stack.theta).items()}
    assert shapes == {name: (3, *shape) for name, shape in stack.shapes().items()}


def test_tied_weights_have_no_decoder_matrix():
    assert "decoder.weight" in separate(2, hidden=(7,)).shapes()
    assert "decoder.weight" not in separate(2, hidden=(7,), tied=True).shapes()


@BOTH
def test_taken_members_are_copies_in_the_order_asked_for(stack):
    taken = stack.take([2, 0])
    assert torch.equal(taken.theta, stack.theta[[2, 0]])
    for key in {"seeds", "sizes", "shift", "scale", "thickness"} & stack.description().keys():
        described = stack.description()[key]
        assert taken.description()[key] == [described[2], described[0]]
    taken.theta[:] = 0
    assert (stack.theta != 0).all()


@pytest.mark.parametrize(
    ("stack", "asked", "member"),
    [
        (SEPARATE, (0.3, 0), 0),
        (SEPARATE, (0.1, 0, 50), 1),
        (SEPARATE, (0.3 * (1 + 1e-12), 1, 50), 2),
        (OURS, (0.4, 1, 50), 1),
        (OURS, (0.4, 0, 80), 2),
    ],
)
def test_a_field_is_the_member_asked_for(stack, asked, member, monkeypatch):
    monkeypatch.setattr(LearnedField, "UNITS", 24)  # 7 points pass in several chunks
    field, x = stack.field(*asked), np.random.default_rng(3).standard_normal((7, 2))
    assert field.sigma == asked[0]
    assert field.dim == 2
    theta = stack.theta
    sigma = torch.as_tensor(asked[0] / stack.scale[:, None], dtype=theta.dtype)
    points = torch.as_tensor(stack.inward(x), dtype=theta.dtype)
    value, slope = stack.forward(theta, points, sigma, jacobian=True)
    tolerance = 1e-13 if theta.dtype == torch.float64 else 1e-6
    expected = stack.shift[member] + stack.scale[member] * value[member].double().numpy()
    np.testing.assert_allclose(field(x), expected, rtol=tolerance, atol=2 * tolerance)
    np.testing.assert_array_equal(field(x), x + field.move(x))
    np.testing.assert_allclose(field.jacobian(x), slope[member], rtol=tolerance, atol=tolerance)
    assert field(x).dtype == field.jacobian(x).dtype == np.float64


def test_the_jacobian_of_a_field_is_its_derivative():
    field, x = separate(2, hidden=(6, 5)).field(0.3, 0), np.array([[0.1, 0.2], [1.0, -0.5]])
    np.testing.assert_allclose(field.jacobian(x), difference(field, x), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("shape", [(5, 3), (2,), (1, 5, 2)])
@pytest.mark.parametrize("call", ["__call__", "jacobian", "score", "hessian"])
def test_points_of_another_dimension_are_refused(call, shape):
    with pytest.raises(ValueError, match=r"shape \(n, 2\), not"):
        getattr(OURS.field(0.5, 0, 50), call)(np.zeros(shape))


def test_a_field_keeps_its_weights():
    stack = separate(2, hidden=(7,))
    field, x = stack.field(0.3, 0), np.ones((1, 2))
    before = field(x)
    stack.theta[:] = 0
    np.testing.assert_array_equal(field(x), before)


@pytest.mark.parametrize(
    ("stack", "asked", "message"),
    [
        (
            SEPARATE,
            (0.2, 0),
            "no member has sigma 0.2, seed 0, size inf; there are sigmas [0.1, 0.3]",
        ),
        (
            SEPARATE,
            (0.3, 5),
            "seed 5, size inf; there are sigmas [0.1, 0.3], seeds [0, 1], sizes [50",
        ),
        (SEPARATE, (0.3, 0, 7), "size 7; there are"),
        (SEPARATE, (0.1, 1, 50), "no member has sigma 0.1, seed 1, size 50"),
        (OURS, (0.04, 0, 50), "sigma must lie in [0.05, 2.0], not 0.04"),
        (OURS, (2.01, 0, 50), "sigma must lie in [0.05, 2.0], not 2.01"),
        (OURS, (np.nan, 0, 50), "not nan"),
        (
            OURS,
            (0.1, 1, 80),
            "no member has seed 1, size 80; there are seeds [0, 1], sizes [50.0, ",
        ),
    ],
)
def test_a_stack_says_which_members_and_levels_it_has(stack, asked, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        stack.field(*asked)


@pytest.mark.parametrize("sigma", [0.05, 2.0])
def test_the_ends_of_the_range_belong_to_it(sigma):
    assert conditioned(2).field(sigma, 0, 50).sigma == sigma


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ({"hidden": ()}, r"one or more layer sizes >= 1, not \(\)"),
        ({"hidden": (3, 0)}, r"one or more layer sizes >= 1, not \(3, 0\)"),
        ({"hidden": (3, 3), "tied": True}, "tied weights need one hidden layer, not 2"),
        ({"hidden": (3,), "residual": "skip"}, "must be none, sigma or score, not 'skip'"),
        ({"hidden": (3,), "activation": "relu"}, "must be tanh or sigmoid, not 'relu'"),
    ],
)
def test_an_architecture_names_what_is_wrong(architecture, message):
    with pytest.raises(ValueError, match=message):
        Architecture(**architecture)


@BOTH
def test_members_must_be_described_alike(stack):
    described = stack.description()
    for name in stack.of_members:
        short = described | {name: described[name][:2]}
        with pytest.raises(ValueError, match="must name the same members"):
            type(stack)(**short)


@pytest.mark.parametrize("sigma", [0.0, -0.1, np.nan])
def test_separate_ones_need_positive_noise(sigma):
    with pytest.raises(ValueError, match="every sigma must be > 0"):
        Separate(1, {"hidden": (3,)}, [sigma], [0], [5], [[0.0]], [1.0])


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.2, 0.2), (1.0, 0.1)])
def test_a_conditioned_one_needs_a_range(low, high):
    with pytest.raises(ValueError, match=f"0 < low < high, not {low}, {high}"):
        Conditioned(1, 4, 1, low, high, [0], [5], [[0.0]], [1.0], [0.0])


def test_the_units_of_the_first_layer_switch_at_data_points():
    stack = separate(2, hidden=(40, 5), gain=3.0)
    points = torch.as_tensor(np.random.default_rng(4).standard_normal((3, 30, 2)))
    stack.initialise(points, [np.random.default_rng(k) for k in range(3)])
    named, described = stack.views(stack.theta), stack.description()
    for k in range(3):
        shift = torch.tensor(described["shift"][k], dtype=torch.float64)
        standard = (points[k] - shift) / described["scale"][k]
        activation = standard @ named["encoder.0.weight"][k] + named["encoder.0.bias"][k]
        assert float(activation.abs().min(0).values.max()) < 1e-12
    # 240 weights of standard deviation gain / sqrt(d): five standard errors
    spread = float(named["encoder.0.weight"].std())
    assert spread == pytest.approx(3.0 / np.sqrt(2), rel=5 / np.sqrt(2 * 240))
    assert (named["encoder.1.bias"] == 0).all()


def test_a_start_depends_on_its_own_generator_alone():
    stack = separate(2, hidden=(7,))
    points = torch.as_tensor(np.random.default_rng(5).standard_normal((3, 9, 2)))
    stack.initialise(points, [np.random.default_rng(k) for k in (5, 6, 5)])
    alone = stack.take([1])
    alone.initialise(points[[1]], [np.random.default_rng(6)])
    assert torch.equal(alone.theta[0], stack.theta[1])
    weights = stack.views(stack.theta)["encoder.0.weight"]
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[1])


@pytest.mark.parametrize("dim", [1, 2])
def test_a_conditioned_one_starts_as_the_identity(dim):
    stack, x = conditioned(dim), inputs(dim).float()
    stack.initialise([np.random.default_rng(k) for k in range(3)])
    value, slope = stack.forward(stack.theta, x, levels("sample").float(), jacobian=True)
    assert torch.equal(value, x)
    assert torch.equal(slope, torch.eye(dim).expand_as(slope))
    assert not torch.equal(stack.theta[0], stack.theta[1])


@pytest.mark.parametrize(
    ("stack", "asked", "known"),
    [(SEPARATE, [0.05, 0.1, 0.2, 0.3 * (1 + 1e-12)], [0.1, 0.3]), (OURS, [1e-6, 0.4, 1e6], [0.4])],
)
def test_a_stack_knows_its_levels(stack, asked, known):
    np.testing.assert_allclose(stack.known(asked), known)
