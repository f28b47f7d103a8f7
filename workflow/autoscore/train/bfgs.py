"""BFGS for thousands of parameters, with SciPy's line search.

`scipy.optimize.minimize` keeps the inverse Hessian as a matrix and updates it by products of
matrices, which takes p^3 operations for p parameters. Here it is kept as all the steps that it was
updated with, so that the k-th iteration takes about 10 k p. Nothing is forgotten or rescaled,
unlike in L-BFGS: in narrow valleys that makes all the difference.
"""

import warnings
from collections.abc import Callable, Iterator

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import line_search

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]


def descend(
    function: Function, theta: np.ndarray, iterations: int
) -> Iterator[tuple[float, np.ndarray]]:
    """Yield value and place ``(p,)`` after each iteration of BFGS, from an inverse Hessian of one.

    `function` gives a value and its gradient ``(p,)`` at a place, both finite. No value is above
    the one before; nearly every step fulfils the strong Wolfe conditions. The iterations end early
    where no step is found, as at a minimum up to rounding.
    """
    at, inverse = _Latest(function), InverseHessian(len(theta), iterations)
    value, gradient = at.value(theta), at.gradient(theta)
    before = value + np.linalg.norm(gradient) / 2  # the first trial is a step of length one
    for _ in range(iterations):
        if not gradient.any():
            return
        direction = -inverse.times(gradient)
        with warnings.catch_warnings():  # that no step is found is said by its length
            warnings.simplefilter("ignore")
            length, _, _, value, before, _ = line_search(
                at.value, at.gradient, theta, direction, gradient, value, before
            )
        if length is None:
            return
        theta, old = theta + length * direction, gradient
        gradient = at.gradient(theta)
        yield value, theta
        if not inverse.learn(length * direction, gradient - old):
            return


class InverseHessian:
    """BFGS's approximation of an inverse Hessian, ``(p, p)``, as up to so many updates of one.

    The two loops of Nocedal and Wright, "Numerical Optimization", algorithm 7.4, are substitutions
    in a triangular matrix: that of the products of steps with later changes of the gradient.
    """

    def __init__(self, p: int, updates: int) -> None:
        self._steps, self._bends = np.empty((2, updates, p))
        self._products, self._k = np.zeros((updates, updates), order="F"), 0

    def learn(self, step: np.ndarray, bend: np.ndarray) -> bool:
        """Update it with a step and how the gradient changed, both ``(p,)``; False if not at all.

        That is so where rounding hides that the gradient rises along the step.
        """
        if step @ bend <= 0:
            return False
        k = self._k
        self._steps[k], self._bends[k], self._k = step, bend, k + 1
        self._products[: k + 1, k] = self._steps[: k + 1] @ bend
        return True

    def times(self, x: np.ndarray) -> np.ndarray:
        """Return its product with x, ``(p,)``."""
        steps, bends = self._steps[: self._k], self._bends[: self._k]
        products = self._products[: self._k, : self._k]
        if not len(steps):
            return x.copy()
        down = solve_triangular(products, steps @ x, check_finite=False)
        rest = x - down @ bends
        goal = products.diagonal() * down - bends @ rest
        return rest + solve_triangular(products, goal, trans=1, check_finite=False) @ steps


class _Latest:
    """A function whose value and gradient at one place are asked for one after the other."""

    def __init__(self, function: Function) -> None:
        self._function, self._theta = function, None

    def _look(self, theta: np.ndarray) -> None:
        if self._theta is None or not np.array_equal(theta, self._theta):
            self._theta = theta.copy()
            self._value, self._gradient = self._function(self._theta)

    def value(self, theta: np.ndarray) -> float:
        self._look(theta)
        return self._value

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        self._look(theta)
        return self._gradient
