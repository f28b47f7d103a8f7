"""Mistakes in the files of a configuration, found before anything uses their content."""

import json
import math
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from autoscore.wording import cut

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast
LONGEST = 10**7  # bytes of a file
LARGEST = 10**6  # values, aliases written out
WIDEST = 14_000  # bits of a whole number: Python refuses to write out many more
DEEPEST = 100  # levels of lists and keys within each other
MERGE = "tag:yaml.org,2002:merge"  # the key <<, which may stand twice


def file_mistakes(path: str | Path) -> list[str]:
    """Return why a .yaml or .json file cannot be part of a configuration, one line per mistake."""
    try:
        found = list(_yaml_mistakes(_text(Path(path))))
    except OSError as error:
        found = [f"cannot be read: {error.strerror}"]
    except ValueError as error:
        found = [str(error)]
    return [f"{cut(str(path))} {mistake}" for mistake in found]


def is_too_large(value: Any, parts: Callable[[Any], Iterable]) -> bool:
    """Return whether a value holds itself, or has more parts, levels or digits than is sensible.

    `parts` returns what a value directly consists of. Aliases count as often as they are used.
    """
    known: dict[int, float] = {}

    def count(value: Any, depth: int) -> float:
        if depth > DEEPEST or (isinstance(value, int) and value.bit_length() > WIDEST):
            return math.inf
        if id(value) not in known:
            total = 1.0
            for part in parts(value):
                total += count(part, depth + 1)
                if total > LARGEST:  # at once: a value that holds itself often would take forever
                    return math.inf
            known[id(value)] = total
        return known[id(value)]

    return math.isinf(count(value, 0))


def parts_of_value(value: Any) -> Iterable:
    """Return what a list or a dictionary holds, keys included."""
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else ()


def _parts_of_node(node: Node) -> Iterable:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, SequenceNode) else ()


def _text(file: Path) -> str:
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("is a folder, a pipe or a device; allowed: a regular file")
    if found.st_size > LONGEST:
        raise ValueError(f"has {found.st_size} bytes; allowed: at most {LONGEST}")
    content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"is not encoded in UTF-8, on line {line}: save it as UTF-8") from None


def _is_json_mapping(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _yaml_mistakes(text: str) -> Iterator[str]:
    try:
        _check_depth(text)
        loader = LOADER(text)
        root = loader.get_single_node()
        if root is None or (isinstance(root, ScalarNode) and not root.value):
            yield "is empty; allowed: keys with values, or {}"
        elif not isinstance(root, MappingNode):
            yield "holds no keys; allowed: keys with values, or {}"
        elif is_too_large(root, _parts_of_node):
            yield f"holds itself, or more than {LARGEST} values once its aliases are written out"
        else:
            yield from _repeated_keys(root, "", set())
            loader.construct_document(root)
    except yaml.YAMLError as error:
        if _is_json_mapping(text):  # JSON may be indented by tabs, YAML may not
            return
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        yield f"is no YAML{place}: {cut(' '.join(str(reason).split()))}"
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        # YAML's reader trips over impossible dates, and numbers with no or thousands of digits
        yield f"holds a value that cannot be read: {cut(' '.join(str(error).split()))}"


def _check_depth(text: str) -> None:
    """Refuse a text nested so deeply that reading it would exhaust the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.YAMLError(f"nested deeper than {DEEPEST} levels")


def _repeated_keys(node: Node, place: str, seen: set[int]) -> Iterator[str]:
    """Yield keys that a mapping has twice: YAML would drop the first without a word."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, SequenceNode):
        for number, part in enumerate(node.value):
            yield from _repeated_keys(part, f"{place}{number}.", seen)
    lines: dict[tuple[str, str], int] = {}
    for key, value in node.value if isinstance(node, MappingNode) else ():
        name = cut(f"{place}{key.value if isinstance(key, ScalarNode) else '?'}")
        if isinstance(key, ScalarNode) and key.tag != MERGE:
            line = key.start_mark.line + 1
            if first := lines.get((key.tag, key.value)):
                yield (
                    f"has {name} on line {first} and again on line {line}, and only the second "
                    "would count: put both into one"
                )
            lines[key.tag, key.value] = line
        yield from _repeated_keys(value, f"{name}.", seen)
