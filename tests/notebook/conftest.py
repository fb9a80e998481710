"""Shells and kernels that keep to themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from glacier_magic import emulator


@pytest.fixture
def emulated(tmp_path: Path) -> Iterator[Path]:
    """The data folder of an emulator that runs at 2,000 times the speed."""
    folder = tmp_path / "notebook-emulator"
    emulator.start(folder, speed=2000)
    yield folder
    emulator.stop(folder)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A fresh IPython with the magic loaded, in a folder of its own, without history."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)
    shell.extension_manager.load_extension("glacier_magic")
    yield shell
    shell.extension_manager.unload_extension("glacier_magic")
    shell.history_manager.end_session()
