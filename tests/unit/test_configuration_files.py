import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoscore.configuration import ConfigurationError, check_files, read_yaml
from autoscore.validation.files import file_mistakes
from tests.unit.oracles import ROOT

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1, y: 2}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 9)}]}}\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
FAULTS = {
    "a key twice": (
        "train: {seeds: 1}\n\noptimum: {}\ntrain: {sizes: [10]}\n",
        "has train on line 1 and again on line 4, and only the second would count",
    ),
    "a key twice within": (
        "densities:\n  a:\n    kind: energy\n    kind: curve\n",
        "has densities.a.kind on line 3 and again on line 4",
    ),
    "a key twice in a line": ("a: [{b: 1, b: 1}]\n", "has a.0.b on line 1 and again on line 1"),
    "a key twice in quotes": ("a: 1\n'a': 2\n", "has a on line 1 and again on line 2"),
    "a key twice beside a merge": (
        "a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\n  x: 3\n",
        "has b.x on line 4 and again on line 5",
    ),
    "a key twice in JSON": ('{"a": 1,\n "a": 2}', "has a on line 1 and again on line 2"),
    "not UTF-8": ("a: 1\nb: é\n".encode("latin-1"), "is not encoded in UTF-8, on line 2: save it"),
    "UTF-16": ("a: 1\n".encode("utf-16"), "is not encoded in UTF-8"),
    "nothing": ("", "is empty; allowed: keys with values, or {}"),
    "a comment": ("# nothing\n", "is empty; allowed: keys with values, or {}"),
    "a list": ("- a\n- b\n", "holds no keys; allowed: keys with values, or {}"),
    "a text": ("hello\n", "holds no keys; allowed: keys with values"),
    "a tab": ("a:\n\tb: 1\n", "is no YAML, line 2: found character that cannot start any token"),
    "an open bracket": ("a: [1\n", "is no YAML, line 2: "),
    "zero bytes": (b"\0\0", "is no YAML: control characters are not allowed"),
    "two documents": ("a: 1\n---\nb: 1\n", "is no YAML, line 2: but found another document"),
    "no such alias": ("a: *b\n", "is no YAML, line 1: found undefined alias"),
    "a list as a key": ("? [a, b]\n: 1\n", "is no YAML, line 1: found unhashable key"),
    "an object": ("a: !!python/object:os.system 1\n", "is no YAML, line 1: could not determine"),
    "no such day": ("a: 2014-13-01\n", "holds a value that cannot be read: month must be in"),
    "no number": ("a: !!int\n", "holds a value that cannot be read: string index"),
    "thousands of digits": (f"a: 1{'0' * 6000}\n", "holds a value that cannot be read: Exceeds"),
    "an alias bomb": (BOMB, "holds itself, or more than 1000000 values once its aliases are"),
    "a bomb of merges": (MERGES, "holds itself, or more than 1000000 values once its aliases are"),
    "itself": ("a: &a {b: *a}\n", "holds itself, or more than"),
    "a pit": ("a: " + "[" * 300_000, "is no YAML: nested deeper than 100 levels"),
    "too much": (b"#" * (10**7 + 1), "has 10000001 bytes; allowed: at most 10000000"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_that_is_no_configuration_is_refused_in_a_line(name, tmp_path):
    content, part = FAULTS[name]
    file = tmp_path / "mine.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    (line,) = file_mistakes(file)
    assert line.startswith(f"{file} ")
    assert part in line
    assert "\n" not in line
    assert len(line) < 500


def test_a_file_that_is_none_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    for name in ("", "pipe.yaml", "device.yaml"):  # opening the pipe would wait for a writer
        (line,) = file_mistakes(tmp_path / name)
        assert "is a folder, a pipe or a device; allowed: a regular file" in line
    (line,) = file_mistakes(tmp_path / "none.yaml")
    assert "cannot be read: No such file" in line


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "a: &a {x: 1}\nb: {<<: *a, x: 2}\nc: {<<: [*a, *a]}\nd: {<<: *a, <<: *a}\n",
        "a: {x: 1}\nb: {x: 1}\n",
        "1: a\n'1': b\n",
        '{\n\t"a": {\n\t\t"b": 1}}',  # JSON with tabs, which YAML has not
        "\ufeffa: 1\n",
    ],
)
def test_what_repeats_nothing_is_left_alone(text, tmp_path):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    assert file_mistakes(tmp_path / "mine.yaml") == []


def test_the_project_s_own_files_are_in_order():
    files = set((ROOT / "config").glob("*.yaml")) - {ROOT / "config/statements.yaml"}  # a list
    check_files(sorted(files))


def test_what_overrides_a_merge_holds_where_that_is_merged_in_turn(tmp_path):
    file = tmp_path / "chain.yaml"
    file.write_text("a: &a {x: 1}\nb: &b {<<: *a, x: 2}\nc: {<<: *b}\n", encoding="utf-8")
    assert read_yaml(file)["c"] == {"x": 2}


def test_the_mistakes_of_all_files_are_told(tmp_path):
    (tmp_path / "a.yaml").write_text("x: 1\nx: 2\ny: 1\ny: 2\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        check_files([tmp_path / "a.yaml", tmp_path / "b.yaml"])
    first, *lines = str(error.value).splitlines()
    assert first == "The configuration cannot be run:"
    assert len(lines) == 3


PIECES = st.sampled_from(
    [
        *"abc\n \t:,-?&*!|>%@`'\"#{}[]~<",
        "<<: ",
        "a: ",
        "- ",
        "&a ",
        "*a",
        "!!int ",
        "é",
        "\x85",
        "\0",
    ]
)


@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example overwrites the file
)
@given(content=st.binary(max_size=40) | st.lists(PIECES, max_size=15).map("".join).map(str.encode))
def test_any_file_is_read_or_refused_in_words(content, tmp_path):
    (tmp_path / "mine.yaml").write_bytes(content)
    for line in file_mistakes(tmp_path / "mine.yaml"):
        assert "\n" not in line
        assert len(line) < 500
