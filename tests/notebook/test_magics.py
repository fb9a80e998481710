"""The magic in a plain IPython shell, against the emulator."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from glacier_magic.commands import VERBS
from glacier_magic.commands.setting_values import SETTINGS
from glacier_magic.errors import GlacierError, InputError, NameNotKnown, VaultNotEmpty
from glacier_magic.plans import RestorePlan


def magic(shell: InteractiveShell, line: str) -> Any:
    return shell.run_line_magic("glacier", line)


@pytest.fixture
def connected(shell: InteractiveShell, emulated: Path) -> InteractiveShell:
    magic(shell, f"connect --data {emulated}")
    magic(shell, "create photos")
    return shell


def test_help_is_a_value_and_never_leaves(shell: InteractiveShell) -> None:
    """--help of the magic and of every verb is returned, not printed, and ends nothing."""
    assert "restore" in repr(magic(shell, "--help"))
    for name in filter(None, VERBS):
        assert f"%glacier {name}" in repr(magic(shell, f"{name} --help"))
        assert repr(magic(shell, f"help {name}")) == repr(magic(shell, f"{name} --help"))


@pytest.mark.parametrize(
    "line", ["uplaod x", "upload", "ls 'open", "restore x --tier quick", "connect --speed x", "ls {no}"]
)
def test_bad_input_is_one_line(shell: InteractiveShell, line: str) -> None:
    """A mistake is an InputError, shown in one line, and the cell fails."""
    with pytest.raises(InputError):
        magic(shell, line)
    with capture_output() as output:
        result = shell.run_cell(f"%glacier {line}")
    assert not result.success
    assert "Traceback" not in output.stdout + output.stderr


def test_a_failure_is_shown_as_one_line_and_caught_by_its_class(
    connected: InteractiveShell, tmp_path: Path
) -> None:
    """A service error keeps its class for except, and shows no traceback."""
    (tmp_path / "a.txt").write_text("a")
    magic(connected, "upload a.txt")
    with pytest.raises(VaultNotEmpty):
        magic(connected, "drop photos --yes")
    with capture_output() as output:
        connected.run_cell("%glacier drop photos --yes")
    shown = output.stdout + output.stderr
    assert "VaultNotEmpty" in shown
    assert "Traceback" not in shown
    with pytest.raises(NameNotKnown, match="Nothing in 'photos' matches"):
        magic(connected, "restore nothing.txt")


def test_results_are_values(connected: InteractiveShell, tmp_path: Path) -> None:
    """df = %glacier ls assigns a typed DataFrame, inside functions too."""
    (tmp_path / "my file.txt").write_text("x" * 10)
    connected.run_cell("name = 'my file.txt'\ndone = %glacier upload $name")
    connected.run_cell("df = %glacier ls '*.txt';")
    frame = connected.user_ns["df"]
    assert isinstance(frame, pd.DataFrame)
    assert frame["size"].dtype == "int64"
    assert str(frame["created"].dtype) == "datetime64[us, UTC]"
    assert list(connected.user_ns["done"]["state"]) == ["stored"]
    connected.run_cell("def f(v):\n    got = %glacier ls {v}\n    return got\ng = f('*file*')")
    assert list(connected.user_ns["g"]["name"]) == ["my file.txt"]


def test_the_whole_round_in_plain_ipython(connected: InteractiveShell, tmp_path: Path) -> None:
    """Upload, plan, restore, wait and jobs work where no widget can show."""
    (tmp_path / "b.bin").write_bytes(b"b" * 3_000_000)
    magic(connected, "upload b.bin")
    plan = magic(connected, "restore b.bin --to back")
    assert isinstance(plan, RestorePlan)
    assert "Nothing has been done yet" in repr(plan)
    batch = magic(connected, "restore b.bin --to back --yes --wait")
    assert "verified" in repr(batch)
    assert (tmp_path / "back" / "b.bin").read_bytes() == b"b" * 3_000_000
    assert "1 verified" in repr(magic(connected, "jobs"))
    assert "photos" in repr(magic(connected, ""))


def test_a_hostile_description_is_inert_everywhere(connected: InteractiveShell, tmp_path: Path) -> None:
    """Markup in a description is text in every HTML that the package makes."""
    (tmp_path / "c.bin").write_bytes(b"c")
    evil = "<img src=x onerror=alert(1)>"
    magic(connected, f"upload c.bin --description '{evil}'")
    shown = [
        magic(connected, "ls")._repr_html_(),
        magic(connected, "restore '*onerror*'")._repr_mimebundle_()["text/html"],
        magic(connected, "rm '*onerror*'")._repr_mimebundle_()["text/html"],
        magic(connected, "restore '*onerror*' --yes")._repr_mimebundle_()["text/html"],
        magic(connected, "jobs")._repr_mimebundle_()["text/html"],
        magic(connected, "")._repr_mimebundle_()["text/html"],
    ]
    assert not [html for html in shown if "<img" in html]
    assert "&lt;img" in shown[0]


def test_account_ids_are_masked(connected: InteractiveShell) -> None:
    """Only --show-account shows the twelve digits."""
    console = connected.magics_manager.registry["GlacierMagics"].console
    account = console.session.account
    assert account not in repr(magic(connected, ""))
    assert account not in magic(connected, "")._repr_mimebundle_()["text/html"]
    assert account in repr(magic(connected, "--show-account"))


def test_loading_again_leaves_one_magic_and_unloading_no_thread(connected: InteractiveShell) -> None:
    """Load, reload and unload end with one instance, then with none and no thread of ours."""
    magic(connected, "jobs")
    manager = connected.extension_manager
    manager.reload_extension("glacier_magic")
    assert sum(type(c).__name__ == "GlacierMagics" for c in connected.configurables) == 1
    manager.unload_extension("glacier_magic")
    assert "glacier" not in connected.magics_manager.magics["line"]
    assert "glacier" not in connected.magics_manager.magics["cell"]
    ours = [t for t in threading.enumerate() if t.name.startswith("glacier-")]
    for thread in ours:
        thread.join(10)
    assert not [t for t in ours if t.is_alive()]
    manager.load_extension("glacier_magic")


def test_a_broken_ipykernel_is_refused_in_one_sentence(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ipykernel 7.0 is told apart at load, with what to do."""
    shell.extension_manager.unload_extension("glacier_magic")
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace(__version__="7.0.1"))
    with pytest.raises(GlacierError, match=r"7\.0\.1.*pip install -U ipykernel"):
        shell.extension_manager.load_extension("glacier_magic")
    monkeypatch.delitem(sys.modules, "ipykernel")
    shell.extension_manager.load_extension("glacier_magic")


