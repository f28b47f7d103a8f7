import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscore.densities.energies import EnergyDensity
from autoscore.numerics.expressions import Compiled, coordinates, parse
from tests.unit.oracles import derivatives


@pytest.mark.parametrize(
    ("text", "by_torch"),
    [
        ("x**4 / 4 - x**2", lambda x: x**4 / 4 - x**2),
        ("exp(sin(2 * x))", lambda x: torch.exp(torch.sin(2 * x))),
        ("log(1 + x**2) * tanh(x)", lambda x: torch.log(1 + x**2) * torch.tanh(x)),
        ("sqrt(2 + cos(pi * x))", lambda x: torch.sqrt(2 + torch.cos(torch.pi * x))),
        ("2**x / 3 - -x", lambda x: 2**x / 3 + x),
        ("+x**-2 + 1e-1 * x**1.5 * 0.1 + x**x", lambda x: x**-2 + 0.01 * x**1.5 + x**x),
        ("-x**2", lambda x: -(x**2)),
        ("(x - 1) * (x - 2) / (x + 1)", lambda x: (x - 1) * (x - 2) / (x + 1)),
        ("3", lambda x: 3 + 0 * x),
    ],
)
def test_energies_and_their_derivatives_are_those_of_torch(text, by_torch):
    density = EnergyDensity(text, [[0.5, 1.5]])
    x = np.linspace(0.55, 1.45, 8)[:, None]
    expected = derivatives(lambda points: -by_torch(points[:, 0]), x)
    np.testing.assert_allclose(-density.energy(x), -by_torch(torch.tensor(x[:, 0])), rtol=1e-13)
    for level in ("score", "hessian", "score_laplacian"):
        np.testing.assert_allclose(
            getattr(density, level)(x), expected[level], rtol=1e-11, atol=1e-12
        )


def test_integer_powers_of_negative_numbers():
    x = np.array([[-2.0], [-0.5]])
    np.testing.assert_allclose(Compiled([parse("x**3", ["x"])], ["x"])(x), x**3, rtol=1e-15)


def test_several_expressions_of_several_coordinates_share_parts():
    names = coordinates(2)
    assert names == ["x1", "x2"]  # which SymPy's own names of shared parts must not hide
    texts = ["exp(x1 * x2) + sin(x1 * x2)", "sqrt(1 + x2**2) * x1", "sqrt(1 + x2**2) + exp(x1*x2)"]
    x = np.random.default_rng(0).standard_normal((5, 2))
    product, root = x[:, 0] * x[:, 1], np.sqrt(1 + x[:, 1] ** 2)
    expected = [np.exp(product) + np.sin(product), root * x[:, 0], root + np.exp(product)]
    actual = Compiled([parse(text, names) for text in texts], names)(x)
    np.testing.assert_allclose(actual, np.stack(expected, axis=-1), rtol=1e-13)


@pytest.mark.parametrize(
    ("text", "offender"),
    [
        ("x.real", "'x.real'"),
        ("x.__class__.__bases__", "'x.__class__.__bases__'"),
        ("__import__('os')", "\"__import__('os')\""),
        ("x + y", "'y'"),
        ("abs(x)", "'abs(x)'"),
        ("lambda: x", "'lambda: x'"),
        ("x[0]", "'x[0]'"),
        ("[x for x in (1, 2)]", "'[x for x in (1, 2)]'"),
        ("'x'", "\"'x'\""),
        ("x < 1", "'x < 1'"),
        ("x if x else 1", "'x if x else 1'"),
        ("x and 1", "'x and 1'"),
        ("exp(x=1)", "'exp(x=1)'"),
        ("exp(x, 1)", "'exp(x, 1)'"),
        ("exp(*x)", "'exp(*x)'"),
        ("exp()", "'exp()'"),
        ("x // 2", "'x // 2'"),
        ("x % 2", "'x % 2'"),
        ("x ^ 2", "'x ^ 2'"),
        ("~x", "'~x'"),
        ("not x", "'not x'"),
        ("True", "'True'"),
        ("1j * x", "'1j'"),
        ("(x := 1)", "'(x := 1)'"),
        ("(x, x)", "'(x, x)'"),
        ("exp", "'exp'"),
        ("x(1)", "'x(1)'"),
        ("2x", "'2x' is not an expression"),
        ("x = 1", "'x = 1' is not an expression"),
        ("import os", "'import os' is not an expression"),
        ("", "'' is not an expression"),
        ("x\0", "is not an expression"),
    ],
)
def test_refused_expressions_name_the_offender_and_what_is_allowed(text, offender):
    with pytest.raises(
        ValueError, match=r"allowed are x, pi, numbers, \+ - \* / \*\* and exp"
    ) as e:
        parse(text, ["x"])
    assert offender in str(e.value)


def test_coordinates_of_another_dimension_are_unknown():
    with pytest.raises(ValueError, match="'x' in 'x' is not understood: allowed are x1, x2, pi"):
        parse("x", coordinates(2))


@pytest.mark.parametrize("text", ["sqrt(x**2)", "(x**4)**0.25"])
def test_roots_of_even_powers_can_be_evaluated(text):
    density = EnergyDensity(text, [[-1, 1]])
    x = np.array([[-0.5], [0.3]])
    np.testing.assert_allclose(density.energy(x), np.abs(x[:, 0]), rtol=1e-14)
    np.testing.assert_allclose(density.score(x), -np.sign(x), rtol=1e-14)
    np.testing.assert_array_equal(density.hessian(x), np.zeros((2, 1, 1)))


