"""exp, log and the angles of normals, written so that the compiler does several numbers at once.

Each is sums and products alone, with choices in place of branches, and within two units in the last
place of the exact value. Such arithmetic rounds alike on every processor, one number or eight at a
time, so that a chain's bits depend neither on the machine nor on the chains beside it.
"""

import math

import numba
import numpy as np

# Threads run side by side, and a division by zero gives an infinity, as NumPy's does.
allocating = numba.njit(nogil=True, error_model="numpy")
# Functions that make no array do not count references to those they are given, which would cost as
# much as a loop over a block.
fast = numba.njit(nogil=True, error_model="numpy", _nrt=False)

LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # high: 33 bits
INVERSE_LN2 = 1.44269504088896338700
ROUNDING = 1.5 * 2.0**52  # added and taken away again, it leaves the nearest whole number
# of log(1 + f), exp, cosine and sine; the highest power is first
LOG_EVEN = (1.531383769920937332e-01, 2.222219843214978396e-01, 3.999999999940941908e-01)
LOG_ODD = (
    1.479819860510658591e-01, 1.818357216161805012e-01, 2.857142874366239149e-01,
    6.666666666666735130e-01,
)  # fmt: skip
EXP = tuple(1.0 / math.factorial(k) for k in range(13, 1, -1))
COSINE = (
    -1.13596475577881948265e-11, 2.08757232129817482790e-09, -2.75573143513906633035e-07,
    2.48015872894767294178e-05, -1.38888888888741095749e-03, 4.16666666666666019037e-02,
)  # fmt: skip
SINE = (
    1.58969099521155010221e-10, -2.50507602534068634195e-08, 2.75573137070700676789e-06,
    -1.98412698298579493134e-04, 8.33333333332248946124e-03, -1.66666666666666324348e-01,
)  # fmt: skip
SMALLEST = 2.0**-1022  # of the numbers with all 53 bits
FRACTION = np.uint64(2**52 - 1)
EXPONENT = np.uint64(52)
ROOT_HALF = np.uint64(0x3FE6A09E00000000)  # about sqrt(1/2)
TO_ROOT = np.uint64(0x3FF0000000000000 - 0x3FE6A09E00000000)
WHOLE = np.uint64(0x4330000000000000)  # of 2^52: or'ed with a whole number, that number more
BIAS = 2.0**52 + 1023.0


@fast
def bits(x: float) -> int:
    """Return the 64 bits of a number."""
    return np.float64(x).view(np.uint64)


@fast
def number(word: int) -> float:
    """Return the number of which these are the bits."""
    return np.uint64(word).view(np.float64)


@fast
def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    y = coefficients[0]
    for coefficient in coefficients[1:]:
        y = y * x + coefficient
    return y


@fast
def log_of_normal(x: float) -> float:
    """Return log x of a positive number that is neither infinite nor below 2^-1022.

    The method is that of FreeBSD's e_log.c (Sun Microsystems 1993): x = 2^k (1 + f) with 1 + f
    around 1, and a polynomial of s = f / (2 + f).
    """
    word = bits(x) + TO_ROOT
    k = number((word >> EXPONENT) | WHOLE) - BIAS
    f = number((word & FRACTION) + ROOT_HALF) - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even, odd = w * _polynomial(LOG_EVEN, w), z * _polynomial(LOG_ODD, w)
    half = 0.5 * f * f
    return s * (half + (even + odd)) + k * LN2_LOW - half + f + k * LN2_HIGH


@fast
def log(x: float) -> float:
    """Return log x of any number: -inf at 0, NaN below it."""
    tiny = x < SMALLEST
    y = log_of_normal(x * 2.0**54 if tiny else x) - (54.0 * (LN2_HIGH + LN2_LOW) if tiny else 0.0)
    y = y if x < np.inf else x  # infinite, or no number
    y = y if x != 0.0 else -np.inf
    return np.nan if x < 0.0 else y


@fast
def exp(x: float) -> float:
    """Return exp(x) of any number, by its series around the nearest multiple of ln 2."""
    x = -746.0 if x < -746.0 else x  # below and above are 0 and infinity
    x = 710.0 if x > 710.0 else x
    k = (x * INVERSE_LN2 + ROUNDING) - ROUNDING
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    half = (0.5 * k + ROUNDING) - ROUNDING  # 2^k in two factors: it may lie below 2^-1022
    return (1.0 + (r + r * r * _polynomial(EXP, r))) * _power_of_two(half) * _power_of_two(k - half)


@fast
def _power_of_two(k: float) -> float:
    """Return 2^k of a whole number from -1022 to 1023."""
    return number(bits(k + BIAS) << EXPONENT)


@fast
def octant(turn: float) -> tuple[float, float]:
    """Return the cosine and sine of a number from 0 to 1 times pi / 4, by FreeBSD's polynomials."""
    x = turn * 0.78539816339744830962
    z = x * x
    cosine, sine = _polynomial(COSINE, z), _polynomial(SINE, z)
    return 1.0 - (0.5 * z - z * z * cosine), x + x * z * sine
