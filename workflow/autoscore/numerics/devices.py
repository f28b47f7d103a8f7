"""Where networks are trained and evaluated: the processor, or a GPU."""

import torch


def device_of(name: str) -> torch.device:
    """Return the device of this name; ``auto`` is the first GPU if there is one.

    Raises
    ------
    ValueError
        If a GPU is asked for and there is none.
    """
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise ValueError("device is cuda, but PyTorch finds no GPU; auto or cpu would do")
    return torch.device("cuda" if found and name != "cpu" else "cpu")
