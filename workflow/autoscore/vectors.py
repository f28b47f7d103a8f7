"""Exponentials, several at a time, and the same wherever in an array they stand.

NumPy has vector instructions for those of doubles on some processors alone, and takes them one by
one on others; PyTorch has them for all. It rounds the last few numbers of a tensor, which do not
fill a vector, in another way: they are computed in a full one.
"""

import numpy as np

VECTOR = 64  # numbers: a multiple of what any processor computes at once


def exp_in_place(x: np.ndarray) -> None:
    """Replace every number of a contiguous array by its exponential.

    Raises
    ------
    ValueError
        If the array is not contiguous.
    """
    import torch  # a second, which planning a run spares

    if not x.flags.c_contiguous:
        raise ValueError("only a contiguous array can be replaced by its exponentials")
    flat = torch.from_numpy(x.reshape(-1))
    full = len(flat) // VECTOR * VECTOR
    torch.exp(flat[:full], out=flat[:full])
    if full < len(flat):
        last = torch.zeros(VECTOR, dtype=flat.dtype)
        last[: len(flat) - full] = flat[full:]
        flat[full:] = torch.exp(last)[: len(flat) - full]
