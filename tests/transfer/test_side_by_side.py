"""Two processes that store the same files at the same moment."""

from __future__ import annotations

import subprocess
import sys

import pytest

UPLOADER = """
import sys
import glacier_magic as gm
folder, region, catalogue = sys.argv[1:]
with gm.connect(emulator=folder, region=region, catalogue=catalogue) as session:
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        session.vault("photos").upload_all(["two"], recursive=True)
    except gm.LocalError as error:
        assert "by another process" in str(error), error
"""


@pytest.mark.each_backend
def test_two_processes_store_each_file_once(session, vault, emulator, files, archives_in, session_place):
    """Each file is sent by one of them; the other leaves it alone or says who has it."""
    for number in range(40):
        files(f"two/{number}", 2000 + number)
    session.create_vault("photos")
    arguments = [str(emulator.folder), session.region, str(session_place)]
    both = [
        subprocess.Popen(
            [sys.executable, "-c", UPLOADER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    assert [process.communicate("go\n", timeout=60) and process.wait() for process in both] == [0, 0]
    session.vault("photos").upload_all(["two"], recursive=True)
    assert archives_in() == 40
    assert len(session.vault("photos").archives()) == 40
