"""Generated parts of hand-written Markdown files, each between two comments that mark it."""

import re

from autoscore.verify.text import table as table  # the one that verdicts have


def replace_part(text: str, name: str, content: str) -> str:
    """Return `text` with `content` between the two marks of the part `name`.

    Raises
    ------
    ValueError
        If the marks are not there, each once and in order.
    """
    begin, end = f"<!-- {name}: written by make docs -->", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"the part {name} needs one line {begin} and, below it, one line {end}")
    before, after = text[: text.index(begin)], text[text.index(end) :]
    return f"{before}{begin}\n\n{content.strip()}\n\n{after}"


def anchor(heading: str) -> str:
    """Return what GitHub calls a heading in links: no punctuation, dashes for spaces."""
    return re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-")
