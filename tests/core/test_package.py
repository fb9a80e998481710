"""What the package promises as a whole: its names and its weight.

Which room may import which is in pyproject.toml, and checked by ``lint-imports``.
"""

import ast
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


@pytest.mark.parametrize(
    "statement", ["import glacier_magic", "from glacier_magic import errors, cli"]
)
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


def test_every_public_thing_has_a_docstring():
    """Modules, classes and functions that a user or a reader meets."""
    missing = [path for path in MODULES if not ast.get_docstring(tree_of(path))]
    assert missing == []
    for name in glacier_magic.__all__:
        if name != "__version__":
            assert getattr(glacier_magic, name).__doc__, name


def test_every_module_can_be_imported():
    """In a fresh process; that no order of imports is needed follows from there being no circle."""
    names = [
        ".".join(["glacier_magic", *parts(path)]).removesuffix(".py").removesuffix(".__init__")
        for path in MODULES
        if path.name != "__main__.py"
    ]
    code = "import sys, importlib\nfor name in sys.argv[1:]: importlib.import_module(name)"
    subprocess.run([sys.executable, "-c", code, *names], check=True)
