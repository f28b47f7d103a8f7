"""Words of messages: values, short however large they are, and that points are too few."""

from collections.abc import Iterator
from typing import Any

LONGEST = 200  # characters


def shown(value: Any, most: int = LONGEST) -> str:
    """Return a value as Python writes it, cut at so many characters.

    No more of the value is visited: a small file can hold nested lists that fill gigabytes.

    >>> shown([1000] * 9, 20)
    '[1000, 1000, 1000...'
    """
    text = ""
    for piece in _pieces(value, most):
        text += piece
        if len(text) > most:
            break
    return cut(text, most)


def require(what: str, found: int, fewest: int = 1) -> None:
    """Raise ValueError unless as many points as something needs were found."""
    if found < fewest:
        raise ValueError(f"{what} needs at least {fewest} point{'s' * (fewest > 1)}, not {found}")


def cut(text: str, most: int = LONGEST) -> str:
    """Return a text of at most so many characters, with dots for what is left out."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _pieces(value: Any, most: int) -> Iterator[str]:
    """Yield `repr(value)` in pieces, each of which is short or the last one needed."""
    if isinstance(value, dict | list):
        start, end = "{}" if isinstance(value, dict) else "[]"
        yield start
        for place, part in enumerate(value):
            yield ", " if place else ""
            yield from _pieces(part, most)
            if isinstance(value, dict):
                yield ": "
                yield from _pieces(value[part], most)
        yield end
    elif isinstance(value, str | bytes):
        yield repr(value[:most])
    elif isinstance(value, int) and value.bit_length() > 4 * most:  # Python refuses many digits
        yield f"a whole number of {value.bit_length()} bits"
    else:
        yield cut(repr(value), most + 1)
