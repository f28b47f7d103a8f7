"""Energies written as expressions of the coordinates, parsed without evaluating code."""

import ast
import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import count

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
_NUMPY: dict[type, np.ufunc] = {
    sympy.exp: np.exp,
    sympy.log: np.log,
    sympy.sin: np.sin,
    sympy.cos: np.cos,
    sympy.tanh: np.tanh,
    # SymPy makes these of roots of squares, and of their derivatives
    sympy.Abs: np.abs,
    sympy.sign: np.sign,
}
FUNCTIONS: dict[str, Callable] = {
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tanh": sympy.tanh,
}
CONSTANTS = {"pi": sympy.pi}
BLOCK = 4096  # points at once, so that what is in between stays in the processor's cache


def coordinates(dim: int) -> list[str]:
    """Return the names under which an expression knows the coordinates: x, or x1, x2, ..."""
    return ["x"] if dim == 1 else [f"x{i + 1}" for i in range(dim)]


def parse(text: str, names: Sequence[str]) -> sympy.Expr:
    """Turn an arithmetic expression into a symbolic one.

    Only numbers, the given coordinates, ``+ - * / **``, parentheses and the
    functions in `FUNCTIONS` are understood: the text is never run as code.

    Raises
    ------
    ValueError
        If the text is not such an expression; the message names the offending part.
    """
    symbols = {name: sympy.Symbol(name, real=True) for name in names} | CONSTANTS
    allowed = f"allowed are {', '.join(symbols)}, numbers, + - * / ** and {', '.join(FUNCTIONS)}"

    def build(node: ast.AST) -> sympy.Expr:
        match node:
            case ast.Expression(body=body):
                return build(body)
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                if not math.isfinite(value):
                    raise ValueError(f"{ast.unparse(node)} in {text!r} is not a finite number")
                return sympy.Rational(str(value))
            case ast.Name(id=name) if name in symbols:
                return symbols[name]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return _BINARY[type(op)](build(left), build(right))
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                return _UNARY[type(op)](build(operand))
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if (
                name in FUNCTIONS
            ):
                return FUNCTIONS[name](build(argument))
        raise ValueError(f"{ast.unparse(node)!r} in {text!r} is not understood: {allowed}")

    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise ValueError(f"{text!r} is not an expression ({error.msg}): {allowed}") from None
    expression = build(tree)
    if expression.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I):
        raise ValueError(f"{text!r} has no finite real value: it comes to {expression}")
    return expression


class Compiled:
    """Several symbolic expressions, evaluated together on arrays with shared subexpressions.

    They become a list of calls of NumPy's functions, each of which writes into an array that an
    earlier one no longer needs: for few points a call costs more than its arithmetic, and for many
    the memory does.

    Parameters
    ----------
    expressions
        Symbolic expressions of the coordinates.
    names
        The coordinates, in the order of the columns of x.
    """

    def __init__(self, expressions: Sequence[sympy.Expr], names: Sequence[str]) -> None:
        program = _Program(names)
        steps, results = sympy.cse(list(expressions))
        for symbol, expression in steps:
            program.values[symbol.name] = program.add(expression)
        self._results = len(results)
        self._constants, self._calls, self._spare = program.finish(
            [program.add(result) for result in results]
        )

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the values, of shape ``(n, expressions)``, for x of shape ``(n, d)``."""
        n = len(x)
        columns = np.empty((self._results, n))
        spare = np.empty((self._spare, min(n, BLOCK)))
        for start in range(0, n, BLOCK):
            part = slice(start, min(start + BLOCK, n))
            work = spare[:, : part.stop - start]
            arrays = [*x[part].T, *self._constants, *columns[:, part], *work]
            for function, of in self._calls:
                function(*of(arrays))
        return columns.T


class _Program:
    """Calls that compute expressions from coordinates, with one number for each value on the way.

    Attributes
    ----------
    values
        Number of each coordinate and shared part, by name.
    """

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
            return self._constant(_real(complex(expression), expression))
        if expression.func is sympy.DiracDelta:
            return self._constant(0.0)  # it has no size away from its point
        if expression.is_Pow:
            return self._power(self.add(expression.base), expression.exp)
        parts = [self.add(part) for part in expression.args]
        if expression.is_Add or expression.is_Mul:
            combine = np.add if expression.is_Add else np.multiply
            return reduce(lambda left, right: self._call(combine, left, right), parts)
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

    def finish(self, results: list[int]) -> tuple[list[np.ndarray], list[tuple], int]:
        """Give each value an array: that of a value before it which is not needed any more.

        Returns
        -------
        constants, calls, spare
            The constants; each call with what picks its operands and output among coordinates,
            constants, results and spare arrays, in this order; and the number of the last.
        """
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
            free += {place[v] for v in operands if last[v] == i and place[v] >= first}
            if output not in place:
                if not free:
                    free.append(first + spare)
                    spare += 1
                place[output] = free.pop()
            calls.append((function, operator.itemgetter(*places, place[output])))
        return [np.array(number) for number in self._constants], calls, spare


def _real(number: complex, expression: sympy.Expr) -> float:
    if number.imag:
        raise ValueError(f"{expression} is not a finite real number")
    return number.real