def test_completion(connected: InteractiveShell, tmp_path: Path) -> None:
    """Verbs, options, vaults, tiers, names and paths complete, also after an assignment."""
    (tmp_path / "scan 1.tif").write_text("1")
    (tmp_path / "letter.txt").write_text("1")
    magic(connected, "upload 'scan 1.tif' letter.txt")

    def complete(text: str) -> set[str]:
        with provisionalcompleter():
            found = list(connected.Completer.completions(text, len(text)))
        return {text[: c.start] + c.text for c in found}

    assert "%glacier upload" in complete("%glacier upl")
    assert "df = %glacier ls" in complete("df = %glacier l")
    assert "%glacier restore --tier" in complete("%glacier restore --ti")
    assert "%glacier restore x --tier bulk" in complete("%glacier restore x --tier b")
    assert "%glacier use photos" in complete("%glacier use ph")
    assert "%glacier restore letter.txt" in complete("%glacier restore let")
    assert "%glacier restore 'scan 1.tif'" in complete("%glacier restore 'scan 1")
    assert "%glacier restore 'scan 1.tif'" in complete("%glacier restore sc")
    assert "%glacier upload letter.txt" in complete("%glacier upload le")


def test_every_setting_can_be_configured(shell: InteractiveShell) -> None:
    """None is missing in %config, and none is left over there."""
    magics = shell.magics_manager.registry["GlacierMagics"]
    assert set(magics.class_own_traits(config=True)) == {s.name for s in SETTINGS}


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("%glacier ls 'open", "A quotation is not closed"),
        ("%glacier ls {nosuch}", "cannot be expanded"),
        ("%%glacier ls\nls", "itself takes no words"),
    ],
)
def test_why_tells_of_words_that_make_no_line(shell: InteractiveShell, cell: str, told: str) -> None:
    """Not of an older error: what happened last is what is asked about."""
    with capture_output():
        shell.run_cell("%glacier uplaod")
        shell.run_cell(cell)
    assert told in repr(magic(shell, "why"))
    with capture_output():
        shell.run_cell("%glacier uplaod")
    assert "uplaod" in repr(magic(shell, "why"))


def test_an_assigned_result_says_what_was_done(
    connected: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was started, or what was changed; what only reads adds nothing."""
    (tmp_path / "a.bin").write_bytes(b"a")
    monkeypatch.chdir(tmp_path)
    lines = {
        "x = %glacier upload a.bin": "Upload 1 file (1 B) to photos: done.",
        "x = %glacier restore a.bin --yes": "from photos to restored: started. %glacier history",
        "x = %glacier rm a.bin --yes": "Deleted 1 archive from photos",
        "x = %glacier create films": "The vault in use is films.",
        "x = %glacier tags films owner=ann": "tags films owner=ann: done.",
        "%%glacier\nx = use photos": "The vault in use is photos.",
        "x = %glacier ls": "",
        "%glacier use photos": "",
    }
    for cell, words in lines.items():
        with capture_output() as output:
            connected.run_cell(cell, store_history=True).raise_error()
        assert words in output.stderr, cell
        if not words:
            assert "in use" not in output.stderr