def test_roots_of_even_powers_have_a_third_derivative():
    density = EnergyDensity("x**3 * sqrt(x**2)", [[-1, 1]])
    x = np.array([[-0.5], [0.3]])
    np.testing.assert_allclose(density.score_laplacian(x), -24 * np.abs(x), rtol=1e-14)


@pytest.mark.parametrize(
    "text",
    [
        "x / 0",
        "sqrt(-1) * x",
        "log(-1) * x",
        "1e400 * x",
        "log(x)",
        "1 / x",
        pytest.param("(0 - 8)**(1 / 3) * x"),
    ],
)
def test_energies_without_a_finite_value_are_refused(text):
    with pytest.raises(ValueError, match="finite"):
        EnergyDensity(text, [[-1.0, 1.0]]).log_prob(np.array([[0.5]]))


TOO_DEEP = "has more than 150 terms in a row or parts within one another; allowed: at most 150"
TOO_LARGE = "terms; allowed: at most 2000, so write it in fewer or simpler ones"
MALICE = {
    "9**9**9": "'9**9**9' has the exponent 3.8742e+08; allowed: from -1000 to 1000",
    "x**(9**9)": "has the exponent 3.8742e+08",
    "(x**999)**999": "has the exponent 998001",
    "1.2345678901234567**999": "digits; allowed: at most 6021, so round it",
    "((3*x)**999)**999": "has a number of 476",
    "exp(exp(exp(exp(x - x + 9))))": "has no finite real value",
    "(x - x) * exp(x - x + 999)": "has no finite real value",
    "1 / (x - x)": "has no finite real value",
    "9" * 999: "has no finite real value",
    "1e300**2 * x": "has no finite real value",
    "sin(" * 90 + "x" + ")" * 90: TOO_LARGE,
    "sin(" * 300 + "x" + ")" * 300: "too many nested parentheses",
    "-" * 100_000 + "x": "... has 100001 characters; allowed: at most 2000",
    "-" * 1999 + "x": TOO_DEEP,
    "+".join(["x"] * 3000): "... has 5999 characters; allowed: at most 2000",
    "+".join(["x"] * 999): TOO_DEEP,
    "*".join(f"(x-{i})" for i in range(40)): TOO_LARGE,
    "x**" * 40 + "x": TOO_LARGE,
    "x + \ud800": "is not an expression (it is no text)",
}


@pytest.mark.parametrize("text", MALICE, ids=range(len(MALICE)))
def test_what_would_take_for_ever_is_refused_in_a_sentence(text):
    with pytest.raises(ValueError, match=r"allowed|finite") as refused:
        EnergyDensity(text, [[-1, 1]])
    assert MALICE[text] in str(refused.value)
    assert len(str(refused.value)) < 300


NAMES = st.sampled_from(["x1", "x2", "pi", "0", "1", "2", "0.5", "1e-3", "1e200", "999"])
TREES = st.recursive(
    NAMES,
    lambda part: st.one_of(
        st.builds("({}{}{})".format, part, st.sampled_from("+-*/"), part),
        st.builds("({}**{})".format, part, part),
        st.builds("{}({})".format, st.sampled_from(["exp", "log", "sqrt", "sin", "tanh"]), part),
        st.builds("(-{})".format, part),
    ),
    max_leaves=20,
)
TOWERS = st.builds(
    lambda before, after, n: before * n + "x1" + after * n,
    st.sampled_from(["sin(", "tanh(1+", "(", "-", "2**", "1/(x1+", "x1*(1+", "sqrt(x1**2+"]),
    st.sampled_from([")", "", ")**2", "**2)", "+x2)", "*x2)", ")**9"]),
    st.integers(1, 200),
)
ROWS = st.builds(
    lambda sign, part, n: sign.join(part.format(i) for i in range(n)),
    st.sampled_from(["+", "-", "*", "/", "**"]),
    st.sampled_from(
        ["{}", "x1", "(x1-{})", "sin({}*x1*x2)", "exp(-(x1-{})**2-x2**2)", "(x2-{})**9"]
    ),
    st.integers(1, 200),
)


@settings(derandomize=True, max_examples=120, deadline=2000)
@given(st.one_of(TREES, TOWERS, ROWS, st.text(max_size=60), st.text("x12.*()+-/e", max_size=30)))
def test_every_text_gives_a_density_or_a_sentence_in_two_seconds(text):
    with np.errstate(all="ignore"):
        try:
            density = EnergyDensity(text, [[0.6, 1.4], [0.6, 1.4]])
        except ValueError as refused:
            said = str(refused)
        else:
            said = ""
            assert np.isfinite(density.energy(np.full((3, 2), 0.7))).all()
    assert "\n" not in said


def test_what_people_write_is_not_too_large():
    gaussians = " + ".join(f"exp(-(x - {k})**2 / 0.{k + 1})" for k in range(10))
    polynomial = " + ".join(f"{k}.5 * x**{k}" for k in range(100))
    for text in (
        f"-log({gaussians})",
        polynomial,
        "(7 * x)**1000",
        "x**4 - 1.05**300 * x",
        "x + sqrt(0.3 - 0.1 * 3)",
    ):
        parse(text, ["x"])
    parse(
        "(x1 - 1)**4 - 3 * exp(-(x1**2 + x2**2) / 0.5) + log(1 + exp(sin(x1) * x2))", ["x1", "x2"]
    )
