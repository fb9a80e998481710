"""``%%glacier``: several lines, results assigned and shown, the first error ends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from glacier_magic.errors import InputError, VaultNotEmpty
from glacier_magic.notebook.script import ScriptLine, statements


@pytest.fixture
def connected(shell: InteractiveShell, emulated: Path) -> InteractiveShell:
    shell.run_line_magic("glacier", f"connect --data {emulated}")
    return shell


def cell(shell: InteractiveShell, text: str) -> Any:
    return shell.run_cell_magic("glacier", "", text)


def test_lines_are_read_before_any_is_run() -> None:
    """Comments, targets, continuation and a magic's sign are what they look like."""
    text = "# first\n\nvaults\n df = ls '*.tif' \\\n  --vault v\n%glacier jobs\nls x=y.txt"
    assert statements("", text) == [
        ScriptLine(3, None, "vaults"),
        ScriptLine(4, "df", "ls '*.tif'   --vault v"),
        ScriptLine(6, None, "jobs"),
        ScriptLine(7, None, "ls x=y.txt"),
    ]
    assert statements("  ", "ls \\") == [ScriptLine(1, None, "ls")]
    with pytest.raises(InputError, match="line of its own"):
        statements("ls", "vaults")


def test_results_are_shown_assigned_and_returned(connected: InteractiveShell) -> None:
    """All but the last are displayed, a named one is a variable, the last is the cell's value."""
    with capture_output() as output:
        last = cell(connected, "create photos\nhad = vaults\n--show-account\nvaults")
    assert isinstance(last, pd.DataFrame)
    assert list(connected.user_ns["had"]["vault"]) == ["photos"]
    assert output.stdout.count("<Vault 'photos'") == 1
    assert output.stdout.count("emulator time") == 1
    assert cell(connected, "again = vaults") is None


def test_the_first_error_ends_the_cell_and_names_its_line(
    connected: InteractiveShell, tmp_path: Path
) -> None:
    """What stands before it is done, what stands behind it is not."""
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(VaultNotEmpty, match=r"^line 3: "):
        cell(connected, "create box\nupload a.txt\ndrop box --yes\ncreate never")
    with pytest.raises(InputError, match=r"^line 2: "):
        cell(connected, "\nuplaod a.txt")
    with pytest.raises(InputError, match="line of its own"):
        connected.run_cell_magic("glacier", "ls", "vaults")
    names = connected.run_line_magic("glacier", "vaults")["vault"]
    assert list(names) == ["box"]


def test_names_made_by_a_line_are_known_to_the_next(connected: InteractiveShell, tmp_path: Path) -> None:
    """Expressions are filled in line by line."""
    (tmp_path / "b c.txt").write_text("b")
    cell(connected, "create photos\ndone = upload '*.txt'\nrows = ls {done['name'][0]!s}")
    assert list(connected.user_ns["rows"]["name"]) == ["b c.txt"]


def test_completion_works_inside_a_cell(connected: InteractiveShell) -> None:
    """Verbs, options and vaults complete on every line but the first."""
    connected.run_line_magic("glacier", "create photos")

    def complete(text: str) -> set[str]:
        with provisionalcompleter():
            return {c.text for c in connected.Completer.completions(text, len(text))}

    assert "vaults" in complete("%%glacier\nvaul")
    assert "--tier" in complete("%%glacier\nvaults\nplan = restore --ti")
    assert "photos" in complete("%%glacier\n%glacier use ph")
