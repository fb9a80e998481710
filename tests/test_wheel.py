"""The wheel: everything that runs, nothing else, and it works where there is no source tree."""

import subprocess
import sys
import zipfile

import pytest

from tests import ROOT

PACKAGE = ROOT / "glacier_magic"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel of this source tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_has_the_package_and_nothing_else(wheel):
    """Every file of the package that is not made by running it; the licence; no test, no notebook."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    there = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shared = {name.partition(".data/data/")[2] for name in names if ".data/data/" in name}
    assert {name for name in names if ".dist-info/" not in name and ".data/data/" not in name} == there
    about = {name.partition(".dist-info/")[2] for name in names if ".dist-info/" in name}
    assert about == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    # Where Jupyter finds the panel, and Jupyter Server the extension that answers it.
    bundle = PACKAGE / "notebook" / "lab" / "labextension"
    files = [path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()]
    panel = {f"share/jupyter/labextensions/glacier_magic/{name}" for name in files}
    assert shared == panel | {"etc/jupyter/jupyter_server_config.d/glacier_magic.json"}
    assert "package.json" in files


def test_the_wheel_works_without_the_source_tree(wheel, tmp_path):
    """It says its version, shows a verb's help, and has the files that its widgets are made of."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import glacier_magic, importlib\n"
        "from glacier_magic.cli import main\n"
        "importlib.import_module('glacier_magic.notebook.row_table')\n"
        "print(glacier_magic.__file__, glacier_magic.__version__)\n"
        "main(['restore', '--help'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first.startswith(f"{tmp_path}/glacier_magic/")
    assert first.split()[1] == wheel.name.split("-")[1]
    assert "--tier" in "\n".join(rest)
