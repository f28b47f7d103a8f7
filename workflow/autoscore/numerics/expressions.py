"""Energies written as expressions of the coordinates, read without running them as code."""

import ast
import math
import operator
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache, reduce
from typing import NamedTuple

import numpy as np
import sympy

_BINARY: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_UNARY: dict[type, Callable] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
FUNCTIONS = ("exp", "log", "sqrt", "sin", "cos", "tanh")
# SymPy makes sign and Abs of roots of squares and of their derivatives
_NUMPY: dict[type, np.ufunc] = {
    getattr(sympy, name): getattr(np, name) for name in ("exp", "log", "sin", "cos", "tanh", "sign")
} | {sympy.Abs: np.abs}
CHUNK = 4096  # points at once, so that intermediate values stay in the processor's cache

# SymPy has no bounds of its own: these keep it below a second or two.
LENGTH = 2000  # characters of an expression
DEPTH = 150  # nested parts, or terms of a sum
EXPONENT = 1000  # largest absolute value of a constant exponent
BITS = 20_000  # of the numerator and denominator of an exact number
WORK = 2000  # terms in all derivatives up to the third, as `_Sizes` counts them
SHOWN = 60  # characters of an expression that a message repeats


def coordinates(dim: int) -> list[str]:
    """Return the names of the coordinates in expressions: x, or x1, x2, ..."""
    return ["x"] if dim == 1 else [f"x{i + 1}" for i in range(dim)]


def parse(text: str, names: Sequence[str]) -> sympy.Expr:
    """Turn an arithmetic expression of the named coordinates into a symbolic one.

    It may hold numbers, coordinates, pi, ``+ - * / **``, parentheses and `FUNCTIONS`, and is never
    run as code. Raise ValueError, which names the offending part, for anything else, or if the
    expression and its derivatives up to the third would take longer than two seconds.
    """
    reader = _Reader(text, names)
    return reader.read(_tree(text, reader.allowed).body).expression


def _tree(text: str, allowed: str) -> ast.Expression:
    """Return the syntax tree of an expression that is neither too long nor too deep."""
    if len(text) > LENGTH:
        raise ValueError(f"{_shown(text)} has {len(text)} characters; allowed: at most {LENGTH}")
    with suppress(MemoryError, RecursionError):  # Python's own limits on depth
        try:
            tree = ast.parse(text, mode="eval")
        except (SyntaxError, ValueError) as error:  # ValueError: half a surrogate pair
            reason = getattr(error, "msg", "it is no text")
            raise ValueError(f"{_shown(text)} is not an expression ({reason}): {allowed}") from None
        if _depth(tree) <= DEPTH + 2:
            return tree
    raise ValueError(
        f"{_shown(text)} has more than {DEPTH} terms in a row or parts within one another; "
        f"allowed: at most {DEPTH}"
    )


def _depth(node: ast.AST) -> int:
    return 1 + max(map(_depth, ast.iter_child_nodes(node)), default=0)


def _shown(text: str) -> str:
    return repr(text) if len(text) <= SHOWN else f"{text[:SHOWN]!r}..."


class _Sizes(NamedTuple):
    """Upper bounds on the number of terms of an expression and of its first three derivatives.

    They follow the rules of differentiation, so that an explosion is refused before it happens.
    """

    value: int
    first: int = 0
    second: int = 0
    third: int = 0

    def times(self, other: "_Sizes") -> "_Sizes":
        """Return the sizes of a product, by Leibniz' rule; constants have no derivatives."""
        return _Sizes(
            *(
                sum(self[i] + other[k - i] for i in range(k + 1) if self[i] and other[k - i])
                for k in range(4)
            )
        )

    def inside(self, own: int = 1) -> "_Sizes":
        """Return the sizes of f(u), by the chain rule; f' has `own` terms more than f."""
        value, first, second, third = self
        if not first:
            return _Sizes(value + 1)
        slope = value + own
        # the third derivative is f3 u1^3 + 3 f2 u1 u2 + f1 u3; the last two may vanish
        mixed = slope + own + first + second if second else 0
        return _Sizes(
            value + 1,
            slope + first,
            slope + own + first + (second and slope + second),
            slope + 2 * own + first + mixed + (third and slope + third),
        )


