"""What counts as a change of the code that a job runs."""

import json

import pytest

from run_autoscore import code_hash

FILES = {
    "scripts/one.py": '"""Do it."""\n\nfrom lib.a import value\n\nprint(value)\n',
    "lib/a.py": '"""A value."""\n\nimport lib.b\n\nvalue = lib.b.f(1)\n',
    "lib/b.py": 'def f(x):\n    """Return twice x."""\n    return 2 * x\n',
    "lib/c.py": "unused = 1\n",
}
CACHED = [code_hash._module, code_hash._imported, code_hash._kept, code_hash._release]


@pytest.fixture
def library(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / ".snakemake").mkdir()
    monkeypatch.setattr(code_hash, "LIBRARY", tmp_path)
    monkeypatch.setattr(code_hash, "KEPT", tmp_path / ".snakemake/code.json")
    yield tmp_path
    forget()


def forget():
    """Begin as a new process does."""
    for function in CACHED:
        function.cache_clear()
    code_hash._looked_at.clear()


def hash_after(library, name=None, old="", new=""):
    if name:
        text = (library / name).read_text(encoding="utf-8")
        assert old in text
        (library / name).write_text(text.replace(old, new), encoding="utf-8")
    forget()
    return code_hash.code("scripts.one")


@pytest.mark.parametrize("kept", [False, True], ids=["parsed anew", "kept from the run before"])
@pytest.mark.parametrize(
    ("name", "old", "new", "changes"),
    [
        ("lib/b.py", "2 * x", "3 * x", True),
        ("lib/a.py", "f(1)", "f(2)", True),
        ("scripts/one.py", "print(value)", "print(value, value)", True),
        ("lib/b.py", "Return twice x.", "Return 2 x.", False),
        ("lib/b.py", "return", "# why\n\n    return", False),
        ("scripts/one.py", "Do it.", "Do it well.", False),
        ("lib/c.py", "1", "2", False),
    ],
)
def test_only_code_that_runs_counts(library, kept, name, old, new, changes):
    before = hash_after(library)
    if kept:
        code_hash.keep()
    assert (hash_after(library, name, old, new) != before) == changes


def test_what_was_parsed_is_kept_and_no_more(library, monkeypatch):
    before = hash_after(library)
    code_hash.keep()
    forget()
    with monkeypatch.context() as no_parser:
        no_parser.setattr(code_hash, "_parse", lambda text: pytest.fail("parsed again"))
        assert code_hash.code("scripts.one") == before
    after = hash_after(library, "lib/b.py", "2 * x", "3 * x")
    code_hash.keep()
    assert len(json.loads(code_hash.KEPT.read_text())) == 3
    assert after == hash_after(library)


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"a": 1}'])
def test_a_damaged_store_is_as_none(library, damage):
    before = hash_after(library)
    code_hash.KEPT.write_text(damage, encoding="utf-8")
    assert hash_after(library) == before
    code_hash.keep()
    assert json.loads(code_hash.KEPT.read_text())


@pytest.mark.parametrize(
    ("released", "changes"), [("9.9", True), ("1.0", False), ("1.0+cpu", False), (None, True)]
)
def test_another_version_of_what_is_imported_counts(library, monkeypatch, released, changes):
    monkeypatch.setattr(code_hash, "version", lambda name: "1.0")
    before = hash_after(library, "lib/b.py", "def f", "import torch.nn\n\n\ndef f")

    def version(name):
        if released is None:
            raise code_hash.PackageNotFoundError
        return released if name == "torch" else "1.0"

    monkeypatch.setattr(code_hash, "version", version)
    assert (hash_after(library) != before) == changes
    # and of nothing else
    monkeypatch.setattr(code_hash, "version", lambda name: "1.0" if name == "torch" else "7.7")
    assert hash_after(library) == before
