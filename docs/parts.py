"""Generated parts of hand-written Markdown files, each between two comments that mark it."""

import re


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


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a Markdown table; a vertical bar in a cell stays one."""
    lines = [head, ["---"] * len(head), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return [f"| {' | '.join(line)} |" for line in cells]


def anchor(heading: str) -> str:
    """Return what GitHub calls a heading in links: no punctuation, dashes for spaces."""
    return re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-")