class _Part(NamedTuple):
    """A part of an expression that has been read; `number` is its value if it is constant."""

    expression: sympy.Expr
    number: float | None
    sizes: _Sizes


class _Reader:
    """Turns syntax trees into symbolic expressions, and checks each operation before doing it."""

    def __init__(self, text: str, names: Sequence[str]) -> None:
        self._text, self._dim = _shown(text), len(names)
        self._names = {
            name: _Part(sympy.Symbol(name, real=True), None, _Sizes(1, 1)) for name in names
        }
        self._names["pi"] = _Part(sympy.pi, math.pi, _Sizes(1))
        self.allowed = (
            f"allowed are {', '.join(self._names)}, numbers, + - * / ** and {', '.join(FUNCTIONS)}"
        )

    def read(self, node: ast.AST) -> _Part:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                # exactly as it is written: 0.1 is a tenth
                return self._apply(lambda: sympy.Rational(str(value)), lambda: value, _Sizes(1))
            case ast.Name(id=name) if name in self._names:
                return self._names[name]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                function, parts = _BINARY[type(op)], (self.read(left), self.read(right))
                return self._apply(function, function, self._sizes(function, *parts), *parts)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                function, part = _UNARY[type(op)], self.read(operand)
                return self._apply(function, function, part.sizes, part)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if (
                name in FUNCTIONS
            ):
                part = self.read(argument)
                sizes = part.sizes.inside(3 if name == "tanh" else 1)
                return self._apply(getattr(sympy, name), getattr(math, name), sizes, part)
        part = _shown(ast.unparse(node))
        raise ValueError(f"{part} in {self._text} is not understood: {self.allowed}")

    def _sizes(self, function: Callable, left: _Part, right: _Part) -> _Sizes:
        if function in (operator.add, operator.sub):
            return _Sizes(*map(operator.add, left.sizes, right.sizes))
        if function is not operator.pow:
            divided = function is operator.truediv
            return left.sizes.times(right.sizes.inside() if divided else right.sizes)
        if right.number is None:
            return right.sizes.times(left.sizes.inside()).inside()
        self._check_exponent(right.number)
        self._check_bits(_bits(left.expression) * abs(right.number))
        return left.sizes.inside()

    def _apply(self, symbolic: Callable, plain: Callable, sizes: _Sizes, *parts: _Part) -> _Part:
        """Do one operation, in floating-point numbers first if all parts are constant."""
        work = sizes.value + self._dim * sum(sizes[1:])
        if work > WORK:
            raise ValueError(
                f"{self._text} and its derivatives have about {work} terms; allowed: at most "
                f"{WORK}, so write it in fewer or simpler ones (Gaussians are of kind mixture)"
            )
        number, numbers = None, [part.number for part in parts]
        if None not in numbers:
            number = self._finite(lambda: plain(*numbers))
        expression = symbolic(*[part.expression for part in parts])
        if expression.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I):
            result = _shown(str(expression))
            raise ValueError(f"{self._text} has no finite real value: it comes to {result}")
        self._check_bits(_bits(expression))
        for power in expression.atoms(sympy.Pow):
            if power.exp.is_number:
                self._check_exponent(complex(power.exp).real)
        # exactly where possible: 0.3 - 0.1 * 3 is 0; and x - x turns out to be constant only now
        if expression.is_Rational or (number is None and expression.is_number):
            number = self._finite(lambda: complex(expression))
        return _Part(expression, number, sizes)

    def _finite(self, value: Callable[[], complex]) -> float:
        try:
            number = complex(value())
        except (ArithmeticError, ValueError):  # such as the square root or logarithm of -1
            number = complex("nan")
        if number.imag or not math.isfinite(number.real):
            raise ValueError(
                f"{self._text} has no finite real value: a constant in it has none, or above 1e308"
            )
        return number.real

    def _check_exponent(self, number: float) -> None:
        if abs(number) > EXPONENT:
            raise ValueError(
                f"{self._text} has the exponent {number:g}; allowed: from -{EXPONENT} to {EXPONENT}"
            )

    def _check_bits(self, bits: float) -> None:
        if bits > BITS:
            raise ValueError(
                f"{self._text} has a number of {bits * math.log10(2):.0f} digits; allowed: at most "
                f"{BITS * math.log10(2):.0f}, so round it"
            )


