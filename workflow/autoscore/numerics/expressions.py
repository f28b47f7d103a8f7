"""Energies written as expressions of the coordinates, read without running them as code."""

import ast
import math
import operator
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache, reduce
from itertools import count
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
    """Upper bounds on the terms of an expression and of its first three derivatives, by rule."""

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


class Tape(NamedTuple):
    """Calls of NumPy's functions, in order, that compute expressions.

    Values have places: coordinates, constants, results and spare ones, in this order. A call names
    the places of its operands and at last that of its output, which is none of these.
    """

    constants: list[float]
    calls: list[tuple[np.ufunc, list[int]]]
    spare: int


def make_tape(expressions: Sequence[sympy.Expr], names: Sequence[str]) -> Tape:
    """Return the calls that compute the expressions, with shared parts computed once."""
    program = _Program(names)
    steps, results = sympy.cse(list(expressions))
    for symbol, expression in steps:
        program.values[symbol.name] = program.add(expression)
    return program.finish([program.add(result) for result in results])


class Compiled:
    """Several symbolic expressions, evaluated together on arrays with shared subexpressions.

    They become a list of NumPy calls, each of which writes into an array that no later call needs:
    for few points a call costs more than its arithmetic, and for many the memory does.
    """

    def __init__(self, expressions: Sequence[sympy.Expr], names: Sequence[str]) -> None:
        tape = make_tape(expressions, names)
        self._results, self._spare = len(expressions), tape.spare
        self._constants = [np.array(number) for number in tape.constants]
        self._calls = [(function, operator.itemgetter(*of)) for function, of in tape.calls]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the values, shape ``(n, expressions)``, at points x of shape ``(n, d)``."""
        n = len(x)
        columns = np.empty((self._results, n))
        spare = np.empty((self._spare, min(n, CHUNK)))
        for start in range(0, n, CHUNK):
            part = slice(start, min(start + CHUNK, n))
            work = spare[:, : part.stop - start]
            arrays = [*x[part].T, *self._constants, *columns[:, part], *work]
            for function, of in self._calls:
                function(*of(arrays))
        return columns.T


class _Program:
    """NumPy calls that compute expressions; `values` gives the number of each named value."""

    def __init__(self, names: Sequence[str]) -> None:
        self._numbers = count()
        self.values = {name: next(self._numbers) for name in names}
        self._coordinates = len(self.values)
        self._constants: dict[float, int] = {}
        self._calls: list[tuple[np.ufunc, list[int], int]] = []

    def add(self, expression: sympy.Expr) -> int:
        """Add the calls for an expression, and return the number of its value."""
        if expression.is_Symbol:
            return self.values[expression.name]
        if expression.is_number:
            return self._constant(_real(expression))
        if expression.func is sympy.DiracDelta:
            return self._constant(0.0)  # the delta has no size away from its point
        if expression.is_Pow:
            return self._power(self.add(expression.base), expression.exp)
        parts = [self.add(part) for part in expression.args]
        if expression.is_Add or expression.is_Mul:
            combine = np.add if expression.is_Add else np.multiply
            return reduce(lambda left, right: self._call(combine, left, right), parts)
        if expression.func not in _NUMPY:
            problem = f"{_shown(str(expression))} is not understood: it comes of a derivative"
            raise ValueError(problem)
        return self._call(_NUMPY[expression.func], *parts)

    def _constant(self, number: float) -> int:
        if number not in self._constants:
            self._constants[number] = next(self._numbers)
        return self._constants[number]

    def _call(self, function: np.ufunc, *operands: int) -> int:
        self._calls.append((function, list(operands), next(self._numbers)))
        return self._calls[-1][-1]

    def _power(self, base: int, exponent: sympy.Expr) -> int:
        """Add a power, quickly where NumPy is quick: whole exponents, halves, their reciprocals."""
        doubled = 2 * exponent
        if not doubled.is_Integer:
            return self._call(np.power, base, self.add(exponent))
        if not exponent.is_Integer:
            return self._power(self._call(np.sqrt, base), doubled)
        if exponent < 0:
            return self._call(np.reciprocal, self._power(base, -exponent))
        half, odd = divmod(int(exponent), 2)
        if not half:
            return base
        square = self._power(self._call(np.square, base), sympy.Integer(half))
        return self._call(np.multiply, square, base) if odd else square

    def finish(self, results: list[int]) -> Tape:
        """Give each value a place, reusing those of values that are not needed any more."""
        # a result that is a coordinate, a constant or another result is a copy
        made = {output for _, _, output in self._calls}
        for place, value in enumerate(results):
            if value not in made or value in results[:place]:
                results[place] = self._call(np.positive, value)
        given = [*range(self._coordinates), *self._constants.values()]
        place = {value: i for i, value in enumerate([*given, *results])}
        first = len(place)
        last = {value: i for i, (_, operands, _) in enumerate(self._calls) for value in operands}
        free: list[int] = []
        spare, calls = 0, []
        for i, (function, operands, output) in enumerate(self._calls):
            places = [place[value] for value in operands]
            if output not in place:
                if not free:
                    free.append(first + spare)
                    spare += 1
                place[output] = free.pop()
            free += {place[v] for v in operands if last[v] == i and place[v] >= first}
            calls.append((function, [*places, place[output]]))
        return Tape(list(self._constants), calls, spare)


def _real(expression: sympy.Expr) -> float:
    with suppress(ArithmeticError, TypeError):  # too large, or not a number after all
        number = complex(expression)
        if not number.imag:
            return number.real
    raise ValueError(f"{_shown(str(expression))} is not a finite real number")


class Energy(NamedTuple):
    """An energy E and the derivatives of -E, to be evaluated on arrays."""

    expressions: tuple[sympy.Expr, ...]  # of -E and the score
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
    both = (-value, *(-part for part in gradient))
    return Energy(
        both,
        Compiled([value], names),
        Compiled(both[1:], names),
        Compiled(both, names),
        Compiled([-sympy.diff(part, s) for part in gradient for s in symbols], names),
        Compiled([-sympy.diff(laplacian, symbol) for symbol in symbols], names),
    )
