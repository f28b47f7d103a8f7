"""Fast exponentials that do not depend on a number's place in its array.

NumPy's are twice as fast as PyTorch's on processors with AVX-512, but slow on all others, where
NumPy computes doubles one by one. PyTorch rounds the last few numbers of a tensor, which do not
fill a vector, differently: they are computed in a full one. Both take thirty times as long where
the result underflows, as in most of a sum of narrow kernels: such results are set to 0 beforehand.
"""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

VECTOR = 64  # numbers: a multiple of what any processor computes at once


@cache
def numpy_is_fast() -> bool:
    """Return whether NumPy computes several exponentials of doubles at once here."""
    found = np.lib.introspect.opt_func_info(func_name="^exp$", signature="float64")
    return any(name in str(found) for name in ("'current': 'X86_V4", "'current': 'AVX512"))


def exp_in_place(x: np.ndarray, *, underflows: bool = True) -> None:
    """Replace every number of an array by its exponential, 0 below four times the least normal one.

    It is faster if none `underflows`. Raise ValueError unless the array is contiguous, in either
    order.
    """
    import torch  # a second, which planning a run spares

    if not (x.flags.c_contiguous or x.flags.f_contiguous):
        raise ValueError("only a contiguous array can be replaced by its exponentials")
    flat = torch.from_numpy(x.ravel(order="K"))
    least = 4.0 * torch.finfo(flat.dtype).tiny  # a little more, which is fast for certain
    if underflows:
        flat.clamp_(min=np.log(least))
    if numpy_is_fast():
        np.exp(flat.numpy(), out=flat.numpy())
    else:
        _exp_in_full_vectors(flat)
    if underflows:
        torch.threshold_(flat, 1.001 * least, 0.0)


def _exp_in_full_vectors(flat: "Tensor") -> None:
    import torch

    full = len(flat) // VECTOR * VECTOR
    torch.exp(flat[:full], out=flat[:full])
    if full < len(flat):
        last = torch.zeros(VECTOR, dtype=flat.dtype)
        last[: len(flat) - full] = flat[full:]
        flat[full:] = torch.exp(last)[: len(flat) - full]


def softmax_in_place(log_values: np.ndarray) -> np.ndarray:
    """Turn each row of a contiguous array ``(n, k)`` into its softmax, nan if all of it is -inf.

    Return the logarithm of the sum of each row's exponentials, shape ``(n,)``.
    """
    highest = log_values.max(axis=1, keepdims=True)
    highest = np.where(np.isneginf(highest), 0.0, highest)
    log_values -= highest
    exp_in_place(log_values)
    total = log_values.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_values /= total
        return (highest + np.log(total))[:, 0]
