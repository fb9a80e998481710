"""The shape of the source tree: small modules, distinct names, and a page that describes each room."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

import glacier_magic
from tests import ROOT

PACKAGE = Path(glacier_magic.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(
    path.name
    for path in PACKAGE.iterdir()
    if (path.suffix == ".py" or path.is_dir()) and path.name[:2] != "__"
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def test_no_module_is_longer_than_400_lines():
    """A longer one has two subjects."""
    lines = {str(path.relative_to(PACKAGE)): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > 400} == {}


def test_no_class_name_is_used_twice():
    """A reader who searches for a class finds one."""
    names = Counter(
        node.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_few_file_names_are_used_twice():
    """The verbs' files, named as the verbs, may have the name of what they call."""
    names = Counter(path.name for path in MODULES if path.parent.name != "commands")
    del names["__init__.py"], names["__main__.py"]
    assert len([name for name, count in names.items() if count > 1]) <= 8


def test_at_most_22_rooms_each_with_its_sentence():
    """``docs/architecture.md`` has a line for each file and folder directly below the package."""
    table = re.findall(r"^\| (`.+`) \| (.+) \|$", (ROOT / "docs/architecture.md").read_text("utf-8"), re.M)
    described = sorted(name.strip("`/ ") for names, _ in table for name in names.split(", "))
    assert described == [room for room in ROOMS if room != "__pycache__"]
    assert len(described) <= 22
    assert all(sentence.endswith(".") for _, sentence in table)


def test_a_room_has_a_folder_of_tests():
    """A room that is one file has a test file."""
    for room in ROOMS:
        place = ROOT / "tests" / (f"test_{room}" if room.endswith(".py") else room)
        assert place.exists() or room == "cli.py", room  # cli.py: tests/commands


@pytest.mark.parametrize("mark", ["# fmt: " + "skip", "# fmt: " + "off"])
def test_the_formatter_formats_every_line(mark):
    """A line that it makes ugly is written in another way."""
    assert [path for path in (*MODULES, *TESTS) if mark in path.read_text("utf-8")] == []


def test_every_exception_from_a_rule_says_which_rule():
    """A bare ``noqa`` or ``type: ignore`` would hide the next mistake of its line."""
    bare = re.compile(r"# (noqa(?!: [A-Z]+\d)|type: ignore(?!\[))")
    found = [
        f"{path.name}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []
