"""Where networks are trained and evaluated: the processor, or a GPU."""

import torch


def device_of(name: str) -> torch.device:
    """Return the device ``cpu``, ``cuda`` or ``auto``, the GPU if there is one.

    Raise ValueError for ``cuda`` without a GPU.
    """
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise ValueError("device is cuda, but PyTorch finds no GPU: use auto or cpu")
    return torch.device("cuda" if found and name != "cpu" else "cpu")
