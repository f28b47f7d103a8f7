"""Names whose files would be those of another."""

from collections.abc import Collection, Iterator

# what follows a density's name in the names of its tables, and a model's in those of the images
OF_DENSITIES = (
    "choices", "differences", "far_starts", "fixed_points", "held_out", "losses", "order",
    "profiles",
)  # fmt: skip
OF_IMAGES = ("symmetry",)
OF_ALL_DENSITIES = ("errors", "order", "choices", "held_out", "diagnostics", "samplers")  # tables


def name_mistakes(key: str, names: Collection[str], suffixes: Collection[str]) -> Iterator[str]:
    """Yield which names are those of another with a suffix that its tables have."""
    for name in names:
        for suffix in suffixes:
            if f"{name}_{suffix}" in names:
                yield (
                    f"{key}.{name}_{suffix} is given beside {name}, one of whose tables "
                    "has this name; allowed: another name"
                )
