"""The file by which the system starts the watcher at each login, as a service of the user."""

from __future__ import annotations

import os
import plistlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from ..administration.change import Change
from ..base.files import write_atomically
from ..base.paths import data_folder
from ..errors import LocalError
from ..errors.scrubbing import scrub

NAME = "glacier-magic-watch"
LABEL = "org.glacier-magic.watch"
"""The name of the launchd agent."""

KEPT = ("GLACIER_MAGIC_", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "HTTPS_PROXY")
"""What the names of variables begin with that the service gets: folders and addresses, no credential."""


@dataclass(frozen=True)
class ServiceFile:
    """A file for the system's manager of services, and the commands that the user runs after it is written.

    ``path`` is where the manager looks for it.
    """

    manager: str
    path: Path
    text: str
    start: str
    stop: str


def command() -> list[str]:
    """Return the command that the service runs."""
    return [sys.executable, "-P", "-m", "glacier_magic.cli", "watch", "--forever"]


def environment() -> dict[str, str]:
    """Return the variables of this process that the service gets."""
    found = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
    return {name: value for name, value in sorted(found.items()) if not _has_password(name, value)}


def _has_password(name: str, value: str) -> bool:
    """Return whether the address of a proxy or of a shared catalogue may have a password."""
    return scrub(value) != value or ("@" in value and ("://" in value or name == "HTTPS_PROXY"))


def service_file(platform: str = sys.platform) -> ServiceFile:
    """Return the file of this computer's manager of services.

    :param platform: as in :data:`sys.platform`.
    """
    if platform == "darwin":
        path = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        return ServiceFile(
            "launchd", path, _plist(), f"launchctl load -w '{path}'", f"launchctl unload -w '{path}'"
        )
    if platform == "win32":
        path = data_folder() / f"{NAME}.xml"
        return ServiceFile(
            "the Task Scheduler",
            path,
            _task(),
            f'schtasks /Create /TN {NAME} /XML "{path}" && schtasks /Run /TN {NAME}',
            f"schtasks /End /TN {NAME} & schtasks /Delete /TN {NAME} /F",
        )
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return ServiceFile(
        "systemd",
        config / "systemd" / "user" / f"{NAME}.service",
        _unit(),
        f"systemctl --user daemon-reload && systemctl --user enable --now {NAME}",
        f"systemctl --user disable --now {NAME}",
    )


def _unit() -> str:
    variables = "".join(f"Environment={_quoted(f'{k}={v}')}\n" for k, v in environment().items())
    return (
        "[Unit]\n"
        "Description=glacier-magic watch: goes on with retrievals from Amazon Glacier vaults\n\n"
        "[Service]\n"
        f"ExecStart={' '.join(map(_quoted, command()))}\n"
        f"{variables}"
        "Restart=on-failure\n"
        "RestartSec=60\n\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


def _quoted(word: str) -> str:
    """Return a word as systemd reads it: see systemd.syntax(7) and systemd.unit(5)."""
    for plain, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("\n", "\\n")):
        word = word.replace(plain, written)
    return f'"{word}"'


def _plist() -> str:
    log = str(data_folder() / "watch.log")
    found = {
        "Label": LABEL,
        "ProgramArguments": command(),
        "EnvironmentVariables": environment(),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ProcessType": "Background",
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }
    return plistlib.dumps(found).decode()


def _task() -> str:
    """Return a task that starts at the user's login, with least rights; it has no variables."""
    program, *words = command()
    arguments = " ".join(words)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">\n'
        "  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>\n"
        '  <Principals><Principal id="Author"><LogonType>InteractiveToken</LogonType>'
        "<RunLevel>LeastPrivilege</RunLevel></Principal></Principals>\n"
        "  <Settings><MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>"
        "<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>"
        "<StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>"
        "<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>"
        "<RestartOnFailure><Interval>PT1M</Interval><Count>10</Count></RestartOnFailure></Settings>\n"
        f'  <Actions Context="Author"><Exec><Command>{escape(program)}</Command>'
        f"<Arguments>{escape(arguments)}</Arguments></Exec></Actions>\n"
        "</Task>\n"
    )


def install(platform: str = sys.platform) -> Change[str]:
    """Return the plan to write the file; nothing is written until its ``run()``.

    :param platform: as in :data:`sys.platform`.
    """
    found = service_file(platform)

    def write() -> str:
        _change(lambda: write_atomically(found.path, found.text), found.path)
        return f"Wrote {found.path}. Start it: {found.start}"

    return Change(
        f"Write the file for {found.manager} that starts the watcher at each login",
        act=write,
        facts=[("file", str(found.path)), ("then run", found.start), ("rights", _RIGHTS)],
        text=found.text.rstrip(),
        button="Write",
    )


def uninstall(platform: str = sys.platform) -> Change[str]:
    """Return the plan to remove the file of :func:`install`."""
    found = service_file(platform)

    def remove() -> str:
        _change(lambda: found.path.unlink(missing_ok=True), found.path)
        return f"Removed {found.path}."

    there = "" if found.path.exists() else " (there is none)"
    return Change(
        f"Remove the file for {found.manager} that starts the watcher at each login",
        act=remove,
        facts=[("file", f"{found.path}{there}"), ("before", found.stop)],
        button="Remove",
    )


_RIGHTS = "those of your account alone"


def _change(act: Callable[[], object], path: Path) -> None:
    try:
        act()
    except OSError as error:
        raise LocalError(
            f"{path} cannot be changed: {error.strerror}", cure="Change it by hand; nothing was done."
        ) from None
