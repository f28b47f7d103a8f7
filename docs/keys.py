"""Tables of every key of a configuration, from the schema that it is checked against."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import yaml

from autoscore.configuration import whole_schema
from autoscore.validation.schemas import number_in_words
from docs.parts import anchor, table

TOP = "Top level"


@dataclass
class Section:
    """A part of the configuration with keys of its own.

    Attributes
    ----------
    node : dict
        Its schema, references followed.
    paths : list of str
        Where it may stand, the place that gives it its title first; "" is the top.
    place : tuple of int
        Its place among the others, as in an outline: (2, 0) is the first part of the third.
    """

    node: dict
    paths: list[str]
    place: tuple[int, ...]

    @property
    def title(self) -> str:
        """Its heading."""
        return f"`{self.paths[0]}`" if self.paths[0] else TOP

    @property
    def link(self) -> str:
        """A link to it."""
        return f"[{self.title}](#{anchor(self.title)})"


def key_tables(root: Path) -> str:
    """Return a Markdown table a section of the schema below the project's folder."""
    return Keys(whole_schema()).text()


class Keys:
    """The sections of a schema, each once, however many references lead to it.

    Parameters
    ----------
    schema
        What the schema's file holds.
    """

    def __init__(self, schema: dict) -> None:
        self.schema = schema
        self.forms = {id(node): name for name, node in schema["$defs"].items() if "anyOf" in node}
        self.sections: dict[int, Section] = {}
        # level by level, so that a section that has several places is titled by the shortest
        waiting = deque([("", schema, ())])
        while waiting:
            path, node, place = waiting.popleft()
            target = self._chain(node)[-1]
            if id(target) in self.sections:
                self.sections[id(target)].paths.append(path)
                continue
            if "properties" in target:
                self.sections[id(target)] = Section(target, [path], place)
            for i, (name, part) in enumerate(_parts(target)):
                waiting.append((f"{path}.{name}".removeprefix("."), part, (*place, i)))

    def text(self) -> str:
        """Return all sections as Markdown, and the forms that values share."""
        lines = []
        for section in sorted(self.sections.values(), key=lambda section: section.place):
            lines += ["", f"### {section.title}", ""]
            if section.paths[1:]:
                lines += [f"Also {', '.join(f'`{path}`' for path in section.paths[1:])}.", ""]
            lines += table(["key", "what it is", "default", "allowed"], list(self._rows(section)))
        forms = [[name, self.schema["$defs"][name]["description"]] for name in self.forms.values()]
        return "\n".join([*lines, "", "### Forms", "", *table(["form", "what it is"], forms)])

    def _chain(self, node: dict) -> list[dict]:
        """Return a node, what it refers to, what that refers to, and so on."""
        chain = [node]
        while "$ref" in chain[-1]:
            steps = chain[-1]["$ref"].removeprefix("#/").split("/")
            chain.append(reduce(getitem, steps, self.schema))
        return chain

    def _rows(self, section: Section) -> Iterator[list[str]]:
        required = _required(section.node)
        for key, part in section.node["properties"].items():
            path = f"{section.paths[0]}.{key}".removeprefix(".")
            told = reduce(lambda known, node: node | known, self._chain(part))
            default = _default(told, required.get(key))
            if "/properties/" in part.get("$ref", ""):  # a variant differs from what is beside it
                default = f"that of `{path.rpartition('.variants.')[0]}.{key}`"
            short = path.rpartition("<name>.")[2]
            yield [f"`{short}`", told["description"], default, self._allowed(part)]

    def _allowed(self, node: dict) -> str:
        """Return in a few words which values a node allows."""
        target = self._chain(node)[-1]
        if id(target) in self.sections:
            return f"keys of {self.sections[id(target)].link}"
        if id(target) in self.forms:
            return f"[{self.forms[id(target)]}](#forms)"
        if "anyOf" in target:
            return " or ".join(self._allowed(choice) for choice in target["anyOf"])
        if "enum" in target:
            return ", ".join(f"`{value}`" for value in target["enum"])
        return self._typed(target)

    def _typed(self, node: dict) -> str:
        match node["type"]:
            case "boolean":
                return "`true`, `false`"
            case "integer" | "number":
                return number_in_words(node)
            case "array":
                items = node["items"]
                return f"list of: {items.get('description') or self._allowed(items)}"
            case "object":
                return f"by name: {self._allowed(node['additionalProperties'])}"
            case [kind, "null"]:
                return f"{self._typed(node | {'type': kind})} or `null`"
            case _:
                return "text"


def _parts(node: dict) -> Iterator[tuple[str, dict]]:
    """Yield what lies one level below a node, by key; keys that the user names are <name>."""
    yield from node.get("properties", {}).items()
    if isinstance(node.get("additionalProperties"), dict):
        yield "<name>", node["additionalProperties"]


def _required(node: dict) -> dict[str, str]:
    """Return when a key has to be given, by key: always, or for which kind of its section."""
    when = dict.fromkeys(node.get("required", []), "required")
    for rule in node.get("allOf", []):
        kind = rule["if"]["properties"]["kind"]["const"]
        when |= dict.fromkeys(rule["then"]["required"], f"required for {kind}")
    return when


def _default(node: dict, required: str | None) -> str:
    """Return a default as it would be written; that of a section with defaults is no news."""
    if required:
        return required
    value: Any = node.get("default", {})
    if value == {}:
        return ""
    flow = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000)
    return f"`{flow.removesuffix(chr(10)).removesuffix('...').strip()}`"
