"""What the package promises as a whole: its names and its weight.

Which room may import which is in pyproject.toml, and checked by ``lint-imports``.
"""

import ast
import doctest
import importlib
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import glacier_magic
from glacier_magic import errors

ROOT = Path(glacier_magic.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
HEAVY = (
    "boto3",
    "botocore",
    "pandas",
    "numpy",
    "pyarrow",
    "ipywidgets",
    "IPython",
    "traitlets",
    "anywidget",
    "distributed",
)


def parts(path):
    return path.relative_to(ROOT).parts


@cache
def tree_of(path):
    return ast.parse(path.read_text("utf-8"))


def test_the_public_names_are_sorted_and_there():
    """Each can be imported, and none is there twice."""
    names = glacier_magic.__all__
    assert names == sorted(set(names))
    for name in names:
        assert getattr(glacier_magic, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = glacier_magic.nonsense


def test_every_error_is_public_and_in_the_tree_of_its_docstring():
    """What a user can meet can be caught by name."""
    kinds = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.GlacierError)
    ]
    for kind in kinds:
        assert kind.__name__ in glacier_magic.__all__
        assert getattr(glacier_magic, kind.__name__) is kind
        assert kind.__name__ in errors.__doc__


@pytest.mark.parametrize("statement", ["import glacier_magic", "from glacier_magic import errors, cli"])
def test_importing_the_package_imports_nothing_heavy(statement):
    """A notebook that only loads the extension, and a shell's ``--help``, stay quick."""
    code = f"{statement}; import sys; print(*(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_help_on_the_command_line_imports_nothing_heavy():
    """Completion of shells calls it often."""
    code = (
        "import sys; from glacier_magic.cli import main; main(['restore', '--help']); "
        f"print('heavy:', *(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy:"


VALUE_ERRORS = ("ArgumentTypeError", "KeyError", "TypeError", "ValueError")
"""What this package itself raises for what was written wrong."""


def test_no_text_of_a_library_is_used_unscrubbed():
    """The text of an error that is not ours goes through one of ours, ``scrub`` or ``describe``."""
    ours = {n.name for p in MODULES for n in ast.walk(tree_of(p)) if isinstance(n, ast.ClassDef)}
    cleaning = {name for name in ours if hasattr(errors, name)} | {"scrub", "describe"}
    wrong = []
    for path in MODULES:
        for handler in ast.walk(tree_of(path)):
            if parts(path)[0] == "emulator" or not isinstance(handler, ast.ExceptHandler):
                continue  # the emulator has no keys but its own, which are known
            types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
            if {called(kind) for kind in types} <= ours | set(VALUE_ERRORS):
                continue
            clean = {
                part
                for node in ast.walk(handler)
                if isinstance(node, ast.Compare)
                or (isinstance(node, ast.Call) and called(node.func) in (*cleaning, "startswith"))
                for part in ast.walk(node)
            }
            wrong += [
                f"{'/'.join(parts(path))}:{node.lineno}: {ast.unparse(node)}"
                for node in ast.walk(handler)
                if node not in clean and called(worded(node)) == handler.name
            ]
    assert wrong == []


def worded(node):
    """Return what a piece of code makes text of."""
    if isinstance(node, ast.FormattedValue):
        return node.value
    texts = isinstance(node, ast.Call) and called(node.func) in ("str", "repr")
    return node.args[0] if texts and node.args else None


def called(node):
    """Return the last name of a dotted one."""
    return getattr(node, "id", getattr(node, "attr", ""))


def test_every_public_thing_has_a_docstring():
    """Modules, classes and functions that a user or a reader meets."""
    missing = [path for path in MODULES if not ast.get_docstring(tree_of(path))]
    assert missing == []
    for name in glacier_magic.__all__:
        if name != "__version__":
            assert getattr(glacier_magic, name).__doc__, name


NAMES = {
    ".".join(["glacier_magic", *parts(path)]).removesuffix(".py").removesuffix(".__init__"): path
    for path in MODULES
    if path.name != "__main__.py"
}


def test_every_module_can_be_imported():
    """In a fresh process; that no order of imports is needed follows from there being no circle."""
    code = "import sys, importlib\nfor name in sys.argv[1:]: importlib.import_module(name)"
    subprocess.run([sys.executable, "-c", code, *NAMES], check=True)


@pytest.mark.parametrize("name", [name for name, path in NAMES.items() if ">>> " in path.read_text("utf-8")])
def test_the_examples_of_a_module_are_right(name, tmp_path, monkeypatch):
    """Those that need a service are skipped."""
    monkeypatch.chdir(tmp_path)
    done = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert done.failed == 0


def test_no_room_below_the_faces_spells_a_verb():
    """Where to type it is the face's matter: see ``glacier_magic.errors.steps``."""
    spelled = [
        f"{'/'.join(parts(path))}:{node.lineno}"
        for path in MODULES
        if parts(path)[0] not in ("commands", "notebook", "cli.py", "errors", "__init__.py")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and "%glacier" in str(node.value)
    ]
    assert spelled == []
