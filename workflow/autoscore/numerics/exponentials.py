"""Exponentials, several at a time, and the same wherever in an array they stand.

NumPy has vector instructions for those of doubles on some processors alone, and takes them one by
one on others; PyTorch has them for all. It rounds the last few numbers of a tensor, which do not
fill a vector, in another way: they are computed in a full one. Both take thirty times as long for a
number whose exponential is too small for their format, as most are in a sum of narrow kernels:
these are told to be 0 beforehand.
"""

import numpy as np

VECTOR = 64  # numbers: a multiple of what any processor computes at once


def exp_in_place(x: np.ndarray) -> None:
    """Replace every number of an array, contiguous in either order, by its exponential.

    It is 0 where it is less than four times the smallest number that has all of its digits.

    Raises
    ------
    ValueError
        If the array is not contiguous.
    """
    import torch  # a second, which planning a run spares

    if not (x.flags.c_contiguous or x.flags.f_contiguous):
        raise ValueError("only a contiguous array can be replaced by its exponentials")
    flat = torch.from_numpy(x.ravel(order="K"))
    least = 4.0 * torch.finfo(flat.dtype).tiny  # a little more, which is fast for certain
    flat.clamp_(min=np.log(least))
    full = len(flat) // VECTOR * VECTOR
    torch.exp(flat[:full], out=flat[:full])
    if full < len(flat):
        last = torch.zeros(VECTOR, dtype=flat.dtype)
        last[: len(flat) - full] = flat[full:]
        flat[full:] = torch.exp(last)[: len(flat) - full]
    torch.threshold_(flat, 1.001 * least, 0.0)


def softmax_in_place(log_values: np.ndarray) -> np.ndarray:
    """Turn each row of a contiguous array, ``(n, k)``, into its softmax; one of -inf alone, to nan.

    Returns
    -------
    numpy.ndarray
        The logarithm of the sum of each row's exponentials, shape ``(n,)``.
    """
    highest = log_values.max(axis=1, keepdims=True)
    highest = np.where(np.isneginf(highest), 0.0, highest)
    log_values -= highest
    exp_in_place(log_values)
    total = log_values.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_values /= total
        return (highest + np.log(total))[:, 0]
