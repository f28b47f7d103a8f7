"""Energies written as expressions of the coordinates, parsed without evaluating code."""

import ast
import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce

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
_NUMPY: dict[type, Callable] = {
    sympy.exp: np.exp,
    sympy.log: np.log,
    sympy.sin: np.sin,
    sympy.cos: np.cos,
    sympy.tanh: np.tanh,
    # SymPy makes these of roots of squares, and of their derivatives
    sympy.Abs: np.abs,
    sympy.sign: np.sign,
    sympy.DiracDelta: lambda x, *_: np.zeros_like(x),  # it has no size away from its point
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

    Parameters
    ----------
    expressions
        Symbolic expressions of the coordinates.
    names
        The coordinates, in the order of the columns of x.
    """

    def __init__(self, expressions: Sequence[sympy.Expr], names: Sequence[str]) -> None:
        self._names = list(names)
        steps, results = sympy.cse(list(expressions))
        self._steps = [(symbol.name, _compile(expression)) for symbol, expression in steps]
        self._results = [_compile(result) for result in results]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the values, of shape ``(n, expressions)``, for x of shape ``(n, d)``."""
        values = {name: x[:, i] for i, name in enumerate(self._names)}
        for name, step in self._steps:
            values[name] = step(values)
        columns = np.empty((len(self._results), len(x)))
        for column, result in zip(columns, self._results, strict=True):
            column[...] = result(values)
        return columns.T


Values = dict[str, np.ndarray]


def _compile(expression: sympy.Expr) -> Callable[[Values], np.ndarray | float]:
    """Return a function of named arrays: walking the symbols costs more than most arithmetic."""
    if expression.is_Symbol:
        return operator.itemgetter(expression.name)
    if expression.is_number:
        number = complex(expression)
        return lambda _: _real(number, expression)
    if expression.is_Pow:
        return _power(_compile(expression.base), expression.exp)
    parts = [_compile(part) for part in expression.args]
    if expression.is_Add or expression.is_Mul:
        combine = operator.add if expression.is_Add else operator.mul
        return lambda values: reduce(combine, [part(values) for part in parts])
    function = _NUMPY[expression.func]
    return lambda values: function(*[part(values) for part in parts])


def _power(base: Callable[[Values], np.ndarray], exponent: sympy.Expr) -> Callable:
    """Return a power, quickly where NumPy is quick: whole exponents, roots, reciprocals."""
    if exponent == sympy.Rational(1, 2):
        return lambda values: np.sqrt(base(values))
    if exponent == sympy.Rational(-1, 2):
        return lambda values: 1.0 / np.sqrt(base(values))
    if exponent == -1:
        return lambda values: 1.0 / base(values)
    if exponent.is_Integer:
        # NumPy takes integer powers of negative numbers for an integer only
        whole = int(exponent)
        return lambda values: base(values) ** whole
    power = _compile(exponent)
    return lambda values: base(values) ** power(values)


def _real(number: complex, expression: sympy.Expr) -> float:
    if number.imag:
        raise ValueError(f"{expression} is not a finite real number")
    return number.real
