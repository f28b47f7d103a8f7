"""Mistakes in the files of a configuration, found before anything is made of what they say."""

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
LARGEST = 10**6  # values, those of aliases counted as often as they stand for
WIDEST = 14_000  # bits of a whole number: Python does not write out those of many more
DEEPEST = 100  # levels of lists and keys within each other
MERGE = "tag:yaml.org,2002:merge"  # the key <<, beside which others may override what it brings


def file_mistakes(path: str | Path) -> list[str]:
    """Return why a .yaml or .json file cannot be part of a configuration, a line a mistake."""
    name = cut(str(path))
    try:
        found = list(_yaml_mistakes(_text(Path(path))))
    except OSError as error:
        found = [f"cannot be read: {error.strerror}"]
    except ValueError as error:
        found = [str(error)]
    return [f"{name} {mistake}" for mistake in found]


def expanded(value: Any, parts: Callable[[Any], Iterable]) -> float:
    """Return how many values one consists of, aliases written out; infinity for what has no end.

    That is a value that holds itself, and one of more parts, levels or digits than is sensible.

    Parameters
    ----------
    value
        A list, a dictionary or a node of a .yaml file, or what these hold.
    parts
        Returns what a value directly consists of.
    """
    known: dict[int, float] = {}

    def count(value: Any, depth: int) -> float:
        if depth > DEEPEST:  # or it holds itself
            return math.inf
        if isinstance(value, int) and value.bit_length() > WIDEST:
            return math.inf
        if id(value) not in known:
            total = 1.0
            for part in parts(value):
                total += count(part, depth + 1)
                if total > LARGEST:
                    return math.inf
            known[id(value)] = total
        return known[id(value)]

    return count(value, 0)


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
        if not isinstance(root, MappingNode):
            empty = root is None or (isinstance(root, ScalarNode) and not root.value)
            yield f"{'is empty' if empty else 'holds no keys'}; allowed: keys with values, or {{}}"
        elif math.isinf(expanded(root, _parts_of_node)):
            yield f"holds itself, or more than {LARGEST} values once its aliases are written out"
        else:
            yield from _keys_that_stand_twice(root, "", set())
            loader.construct_document(root)
    except yaml.YAMLError as error:
        if _is_json_mapping(text):  # which may be indented by tabs
            return
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        yield f"is no YAML{place}: {cut(' '.join(str(reason).split()))}"
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        # a date that there is not, a number of too many digits or none: YAML's reader trips over it
        yield f"holds a value that cannot be read: {cut(' '.join(str(error).split()))}"


def _check_depth(text: str) -> None:
    """Refuse what is nested so deeply that it cannot be read one level within the other."""
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.YAMLError(f"nested deeper than {DEEPEST} levels")


def _keys_that_stand_twice(node: Node, place: str, seen: set[int]) -> Iterator[str]:
    """Yield which keys stand twice side by side: YAML would forget the first without a word."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, SequenceNode):
        for number, part in enumerate(node.value):
            yield from _keys_that_stand_twice(part, f"{place}{number}.", seen)
    lines: dict[tuple[str, str], int] = {}
    for key, value in node.value if isinstance(node, MappingNode) else ():
        name = cut(f"{place}{key.value if isinstance(key, ScalarNode) else '?'}")
        if isinstance(key, ScalarNode) and key.tag != MERGE:
            line = key.start_mark.line + 1
            if (key.tag, key.value) in lines:
                first = lines[key.tag, key.value]
                yield (
                    f"has {name} on line {first} and again on line {line}, and only "
                    "the second would "
                    "count: put both into one"
                )
            lines[key.tag, key.value] = line
        yield from _keys_that_stand_twice(value, f"{name}.", seen)
