"""What messages say: values, short however large they are, and that points are too few."""

from collections.abc import Iterator
from typing import Any

LONGEST = 200  # characters


def shown(value: Any, most: int = LONGEST) -> str:
    """Return how Python writes a value, cut at so many characters.

    No more of the value is looked at than that: a file of a few hundred bytes can hold lists of
    lists of lists that would be written out in gigabytes.

    Examples
    --------
    >>> shown([0.1, "a"])
    "[0.1, 'a']"
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
    """Raise ValueError unless there are as many points as something needs.

    Examples
    --------
    >>> require("a mean", 0)
    Traceback (most recent call last):
    ValueError: a mean needs at least 1 point, not 0
    """
    if found < fewest:
        raise ValueError(f"{what} needs at least {fewest} point{'s' * (fewest > 1)}, not {found}")


def cut(text: str, most: int = LONGEST) -> str:
    """Return a text, its end left out beyond so many characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _pieces(value: Any, most: int) -> Iterator[str]:
    """Yield what `repr` returns in pieces, each of which is short or the last one needed."""
    match value:
        case dict():
            yield "{"
            for place, (key, part) in enumerate(value.items()):
                yield ", " if place else ""
                yield from _pieces(key, most)
                yield ": "
                yield from _pieces(part, most)
            yield "}"
        case list():
            yield "["
            for place, part in enumerate(value):
                yield ", " if place else ""
                yield from _pieces(part, most)
            yield "]"
        case str() | bytes():
            yield repr(value[:most]) if len(value) > most else repr(value)
        case int() if value.bit_length() > 4 * most:  # Python refuses to write thousands of digits
            yield f"a whole number of {value.bit_length()} bits"
        case _:
            yield cut(repr(value), most + 1)
