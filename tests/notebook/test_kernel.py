"""Real kernels: the shipped notebooks, a restart in the middle, what loading imports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from glacier_magic import emulator
from scripts.write_notebooks import shape
from tests import ROOT

pytestmark = pytest.mark.kernel


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Every kernel in folders of this test; the emulator it starts is stopped at the end."""
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    folder = tmp_path / "kernel-emulator"
    monkeypatch.setenv("GLACIER_MAGIC_EMULATOR", str(folder))
    yield folder
    emulator.stop(folder)


def run(cells: list[str], folder: Path) -> Any:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    return execute(notebook, folder)


def execute(notebook: Any, folder: Path) -> Any:
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    return client.execute()


def text(cell: Any) -> str:
    """Everything a cell shows as plain text."""
    return "\n".join(
        output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs
    )


def test_quickstart_runs_from_top_to_bottom(tmp_path: Path) -> None:
    """The shipped quickstart ends with all files verified, and is small when saved."""
    notebook = nbformat.read(ROOT / "notebooks" / "quickstart.ipynb", as_version=4)
    saved = shape(notebook)
    done = execute(notebook, tmp_path)
    assert shape(done) == saved, "run scripts/write_notebooks.py"
    shown = "\n".join(text(cell) for cell in done.cells if cell.cell_type == "code")
    assert "4 files are the same, byte for byte" in shown
    assert "5 jobs: 5 verified" in shown
    assert "Traceback" not in shown
    assert len(nbformat.writes(done)) < 200_000
    account = emulator.start(tmp_path / "kernel-emulator").account  # it ended with the kernel
    assert account not in nbformat.writes(done)


def test_the_record_of_a_board_is_current_in_a_saved_notebook(tmp_path: Path) -> None:
    """nbclient sees the board's last state, updated from the tracker's thread."""
    done = run(
        [
            "%load_ext glacier_magic\n%glacier connect --emulator --speed 4000\n"
            "%glacier create box\nopen('a.bin', 'wb').write(b'a' * 5000)\n"
            "done = %glacier upload a.bin",
            "batch = %glacier restore a.bin --to back --yes\n%glacier jobs",
            "finished = %glacier wait",
        ],
        tmp_path,
    )
    assert "1 job: 1 verified" in text(done.cells[1])
    assert (tmp_path / "back" / "a.bin").read_bytes() == b"a" * 5000


