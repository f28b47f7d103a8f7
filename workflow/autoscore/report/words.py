"""Words of the report: what a figure's density is, and formulas as a page writes them."""

import re
from collections.abc import Mapping

from markupsafe import Markup

from autoscore.densities.registry import dimension
from autoscore.figures.declaration import Figure, OfImages
from autoscore.report.sections import IMAGES

FIELDS = "results/geometry/"  # of trained models: of each what learned from the most points
ONE_TRAINING = "Each image model was trained once (one seed)."
COUNTING = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SIGMA = re.compile(r"(?<![a-z]{2}_)sigma")  # names such as large_sigma stay
CODE = re.compile(r"`([^`]+)`")
SUBSCRIPT = re.compile(r"(?<=\b[pσ])_(\w+)")
PART = r"(?:[^()\s]|\([^()\s]*\))+"
# what a line may not break: (x - e), (r(x) - x), a product of brackets, a ratio, a level
FORMULA = re.compile(rf"\({PART} [-+] {PART}\)|(?<=\)) (?=\()| / |(?<=σ) (?=\d)")
# lines break after a hyphen, but not after a minus
UNBROKEN = str.maketrans({" ": "\N{NO-BREAK SPACE}", "-": "\N{MINUS SIGN}"})
POWERS = str.maketrans("234", "²³⁴")


def subjects_of(figure: Figure, config: Mapping, density: str) -> list[str]:
    """Return the densities that a figure is about, or `IMAGES`."""
    if isinstance(figure.scope, OfImages):
        return [IMAGES]
    return [density] if density else figure.scope.of(config)


def circumstances(figure: Figure, config: Mapping, density: str) -> str:
    """Return in a line what a figure's density is and, if fields are drawn, what taught them."""
    if isinstance(figure.scope, OfImages):
        return ONE_TRAINING
    if not density:
        return ""
    entry = config["densities"][density]
    d = dimension(entry)
    number = COUNTING[d - 1] if d <= len(COUNTING) else d
    line = f"{entry['kind'].replace('_', ' ').capitalize()} in {number} dimension{'s' * (d > 1)}"
    if any(file.startswith(FIELDS) for file in figure.inputs(config).values()):
        line += f"; models trained on {most_points(entry)}"
    return f"{line}."


def most_points(entry: Mapping) -> str:
    """Return in words the most that models of a density are trained on."""
    sizes = entry["train"]["sizes"]
    names = {"exact": "the density itself", "all": "all points"}
    words = [words for name, words in names.items() if name in sizes]
    return words[0] if words else f"{max(sizes):,} points"


def plain(text: str) -> str:
    """Return a text with symbols for their names; no line breaks within a short formula."""
    text = SIGMA.sub("σ", text)
    text = re.sub(r"\^([234])\b", lambda power: power[1].translate(POWERS), text)
    return FORMULA.sub(lambda found: found[0].translate(UNBROKEN), text)


def symbols(text: str) -> Markup:
    """Return the same as HTML, which has subscripts; what stands in backticks is code."""
    pieces = CODE.split(text)  # every other one is code
    pieces[0::2] = [_subscripts(plain(piece)) for piece in pieces[0::2]]
    pieces[1::2] = [Markup("<code>{}</code>").format(piece) for piece in pieces[1::2]]
    return Markup("").join(pieces)


def _subscripts(text: str) -> Markup:
    parts = SUBSCRIPT.split(text)
    parts[1::2] = [Markup("<sub>{}</sub>").format(part) for part in parts[1::2]]
    return Markup("").join(parts)
