"""Many networks of one shape, trained as one tensor."""

import json
import os
from abc import ABC, abstractmethod
from math import prod
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save

from autoscore.fields import Field
from autoscore.files.storage import UNSEALED, check_seal, reading, seal

# Intel's library, which multiplies matrices here, would round them by where they lie in memory, and
# so by which members are before them; it reads this when it is first used
os.environ.setdefault("MKL_CBWR", "AUTO")


class Stack(ABC):
    """m networks whose parameters lie in one matrix ``theta`` of shape ``(m, parameters)``.

    No operation mixes rows, so member k behaves as if it were alone; to the last bit as in any
    other company.

    Attributes
    ----------
    theta : torch.Tensor
        All parameters, shape ``(m, parameters)``.
    dim : int
        Dimension d of the data.
    seeds, sizes : numpy.ndarray
        Seed, and number of training points (``inf`` for the density itself), of each member.
    shift, scale : numpy.ndarray
        Networks work on z = (x - shift) / scale, one scale for all coordinates, so that noise stays
        isotropic and single precision does for data in any units, however far from the origin;
        shapes ``(m, d)`` and ``(m,)``. Noise levels are kept in the units of x.
    kind : str
        Its name in files.
    separate : bool
        Whether each member knows one noise level of its own, in ``sigmas``.
    is_tied : bool
        Whether the decoder is the encoder's transpose.
    of_members : tuple of str
        Those parts of the description that have an entry per member.
    """

    kind: ClassVar[str]
    separate: ClassVar[bool] = False
    is_tied: bool = False
    of_members: ClassVar[tuple[str, ...]]
    shift: np.ndarray
    scale: np.ndarray
    dim: int
    seeds: np.ndarray
    sizes: np.ndarray
    theta: torch.Tensor

    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the name and shape of every parameter of one member."""

    @abstractmethod
    def forward(
        self, theta: torch.Tensor, x: torch.Tensor, sigma: torch.Tensor, *, jacobian: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Reconstruct, and differentiate the reconstruction in closed form if asked to.

        Parameters
        ----------
        theta
            Parameters, shape ``(m, parameters)``.
        x
            Inputs z, shape ``(m, n, d)``; see `inward`.
        sigma
            Noise level of each input in units of z, shape ``(m, n)``, or ``(m, 1)`` for one per
            member.
        jacobian
            Whether to return dr/dx as well.

        Returns
        -------
        reconstruction, derivative
            Shapes ``(m, n, d)`` and ``(m, n, d, d)``; entry [..., i, j] of the derivative is
            dr_i/dx_j. It is None unless asked for.
        """

    @abstractmethod
    def known(self, sigmas: np.ndarray) -> np.ndarray:
        """Return those of the noise levels, shape ``(k,)``, at which the stack gives fields."""

    def levels(self, sigmas: np.ndarray) -> np.ndarray:
        """Return the noise levels at which it is measured: its own, or those it knows."""
        return np.unique(self.sigmas) if self.separate else self.known(sigmas)

    def inward(self, x: np.ndarray) -> np.ndarray:
        """Return z in double precision, ``(m, n, d)``, of points ``(n, d)`` or ``(m, n, d)``."""
        return (np.asarray(x, dtype=float) - self.shift[:, None]) / self.scale[:, None, None]

    def unit(self, sigma: torch.Tensor) -> torch.Tensor:
        """Return what squared errors are divided by in the denoising loss, in the shape of sigma.

        It is sigma^2 unless a kind of auto-encoder knows better what to expect of each level.
        """
        return sigma**2

    def to(self, device: torch.device | str) -> Self:
        """Move the stack, itself, to a device, and return it."""
        if hasattr(self, "theta"):
            self.theta = self.theta.to(device)
        return self

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """Return, as plain JSON values, what the constructor needs besides theta."""

    def take(self, members: list[int]) -> Self:
        """Return a stack of copies of these members alone."""
        described = self.description()
        for key in self.of_members:
            described[key] = [described[key][member] for member in members]
        stack = type(self)(**described)
        stack.theta = self.theta[members].clone()
        return stack.to(self.theta.device)

    @staticmethod
    def join(stacks: list["Stack"], places: list[list[int]]) -> "Stack":
        """Return one stack of the members of several, each at its place: the inverse of `take`.

        Raises
        ------
        ValueError
            If the stacks differ in more than their members.
        """
        described, keys = [stack.description() for stack in stacks], stacks[0].of_members
        lists = {key: [value for one in described for value in one[key]] for key in keys}
        if any(one | lists != described[0] | lists for one in described):
            raise ValueError("stacks can be joined only if they differ in their members alone")
        joined = type(stacks[0])(**described[0] | lists)
        joined.theta = torch.cat([stack.theta for stack in stacks])
        return joined.take(np.argsort(np.concatenate(places)).tolist())

    def trained(self) -> list[tuple[float, int]]:
        """Return each size and seed that there is, in order."""
        return sorted(set(zip(self.sizes.tolist(), self.seeds.tolist(), strict=True)))

    def views(self, theta: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the named parameters as views into `theta`, each of shape ``(m, *shape)``."""
        shapes = self.shapes()
        parts = theta.split([prod(shape) for shape in shapes.values()], dim=1)
        return {
            name: part.view(len(theta), *shape)
            for (name, shape), part in zip(shapes.items(), parts, strict=True)
        }

    def pack(self, named: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return theta, shape ``(m, parameters)``, from named parameters: the inverse of views."""
        return torch.cat([named[name].flatten(1) for name in self.shapes()], dim=1)

    def save(self, path: Path) -> None:
        """Write the stack to a .safetensors file: tensors by name, the rest as JSON metadata.

        That holds the file's own checksum, too: the format has none.
        """
        theta = self.theta.cpu()
        tensors = {name: part.contiguous() for name, part in self.views(theta).items()}
        described = json.dumps({"kind": self.kind} | self.description() | {"sha256": UNSEALED})
        path.write_bytes(seal(save(tensors, {"description": described})))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a stack that `save` wrote.

        Raises
        ------
        autoscore.files.storage.DamagedFileError
            If the file holds no such stack.
        """
        with reading(path), safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            described = json.loads(file.metadata()["description"])
            check_seal(Path(path).read_bytes(), described.pop("sha256", ""))
            if (kind := described.pop("kind", cls.kind)) != cls.kind:
                raise ValueError(f"it holds a model of kind {kind}, not {cls.kind}")
            stack = cls(**described)
            stack.theta = stack.pack(tensors)
        return stack


class LearnedField(Field):
    """One member of a stack at one noise level, as a field on NumPy arrays.

    Calls raise ValueError if x does not have the dimension that the auto-encoder was trained in.
    """

    UNITS = 1 << 18  # at once in the widest layer: 1 MB, which a cache can hold

    def __init__(self, stack: Stack, member: int, sigma: float) -> None:
        self.sigma = float(sigma)
        self.dim = stack.dim
        self._stack = stack.take([member])
        self._scale = float(self._stack.scale[0])

    def _forward(
        self, x: np.ndarray, *, jacobian: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return what the network sees of x, its reconstruction and the derivative of that."""
        if x.ndim != 2 or x.shape[1] != self.dim:
            raise ValueError(f"x must have shape (n, {self.dim}), not {x.shape}")
        theta = self._stack.theta
        place = {"dtype": theta.dtype, "device": theta.device}
        seen = torch.as_tensor(self._stack.inward(x), **place)
        sigma = torch.full((1, 1), self.sigma / self._scale, **place)
        if not len(x):
            return seen[0], seen[0], seen[0, :, :, None].expand(0, self.dim, self.dim)
        widest = max(shape[-1] for shape in self._stack.shapes().values())
        size = max(1, self.UNITS // widest // (self.dim if jacobian else 1))
        with torch.no_grad():
            parts = [
                self._stack.forward(theta, block, sigma, jacobian=jacobian)
                for block in seen.split(size, dim=1)
            ]
        value = torch.cat([value[0] for value, _ in parts])
        return seen[0], value, torch.cat([slope[0] for _, slope in parts]) if jacobian else None

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x + self.move(x)

    def move(self, x: np.ndarray) -> np.ndarray:
        seen, value, _ = self._forward(x, jacobian=False)
        return self._scale * (value - seen).double().cpu().numpy()

    def rounding(self, x: np.ndarray) -> np.ndarray:
        largest = np.abs(self._stack.inward(x)[0]).max(axis=1, initial=1.0)
        return 4.0 * torch.finfo(self._stack.theta.dtype).eps * self._scale * largest

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        return self._forward(x, jacobian=True)[2].double().cpu().numpy()