def test_a_killed_kernel_loses_and_repeats_nothing(tmp_path: Path, apart: Path) -> None:
    """A kernel killed with its jobs in progress; the next one finishes them, asking nothing."""
    start = (
        "%load_ext glacier_magic\n%glacier connect --emulator --speed 1000\n"
        "%glacier create box\n"
        "for i in range(5): open(f'{i}.bin', 'wb').write(bytes([i]) * 100_000)\n"
        "done = %glacier upload *.bin\n"
        "batch = %glacier restore '*' --to back --yes\n"
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    with pytest.raises(Exception, match="Kernel died"):
        run([start], tmp_path)
    after = run(["%load_ext glacier_magic\n%glacier jobs", "finished = %glacier wait\nfinished"], tmp_path)
    assert "5 jobs: 5 verified" in text(after.cells[1])
    assert sorted(p.name for p in (tmp_path / "back").iterdir()) == [f"{i}.bin" for i in range(5)]


def test_the_kernel_is_free_while_jobs_run(tmp_path: Path) -> None:
    """Another cell runs at once while a job takes its virtual hours."""
    done = run(
        [
            "%load_ext glacier_magic\n%glacier connect --emulator --speed 1500\n"
            "%glacier create box\nopen('a.bin', 'wb').write(b'a')\ndone = %glacier upload a.bin\n"
            "batch = %glacier restore a.bin --to back --yes",
            "[job.state for job in batch]",
            "await batch\n[job.state for job in batch]",
        ],
        tmp_path,
    )
    assert "in progress" in text(done.cells[1])
    assert "verified" in text(done.cells[2])


def test_not_ready_ends_a_scheduled_run_with_one_line(tmp_path: Path) -> None:
    """wait and recover with a timeout fail the cell as NotReady, without a traceback of ours."""
    recover = "%glacier recover home --key home.key --yes"
    cells = [
        "%load_ext glacier_magic\n%glacier connect --emulator --speed 1\n"
        "%glacier create box\nopen('a.bin', 'wb').write(b'a')\n"
        "done = %glacier upload a.bin\nbatch = %glacier restore a.bin --yes",
        "%glacier wait --timeout 1s",
        "import os\nos.mkdir('disk')\nopen('disk/b.txt', 'wb').write(b'b')\nkey = %glacier key new home.key",
        "%glacier backup home disk --recipient {key} --yes",
        recover,
        f"{recover} --wait --timeout 1s",
        f"{recover} --wait --timeout 1s",  # a second run of the same notebook
        "%glacier jobs",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    for number in (1, 5, 6):
        notebook.cells[number].metadata.tags = ["raises-exception"]
    done = execute(notebook, tmp_path)
    for number in (1, 5, 6):
        output = done.cells[number].outputs[-1]
        assert (output.output_type, output.ename) == ("error", "NotReady")
        assert "next check at" in output.evalue
        assert len(output.traceback) == 1
    assert "in progress" in text(done.cells[4])
    assert "2 jobs" in text(done.cells[7])
    assert not (tmp_path / "recovered" / "b.txt").exists()


def test_bad_input_ends_a_scheduled_run_with_its_error(tmp_path: Path) -> None:
    """Papermill and others report an output of the kind "error", which IPython's UsageError is not."""
    lines = ["lst", "ls 'open", "restore nothing.txt"]
    cells = ["%load_ext glacier_magic\n%glacier connect --emulator\n%glacier create box"]
    cells += [f"%glacier {line}" for line in lines] + ["%%glacier\nls\nlst"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    for cell in notebook.cells[1:]:
        cell.metadata.tags = ["raises-exception"]
    done = execute(notebook, tmp_path)
    shown = [cell.outputs[-1] for cell in done.cells[1:]]
    assert [output.output_type for output in shown] == ["error"] * 4
    assert [output.ename for output in shown] == ["InputError", "InputError", "NameNotKnown", "InputError"]
    assert [len(output.traceback) for output in shown] == [1] * 4


def test_loading_imports_nothing_heavy(tmp_path: Path) -> None:
    """%load_ext leaves boto3, pandas and ipywidgets for their first use."""
    done = run(
        [
            "import sys\nbefore = set(sys.modules)\n%load_ext glacier_magic\n"
            "sorted({'boto3', 'pandas', 'ipywidgets', 'botocore'} & (set(sys.modules) - before))"
        ],
        tmp_path,
    )
    assert text(done.cells[0]) == "[]"


def test_two_kernels_share_one_emulator(tmp_path: Path, apart: Path) -> None:
    """Each finds the process that runs already, and leaves it running."""
    pid = emulator.start(apart).pid
    for _ in range(2):
        done = run(["%load_ext glacier_magic\n%glacier connect --emulator"], tmp_path)
        assert emulator.status(apart)["pid"] == pid
        assert "emulator time" in text(done.cells[0])


def test_a_real_kernel_completes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """complete_request answers verbs, options and names from the catalogue, as a page asks it."""
    from jupyter_client.manager import start_new_kernel

    monkeypatch.chdir(tmp_path)
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        client.execute_interactive(
            "%load_ext glacier_magic\n%glacier connect --emulator\n%glacier create kept\n"
            "open('scan 1.tif', 'wb').write(b's')\ndone = %glacier upload 'scan 1.tif'",
            timeout=60,
            output_hook=lambda _: None,
        )

        def complete(code: str) -> list[str]:
            answer = client.complete(code, reply=True, timeout=30)["content"]
            start, end = answer["cursor_start"], answer["cursor_end"]
            return [code[:start] + match + code[end:] for match in answer["matches"]]

        assert "%glacier restore" in complete("%glacier resto")
        assert "df = %glacier ls --where" in complete("df = %glacier ls --wh")
        assert "%glacier restore 'scan 1.tif'" in complete("%glacier restore sc")
        for unknown in ("%glacier restore impor", "%glacier du "):
            assert complete(unknown) == [unknown]  # no name of Python
        assert "x = 1\n%glacier use kept" in complete("x = 1\n%glacier use ke")
        assert "%%glacier\nvaults" in complete("%%glacier\nvau")
        assert "%glacier restore 'scan 1.tif'" in complete("%glacier restore 'scan 1")
        assert "%glacier connect --region eu-west-1" in complete("%glacier connect --region eu-w")
        assert "%glacier upload 'scan 1.tif'" in complete("%glacier upload sc")
        assert '%glacier ls --where "size > 1 and created' in complete('%glacier ls --where "size > 1 and cr')
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
