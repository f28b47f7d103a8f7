"""Fonts in PDFs: real ones, cut down to the glyphs of a figure, and read ahead of many figures."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

LAYOUT = ("GDEF", "GPOS", "GSUB", "kern")  # tables that lay out lines, as Matplotlib has done
READ = ("glyf", "hmtx", "post", "cmap")  # tables whose reading takes long

# by file and number in it; each for a single use, as to cut a font down changes it
_ahead: dict[tuple[str, int], list[Any]] = {}


@contextmanager
def light() -> Iterator[None]:
    """Embed fonts in a PDF without their tables for kerning, which nothing there reads.

    To read these and cut them down takes most of a font's time, and fonts half of a figure's.
    """

    def load(usual: Callable, path: Any, options: Any, **more: Any) -> Any:
        if there := _ahead.get((str(path), options.font_number)):
            return there.pop()
        return _without_layout(usual(path, options, **more))

    with _loading_by(load):
        yield


@contextmanager
def reading_ahead() -> Iterator[None]:
    """Keep the fonts of what is drawn within, read anew, for as many uses as they have there."""
    used = []

    def load(usual: Callable, path: Any, options: Any, **more: Any) -> Any:
        used.append((usual, path, options))
        return usual(path, options, **more)

    with _loading_by(load):
        yield
    for usual, path, options in used:
        # from memory: forks would share the place in an open file
        content = BytesIO(Path(str(path)).read_bytes())
        font = _without_layout(usual(content, options))
        for tag in READ:
            font[tag]
        _ahead.setdefault((str(path), options.font_number), []).append(font)


@contextmanager
def _loading_by(load: Callable) -> Iterator[None]:
    """Load fonts for Matplotlib's PDFs by a function, whose first argument is the usual one."""
    from fontTools import subset

    usual = subset.load_font
    subset.load_font = partial(load, usual)
    try:
        yield
    finally:
        subset.load_font = usual


def _without_layout(font: Any) -> Any:
    for tag in LAYOUT:
        if tag in font:
            del font[tag]
    return font
