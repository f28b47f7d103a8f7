"""Write the generated parts of the documentation, or with --check say which are out of date.

Writing also keeps the verdicts of the last run, and the answers to docs/numbers.yaml, if it was
complete. Either command exits with an error if a page names a number that does not exist, or a
query is used by no page.
"""

import argparse
import sys
from pathlib import Path

from autoscore.configuration import ConfigurationError, read_yaml
from autoscore.figures.registry import index
from docs.keys import key_tables
from docs.numbers import PROSE, QUERIES, Numbers, refuse, store_numbers
from docs.numbers import STORED as NUMBERS
from docs.paper import paper_tables
from docs.parts import replace_part
from docs.scale import scale_tables
from docs.stability import stability_tables
from docs.timings import benchmark_tables
from docs.verdicts import STORED, check_tables, store_verdicts, verdict_table

ROOT = Path(__file__).parents[1]
PARTS = {
    "config/README.md": ("keys", key_tables),
    "figures/README.md": (
        "figures",
        lambda root: index(read_yaml(root / "config/claims.yaml")["paper"]),
    ),
    "docs/paper.md": ("paper", paper_tables),
    "docs/checks.md": ("checks", check_tables),
    "docs/stability.md": ("stability", stability_tables),
    "docs/benchmarks.md": ("benchmarks", benchmark_tables),
    "docs/scale.md": ("scale", scale_tables),
    "README.md": ("verdicts", verdict_table),
}


def renewed(root: Path) -> dict[str, str]:
    """Return the text, by file, of those whose generated part is out of date.

    Parameters
    ----------
    root
        The project's folder.
    """
    texts = {}
    for name, (part, make) in PARTS.items():
        content = make(root)
        before = (root / name).read_text(encoding="utf-8")
        after = before if content is None else replace_part(before, part, content)
        if after != before:
            texts[name] = after
    return texts | renewed_numbers(root, texts)


def renewed_numbers(root: Path, texts: dict[str, str]) -> dict[str, str]:
    """Return the text, by file, of those whose numbers are out of date; see `renewed`."""
    numbers = Numbers(root)
    before = {name: (root / name).read_text(encoding="utf-8") for name in PROSE}
    after = {name: numbers.filled(name, texts.get(name, before[name])) for name in PROSE}
    refuse(QUERIES, [f"no page shows {name}" for name in numbers.unused([*after.values()])])
    return {name: text for name, text in after.items() if text != before[name]}


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run the command; the result is its exit code."""
    parser = argparse.ArgumentParser(prog="python -m docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if any would be")
    check = parser.parse_args(arguments).check
    try:
        for store, file in ((store_verdicts, STORED), (store_numbers, NUMBERS)):
            if not check and store(root):
                print(f"{file} is written anew")
        texts = renewed(root)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    for name, text in texts.items():
        print(f"{name} is out of date; run make docs" if check else f"{name} is written anew")
        if not check:
            (root / name).write_text(text, encoding="utf-8")
    return int(check and bool(texts))


if __name__ == "__main__":
    sys.exit(main())
