"""The same click in every ipykernel that is in use: threads, widgets and callbacks differ in each.

Each version is laid before the installed one for one kernel alone; without the network these tests
are skipped, in CI that is a failure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from .conftest import Lab, cell, open_notebook, run_all

VERSIONS = ("6.31.0", "7.1.0", "7.3.0")
"""The newest one is what all other tests run on."""

CELLS = (
    "import ipykernel; ipykernel.__version__",
    "%load_ext glacier_magic",
    "%glacier connect --emulator --speed 4000\n%glacier create kernel-{name}\n"
    "open('{name}.bin', 'wb').write(b'k' * 200_000)\ndone = %glacier upload {name}.bin",
    "%glacier restore {name}.bin --to back-{name}",
)


def overlay(version: str, folder: Path) -> Path:
    """Return a folder with that ipykernel and nothing else."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--disable-pip-version-check",
        "--target",
        str(folder / version),
        f"ipykernel=={version}",
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    if done.returncode:
        if os.environ.get("CI"):
            pytest.fail(f"ipykernel {version} cannot be installed: {done.stderr[-500:]}")
        pytest.skip(f"ipykernel {version} cannot be installed here")
    return folder / version


def notebook_on(version: str, lab: Lab, folder: Path) -> str:
    """Write a notebook whose kernel runs that version; return its name."""
    name = f"kernel-{version.replace('.', '-')}"
    spec = lab.data / "kernels" / name
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        json.dumps(
            {
                "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                "display_name": name,
                "language": "python",
                "env": {"PYTHONPATH": str(overlay(version, folder))},
            }
        )
    )
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code.format(name=name)) for code in CELLS],
        metadata={"kernelspec": {"name": name, "display_name": name}},
    )
    nbformat.write(notebook, lab.root / f"{name}.ipynb")
    return name


@pytest.mark.parametrize("version", VERSIONS)
def test_a_click_brings_a_file_back(version: str, lab: Lab, page: Any, tmp_path: Path) -> None:
    """Start is pressed, the board follows from its thread, and the bytes are the same."""
    name = notebook_on(version, lab, tmp_path)
    open_notebook(page, lab, f"{name}.ipynb")
    run_all(page)
    cell(page, "ipykernel.__version__").get_by_text(f"'{version}'").wait_for()
    card = cell(page, "restore")
    card.locator("button.jupyter-button", has_text="Start").click()
    card.locator("[role=gridcell]", has_text="verified").first.wait_for()
    assert (lab.root / f"back-{name}" / f"{name}.bin").read_bytes() == b"k" * 200_000


def test_the_broken_ones_are_refused_in_one_sentence(lab: Lab, page: Any, tmp_path: Path) -> None:
    """Widgets do not work in 7.0: loading says so instead of breaking later."""
    name = notebook_on("7.0.1", lab, tmp_path)
    open_notebook(page, lab, f"{name}.ipynb")
    run_all(page)
    refused = cell(page, "load_ext").locator(".jp-OutputArea-output")
    refused.first.wait_for()
    assert "ipykernel 7.0.1 breaks live widgets" in refused.first.inner_text()
    assert "Traceback" not in refused.first.inner_text()
