"""The files by which a system starts the watcher: shown, confirmed, written, and removed."""

import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from glacier_magic.errors import LocalError
from glacier_magic.watch.service_file import command, environment, install, service_file, uninstall

NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


@pytest.fixture(autouse=True)
def odd_python(monkeypatch):
    """An interpreter in a folder whose name each format has to quote."""
    monkeypatch.setattr(sys, "executable", "/opt/a b/100% <&> $HOME/python")
    monkeypatch.setenv("GLACIER_MAGIC_HOME", "/data/my own")
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", "postgresql://me:secret@host/archive")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "never")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/etc/aws")


def test_a_systemd_unit_of_the_user(home):
    """Quoted as systemd reads it; credentials are not in it."""
    found = service_file("linux")
    assert found.path == home / ".config/systemd/user/glacier-magic-watch.service"
    lines = dict(line.split("=", 1) for line in found.text.splitlines() if "=" in line)
    words = [word.replace("%%", "%") for word in shlex.split(lines["ExecStart"])]
    assert words == command()
    assert 'Environment="GLACIER_MAGIC_HOME=/data/my own"' in found.text
    assert 'Environment="AWS_CONFIG_FILE=/etc/aws"' in found.text
    assert "WantedBy=default.target" in found.text
    assert "systemctl --user enable --now" in found.start


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this computer")
def test_systemd_reads_the_unit(home, monkeypatch, tmp_path):
    """Without a warning, also with odd characters in the folders."""
    python = tmp_path / "a b 100% $HOME" / "python"
    python.parent.mkdir()
    python.symlink_to(shutil.which("true"))
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("GLACIER_MAGIC_HOME", '/data/my "own" 100%')
    install("linux").run()
    command = ["systemd-analyze", "verify", "--user", str(service_file("linux").path)]
    runtime = os.environ | {"XDG_RUNTIME_DIR": str(home)}
    done = subprocess.run(command, env=runtime, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "me:secret@proxy:3128"),
        ("GLACIER_MAGIC_CATALOGUE", "postgresql://host/archive?user=me&password=secret"),
    ],
)
def test_no_password_in_an_address(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert name not in environment()


def test_a_launchd_agent(home):
    """A property list that starts at login, and again after a failure alone."""
    found = service_file("darwin")
    assert found.path == home / "Library/LaunchAgents/org.glacier-magic.watch.plist"
    agent = plistlib.loads(found.text.encode())
    assert agent["ProgramArguments"] == command()
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["EnvironmentVariables"]["GLACIER_MAGIC_HOME"] == "/data/my own"


def test_a_task_of_windows():
    """With least rights, at the user's login, without a limit of its time."""
    found = service_file("win32")
    task = ElementTree.fromstring(found.text.encode())
    assert task.findtext(f".//{NAMESPACE}Command") == sys.executable
    assert task.findtext(f".//{NAMESPACE}Arguments") == " ".join(command()[1:])
    assert task.findtext(f".//{NAMESPACE}RunLevel") == "LeastPrivilege"
    assert task.findtext(f".//{NAMESPACE}ExecutionTimeLimit") == "PT0S"


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_it_is_shown_first_then_written_then_removed(platform):
    """Nothing is written before the run, and no secret at all."""
    file, plan = service_file(platform), install(platform)
    shown = plan.as_text()
    assert str(file.path) in shown
    assert "glacier_magic.cli" in shown
    assert not file.path.exists()
    assert file.start in plan.run()
    text = file.path.read_text()
    assert text == file.text
    assert "secret" not in text
    assert "never" not in text
    remove = uninstall(platform)
    assert file.stop in remove.as_text()
    remove.run()
    assert not file.path.exists()
    assert "there is none" in uninstall(platform).as_text()


def test_a_folder_that_cannot_be_written(home):
    """The error is reported, and nothing is changed."""
    (home / ".config").write_text("a file")
    with pytest.raises(LocalError, match="cannot be changed"):
        install("linux").run()
