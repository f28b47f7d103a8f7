"""Many networks of one shape, trained as one tensor."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from math import prod
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from autoscore.fields import Field
from autoscore.files.storage import UNSEALED, check_seal, reading, seal

WHOLE = 64  # points whose units fill whole vectors, however many they are
CLOSE = 1e-9  # relative difference within which noise levels are the same


class Stack(ABC):
    """m networks whose parameters lie in one matrix ``theta`` of shape ``(m, parameters)``.

    No operation mixes rows: each member is the same, to the last bit, whatever is beside it. Where
    PyTorch multiplies with Intel's MKL, this needs the environment variable ``MKL_CBWR=AUTO``,
    which the pipeline's jobs set. Subclasses are dataclasses, whose fields describe a stack but for
    theta.

    Networks work on z = (x - shift) / scale, shapes ``(m, d)`` and ``(m,)``. One scale for all
    coordinates keeps the noise isotropic, and single precision suffices for data in any units,
    however far from the origin. Noise levels are kept in the units of x. With `separate`, each
    member has one of its own in ``sigmas``; otherwise all have the range from ``low`` to ``high``.
    """

    kind: ClassVar[str]  # its name in files
    separate: ClassVar[bool] = False
    of_members: ClassVar[tuple[str, ...]]  # the fields that have an entry per member
    is_tied: bool = False  # whether the decoder is the encoder's transpose
    dim: int  # of the data, d
    seeds: np.ndarray
    sizes: np.ndarray  # numbers of training points, inf for the density itself
    shift: np.ndarray
    scale: np.ndarray
    theta: Tensor

    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the name and shape of every parameter of one member."""

    @abstractmethod
    def forward(
        self, theta: Tensor, x: Tensor, sigma: Tensor, *, jacobian: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Return the reconstruction, ``(m, n, d)``, and its derivative if asked for, or None.

        The derivative, in closed form, has dr_i/dz_j at [..., i, j], ``(m, n, d, d)``. `theta` has
        the shape ``(m, parameters)``, `x` holds inputs z, ``(m, n, d)``, and `sigma`, ``(m, n)`` or
        ``(m, 1)``, noise levels in units of z.
        """

    def check_members(self) -> None:
        """Turn the fields of members into arrays; raise ValueError if their lengths differ."""
        if len({len(getattr(self, name)) for name in self.of_members}) > 1:
            raise ValueError(f"{', '.join(self.of_members)} must name the same members")
        for name in self.of_members:
            dtype = int if name == "seeds" else float
            setattr(self, name, np.asarray(getattr(self, name), dtype=dtype))

    def check_range(self) -> None:
        """Raise ValueError if the range of noise levels is empty."""
        if not 0 < self.low < self.high:
            raise ValueError(
                f"the range of noise levels must have 0 < low < high, not {self.low}, {self.high}"
            )
        self.low, self.high = float(self.low), float(self.high)

    def draw_weights(
        self,
        generators: list[np.random.Generator],
        spread: Callable[[str, tuple[int, ...]], float],
        dtype: torch.dtype,
    ) -> None:
        """Draw normal weights with standard deviation ``spread(name, shape)`` for every member."""
        rows = []
        for rng in generators:
            named = {}
            for name, shape in self.shapes().items():
                drawn = spread(name, shape) * rng.standard_normal((1, *shape))
                named[name] = torch.as_tensor(drawn, dtype=dtype)
            rows.append(self.pack(named))
        self.theta = torch.cat(rows)

    def known(self, sigmas: np.ndarray) -> np.ndarray:
        """Return those of the noise levels, shape ``(k,)``, at which the stack gives fields."""
        sigmas = np.asarray(sigmas)
        if self.separate:
            return sigmas[np.isclose(sigmas[:, None], self.sigmas, rtol=CLOSE).any(1)]
        return sigmas[(sigmas >= self.low * (1 - CLOSE)) & (sigmas <= self.high * (1 + CLOSE))]

    def levels(self, sigmas: np.ndarray) -> np.ndarray:
        """Return the noise levels at which the stack is measured: its own, or those it knows."""
        return np.unique(self.sigmas) if self.separate else self.known(sigmas)

    def member(self, sigma: float, seed: int, size: float = float("inf")) -> int:
        """Return the index of a member, or raise ValueError with a list of what there is.

        `sigma` matters only if members have a level of their own.
        """
        asked = {"sigma": sigma} if self.separate else {}
        asked |= {"seed": seed, "size": size}
        held = {name: getattr(self, f"{name}s") for name in asked}
        matches = [np.isclose(held[name], value, rtol=CLOSE) for name, value in asked.items()]
        found = np.flatnonzero(np.all(matches, axis=0))
        if not len(found):
            wanted = ", ".join(f"{name} {value}" for name, value in asked.items())
            there = ", ".join(
                f"{name}s {np.unique(entries).tolist()}" for name, entries in held.items()
            )
            raise ValueError(f"no member has {wanted}; there are {there}")
        return int(found[0])

    def field(self, sigma: float, seed: int, size: float = float("inf")) -> "LearnedField":
        """Return one member as a field; ValueError if it or the noise level does not exist."""
        if not self.separate and not len(self.known([sigma])):
            raise ValueError(f"sigma must lie in [{self.low}, {self.high}], not {sigma}")
        return LearnedField(self, self.member(sigma, seed, size), sigma)

    def inward(self, x: np.ndarray) -> np.ndarray:
        """Return z in double precision, ``(m, n, d)``, of points ``(n, d)`` or ``(m, n, d)``."""
        return (np.asarray(x, dtype=float) - self.shift[:, None]) / self.scale[:, None, None]

    def unit(self, sigma: Tensor) -> Tensor:
        """Return what the denoising loss divides squared errors by, in the shape of sigma.

        It is sigma^2 unless a model knows better what error to expect at each level.
        """
        return sigma**2

    def to(self, device: torch.device | str) -> Self:
        """Move the stack with all its tensors, in place, to a device, and return it."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, name, value.to(device))
        return self

    def description(self) -> dict[str, Any]:
        """Return all fields as plain JSON values: what the constructor needs."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

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

        Raises ValueError if the stacks differ in more than their members.
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

    def views(self, theta: Tensor) -> dict[str, Tensor]:
        """Return the named parameters as views into `theta`, each of shape ``(m, *shape)``."""
        shapes = self.shapes()
        parts = theta.split([prod(shape) for shape in shapes.values()], dim=1)
        return {
            name: part.view(len(theta), *shape)
            for (name, shape), part in zip(shapes.items(), parts, strict=True)
        }

    def pack(self, named: dict[str, Tensor]) -> Tensor:
        """Return theta, shape ``(m, parameters)``, from named parameters: the inverse of views."""
        return torch.cat([named[name].flatten(1) for name in self.shapes()], dim=1)

    def save(self, path: Path) -> None:
        """Write tensors by name and the description as JSON, with a checksum, to .safetensors."""
        theta = self.theta.cpu()
        tensors = {name: part.contiguous() for name, part in self.views(theta).items()}
        described = json.dumps({"kind": self.kind} | self.description() | {"sha256": UNSEALED})
        path.write_bytes(seal(save(tensors, {"description": described})))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a stack that `save` wrote; a damaged file raises DamagedFileError."""
        with reading(path), safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            described = json.loads(file.metadata()["description"])
            check_seal(Path(path).read_bytes(), described.pop("sha256", ""))
            if (kind := described.pop("kind", cls.kind)) != cls.kind:
                raise ValueError(f"it holds a model of kind {kind}, not {cls.kind}")
            stack = cls(**described)
            stack.theta = stack.pack(tensors)
        return stack


def _plain(value: Any) -> Any:
    """Return a dataclass, array or tensor as plain JSON values."""
    if is_dataclass(value):
        return asdict(value)
    return value.tolist() if hasattr(value, "tolist") else value


class LearnedField(Field):
    """One member of a stack at one noise level, as a field on NumPy arrays.

    Calls raise ValueError unless x has the dimension that the auto-encoder was trained in.
    """

    UNITS = 1 << 18  # at once in the widest layer: 1 MB, which fits a cache

    def __init__(self, stack: Stack, member: int, sigma: float) -> None:
        self.sigma = float(sigma)
        self.dim = stack.dim
        self._stack = stack.take([member])
        self._scale = float(self._stack.scale[0])

    def _forward(self, x: np.ndarray, *, jacobian: bool) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return z, its reconstruction and the derivative of that."""
        if x.ndim != 2 or x.shape[1] != self.dim:
            raise ValueError(f"x must have shape (n, {self.dim}), not {x.shape}")
        theta = self._stack.theta
        place = {"dtype": theta.dtype, "device": theta.device}
        z = torch.as_tensor(self._stack.inward(x), **place)
        sigma = torch.full((1, 1), self.sigma / self._scale, **place)
        if not len(x):
            return z[0], z[0], z[0, :, :, None].expand(0, self.dim, self.dim)
        widest = max(shape[-1] for shape in self._stack.shapes().values())
        size = max(1, self.UNITS // widest // (self.dim if jacobian else 1))
        size -= size % WHOLE if size > WHOLE else 0
        with torch.no_grad():
            chunks = [
                self._stack.forward(theta, chunk, sigma, jacobian=jacobian)
                for chunk in z.split(size, dim=1)
            ]
        value = torch.cat([value[0] for value, _ in chunks])
        return z[0], value, torch.cat([slope[0] for _, slope in chunks]) if jacobian else None

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x + self.move(x)

    def move(self, x: np.ndarray) -> np.ndarray:
        z, value, _ = self._forward(x, jacobian=False)
        return self._scale * (value - z).double().cpu().numpy()

    def rounding(self, x: np.ndarray) -> np.ndarray:
        largest = np.abs(self._stack.inward(x)[0]).max(axis=1, initial=1.0)
        return 4.0 * torch.finfo(self._stack.theta.dtype).eps * self._scale * largest

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        return self._forward(x, jacobian=True)[2].double().cpu().numpy()


class SideBySide:
    """The scores of several members with a noise level of their own, each at rows of its own.

    Of the rows of x, ``(k * m * chains, d)``, the first `chains` go to the first of the m members,
    the next to the second, and so on, k times over: one call where each alone would need one.
    """

    def __init__(self, stack: Stack, members: list[int], chains: int = 1) -> None:
        self._stack, self._groups = stack.take(members), (len(members), chains, stack.dim)
        self._unit = self._stack.scale / self._stack.sigmas**2

    def score(self, x: np.ndarray) -> np.ndarray:
        """Return (r(x) - x) / sigma^2, of shape ``(n, d)``."""
        m, _, d = self._groups
        grouped = x.reshape(-1, *self._groups).swapaxes(0, 1)  # (m, k, chains, d)
        move = self._inner_move(grouped.reshape(m, -1, d))
        scores = (self._unit[:, None, None] * move).reshape(grouped.shape)
        return scores.swapaxes(0, 1).reshape(x.shape)

    def move(self, x: np.ndarray) -> np.ndarray:
        """Return r(x) - x of each member at points of its own, ``(m, n, d)`` both."""
        return self._stack.scale[:, None, None] * self._inner_move(x)

    def _inner_move(self, x: np.ndarray) -> np.ndarray:
        """Return the same in the members' own coordinates."""
        theta = self._stack.theta
        place = {"dtype": theta.dtype, "device": theta.device}
        z = torch.as_tensor(self._stack.inward(x), **place)
        sigma = torch.as_tensor(self._stack.sigmas / self._stack.scale, **place)[:, None]
        with torch.no_grad():
            return (self._stack.forward(theta, z, sigma)[0] - z).double().cpu().numpy()
