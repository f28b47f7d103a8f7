"""Reading what the paper says and shows, and which families of checks test it."""

from pathlib import Path

from autoscore.configuration import ConfigurationError, read_yaml
from autoscore.validation.schemas import schema_mistakes

SCHEMA = Path(__file__).parents[1] / "schemas" / "statements.schema.yaml"


def read_statements(path: str | Path, families: list[dict]) -> list[dict]:
    """Read what the paper says and shows, in its order; each item has its ``title``.

    Raises ConfigurationError if a key is unknown, an item names no family, its headline is none of
    its families, a title is there twice, or a family belongs to no item.
    """
    items = read_yaml(path)
    mistakes = schema_mistakes(read_yaml(SCHEMA), items, "the list of statements")
    if not mistakes:
        waiting = dict.fromkeys(family["id"] for family in families)
        known, titles = set(waiting), set()
        for item in items:
            kind = "Beyond the paper:" if item["kind"] == "beyond" else item["kind"].capitalize()
            title = item["title"] = f"{kind} {item['number']}"
            mistakes += [f"{title} is there twice"] if title in titles else []
            titles.add(title)
            own = item.get("families", [])
            for name in [*own, *item.get("further", [])]:
                waiting.pop(name, None)
                if name not in known:
                    mistakes.append(f"{title} names the family {name}, which is unknown")
            if own and item.get("headline") not in own:
                mistakes.append(f"{title} needs a headline, one of its families")
        mistakes += [f"the family {name} belongs to no statement" for name in waiting]
    if mistakes:
        lines = [f"The statements in {path} cannot be used:", *(f"  {line}" for line in mistakes)]
        raise ConfigurationError("\n".join(lines))
    return items