def _bits(expression: sympy.Expr) -> int:
    """Return the length of the longest numerator or denominator, in bits."""
    numbers = expression.atoms(sympy.Rational)
    return max((max(abs(n.p), n.q).bit_length() for n in numbers), default=0)


class Compiled:
    """Several symbolic expressions of named coordinates, evaluated together on arrays.

    Shared subexpressions are computed once, with calls of NumPy's functions in SymPy's order.
    """

    def __init__(self, expressions: Sequence[sympy.Expr], names: Sequence[str]) -> None:
        self._names = names
        shared, results = sympy.cse(list(expressions))
        self._shared = [(symbol.name, _function(part)) for symbol, part in shared]
        self._results = [_function(result) for result in results]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the values, shape ``(n, expressions)``, at points x of shape ``(n, d)``."""
        columns = np.empty((len(self._results), len(x)))
        for start in range(0, len(x), CHUNK):
            rows = slice(start, start + CHUNK)
            values = dict(zip(self._names, x[rows].T, strict=True))
            for name, function in self._shared:
                values[name] = function(values)
            for column, function in zip(columns, self._results, strict=True):
                column[rows] = function(values)
        return columns.T


def _function(expression: sympy.Expr) -> Callable[[dict], np.ndarray]:
    """Return a function from the values of the symbols, by name, to that of the expression."""
    if expression.is_Symbol:
        return operator.itemgetter(expression.name)
    if expression.is_number or expression.func is sympy.DiracDelta:
        # the delta has no size away from its point
        number = np.array(_real(expression) if expression.is_number else 0.0)
        return lambda values: number
    if expression.is_Pow:
        base, doubled = _function(expression.base), 2 * expression.exp
        if doubled.is_Integer:
            doubled = int(doubled)
            return lambda values: _power(base(values), doubled)
        exponent = _function(expression.exp)
        return lambda values: np.power(base(values), exponent(values))
    first, *rest = [_function(part) for part in expression.args]
    if expression.is_Add or expression.is_Mul:
        combine = np.add if expression.is_Add else np.multiply
        if len(rest) == 1:
            (second,) = rest
            return lambda values: combine(first(values), second(values))
        return lambda values: reduce(combine, (part(values) for part in rest), first(values))
    if expression.func not in _NUMPY:
        raise ValueError(f"{_shown(str(expression))} is not understood: it comes of a derivative")
    ufunc = _NUMPY[expression.func]
    return lambda values: ufunc(first(values))


def _power(base: np.ndarray, doubled: int) -> np.ndarray:
    """Return base**(doubled / 2) by squares, roots and reciprocals, where NumPy is quick."""
    if doubled % 2:
        return _power(np.sqrt(base), 2 * doubled)
    if doubled < 0:
        return np.reciprocal(_power(base, -doubled))
    if doubled == 2:
        return base
    square = _power(np.square(base), doubled // 4 * 2)
    return np.multiply(square, base) if doubled % 4 else square


def _real(expression: sympy.Expr) -> float:
    with suppress(ArithmeticError, TypeError):  # too large, or not a number after all
        number = complex(expression)
        if not number.imag:
            return number.real
    raise ValueError(f"{_shown(str(expression))} is not a finite real number")


class Energy(NamedTuple):
    """An energy E and the derivatives of -E, to be evaluated on arrays."""

    value: Compiled
    score: Compiled
    both: Compiled  # -E and the score
    hessian: Compiled
    third: Compiled  # the gradient of the score's divergence


@lru_cache(maxsize=64)  # a run asks for the same energy several times
def read_energy(text: str, dim: int) -> Energy:
    """Parse an energy and differentiate it; raise the errors of `parse`."""
    names = coordinates(dim)
    value = parse(text, names)
    symbols = [sympy.Symbol(name, real=True) for name in names]
    gradient = [sympy.diff(value, symbol) for symbol in symbols]
    laplacian = sum(sympy.diff(value, symbol, 2) for symbol in symbols)
    return Energy(
        Compiled([value], names),
        Compiled([-part for part in gradient], names),
        Compiled([-value, *(-part for part in gradient)], names),
        Compiled([-sympy.diff(part, s) for part in gradient for s in symbols], names),
        Compiled([-sympy.diff(laplacian, symbol) for symbol in symbols], names),
    )
