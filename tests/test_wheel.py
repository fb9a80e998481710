"""The wheel: everything that runs, nothing else, and it works where there is no source tree."""

import subprocess
import sys
import zipfile

import pytest

from tests import ROOT


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
        for path in (ROOT / "glacier_magic").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == there
    about = {name.partition(".dist-info/")[2] for name in names - there}
    assert about == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}


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
