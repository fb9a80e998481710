"""Starting, finding, controlling and stopping the emulator's process from another process."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glacier_magic.emulator.folder_lock import FolderLock, make_private

if TYPE_CHECKING:
    import http.client

_PATIENCE = 20.0
"""Real seconds that a server may take to start or stop."""

_FAREWELL = 5.0
"""Real seconds that the end of a process waits for the answer of a server, which may hang."""

_BUSY = 3  # exit code of __main__
_STEP = 0.05

# References to running children: Python warns about dropped ones, and poll() reaps those that ended.
_children: list[subprocess.Popen[bytes]] = []

_holds: dict[Path, http.client.HTTPConnection] = {}
"""The open connections that hold servers, by their folders."""
if hasattr(os, "register_at_fork"):  # a forked child must not release what its parent holds
    os.register_at_fork(after_in_child=_holds.clear)


class EmulatorError(RuntimeError):
    """The emulator could not do what was requested; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class RunningEmulator:
    """A running emulator."""

    folder: Path
    url: str
    pid: int
    account: str


def _resolved(folder: Path) -> Path:
    return Path(folder).expanduser().resolve()


def find(folder: Path) -> RunningEmulator | None:
    """Return the server of *folder* if one responds, else None."""
    folder = _resolved(folder)
    try:
        state = json.loads((folder / "server.json").read_text("ascii"))
        url = str(state["url"])
        found = _request(url, "GET", "status")
    except (OSError, ValueError, KeyError, EmulatorError):
        return None
    # After a kill, another server may use the same port.
    if found.get("pid") != state["pid"] or found.get("folder") != str(folder):
        return None
    return RunningEmulator(folder=folder, url=url, pid=int(state["pid"]), account=str(found["account"]))


def start(
    folder: Path, *, port: int = 0, speed: float | None = None, hold: bool = False, extra: Sequence[str] = ()
) -> RunningEmulator:
    """Return the server of *folder*; start one if there is none.

    *speed* and *hold* apply in either case; *port* and *extra* (further options of
    ``python -m glacier_magic.emulator``) apply only to a server that this call starts.

    :param hold: hold the server until this process ends: one that was started with the option
        ``--until-unused`` runs as long as a process holds it.
    """
    folder = _resolved(folder)
    running = find(folder)
    if running is None:
        running = _launch(folder, port, speed, extra)
    if hold:
        try:
            _hold(running)
        except OSError:  # its last process has just ended
            running = _launch(folder, port, speed, extra)
            _hold(running)
    if speed is not None:
        set_speed(folder, speed)
    return running


def _hold(running: RunningEmulator) -> None:
    import http.client  # noqa: PLC0415 - as in _request()

    connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=_PATIENCE)
    try:
        connection.request("POST", "/_emulator/hold", "{}", {"Content-Type": "application/json"})
        connection.getresponse().read()
    except http.client.HTTPException as error:
        raise ConnectionError(f"{running.url} does not answer in HTTP") from error
    before = _holds.pop(running.folder, None)
    _holds[running.folder] = connection
    if before is not None:  # after the new one, or the server would stop
        before.close()
    # Last of what is registered runs first: a notebook may delete the folder afterwards.
    atexit.unregister(_release)
    atexit.register(_release)


def _release() -> None:
    """Release all servers; wait for the end of those that this stops."""
    while _holds:
        folder, connection = _holds.popitem()
        with contextlib.suppress(OSError):  # it was stopped meanwhile
            connection.sock.settimeout(_FAREWELL)
            connection.sock.shutdown(socket.SHUT_WR)
            if connection.sock.recv(64):
                _wait_for_end(folder)
        connection.close()


def _launch(folder: Path, port: int, speed: float | None, extra: Sequence[str]) -> RunningEmulator:
    make_private(folder)
    # -P: not from the working directory.
    command = [sys.executable, "-P", "-m", "glacier_magic.emulator", "--data", str(folder)]
    command += ["--port", str(port), *extra]
    if speed is not None:
        command += ["--speed", repr(float(speed))]
    deadline = time.monotonic() + _PATIENCE
    child = _spawn(command, folder)
    while time.monotonic() < deadline:
        running = find(folder)
        if running is not None:
            return running
        if child.poll() is not None:
            if child.returncode != _BUSY:
                raise EmulatorError(_why(folder))
            # Another process was faster, or the last server is still shutting down.
            time.sleep(4 * _STEP)
            # While the folder is locked, its server may still come up and be found.
            child = _spawn(command, folder) if _is_free(folder) else child
        time.sleep(_STEP)
    raise EmulatorError(
        f"The emulator did not answer within {_PATIENCE:.0f} s; see {folder / 'emulator.log'}."
    )


def _spawn(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    _children[:] = [child for child in _children if child.poll() is None]
    root = str(Path(__file__).resolve().parents[2])  # the child runs this copy of the package
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    flags = 0
    if sys.platform == "win32":
        # There, start_new_session has no effect.
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
    with (folder / "emulator.log").open("ab") as log:  # appended: the reason of an earlier crash stays
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal of the parent must not stop it
            creationflags=flags,
        )
    _children.append(child)
    return child


def _is_free(folder: Path) -> bool:
    """Return whether no process holds the folder's lock."""
    lock = FolderLock(folder)
    if not lock.acquire():
        return False
    lock.release()
    return True


def _why(folder: Path) -> str:
    log = folder / "emulator.log"
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    last = lines[-1] if lines else "it wrote no message."
    return f"The emulator could not be started: {last} The rest is in {log}."


def stop(folder: Path) -> bool:
    """Stop the server of *folder* and wait for its end; return False if none was running."""
    folder = _resolved(folder)
    running = find(folder)
    if running is None:
        return False
    _request(running.url, "POST", "stop", {})
    if not _wait_for_end(folder):
        raise EmulatorError(f"The emulator (process {running.pid}) did not stop; end that process.")
    return True


def _wait_for_end(folder: Path) -> bool:
    """Wait until no server runs on *folder*; return False if one still does after a while."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if _is_free(folder):  # released last, after the clock is saved and the store closed
            _children[:] = [child for child in _children if child.poll() is None]
            return True
        time.sleep(_STEP)
    return False


def status(folder: Path) -> dict[str, object]:
    """Return the status of the server of *folder*, with its ``url``."""
    return _control(folder, "GET", "status")


def advance(folder: Path, seconds: float) -> dict[str, object]:
    """Advance the virtual clock by *seconds*; return the new status."""
    return _control(folder, "POST", "clock", {"advance": seconds})


def set_speed(folder: Path, speed: float) -> dict[str, object]:
    """Set the speed in virtual seconds per real second; return the new status."""
    return _control(folder, "POST", "clock", {"speed": speed})


def pause(folder: Path) -> dict[str, object]:
    """Pause the virtual clock; return the new status."""
    return _control(folder, "POST", "clock", {"paused": True})


def resume(folder: Path) -> dict[str, object]:
    """Resume the virtual clock at its previous speed; return the new status."""
    return _control(folder, "POST", "clock", {"paused": False})


def add_fault(folder: Path, kind: str, operation: str = "*", **more: object) -> dict[str, object]:
    """Make *operation* fail once, or according to *times*, *probability* and *seed*; see README.md."""
    return _control(folder, "POST", "faults", {"kind": kind, "operation": operation} | more)


def clear_faults(folder: Path) -> dict[str, object]:
    """Remove all faults; return the new status."""
    return _control(folder, "POST", "faults/clear", {})


def seed(folder: Path, vault: str, count: int, **more: object) -> dict[str, object]:
    """Fill a vault with *count* archives of generated content.

    *more* may be ``region``, ``seed`` (for other names) and ``size`` (bytes of each archive; varied
    by default).  The result includes the first ``archive_ids``.
    """
    return _control(folder, "POST", "seed", {"vault": vault, "count": count} | more)


def credentials(folder: Path, seconds: float = 3600.0) -> dict[str, object]:
    """Return temporary keys of the server of *folder*, as a ``credential_process`` prints them.

    :param seconds: their life on the virtual clock, which :func:`advance` shortens.
    """
    found = _control(folder, "POST", "credentials", {"seconds": seconds})
    del found["url"]
    return found


def _control(
    folder: Path, method: str, action: str, document: dict[str, Any] | None = None
) -> dict[str, object]:
    running = find(folder)
    if running is None:
        raise EmulatorError(f"No emulator serves {_resolved(folder)}; start one first.")
    try:
        answer = _request(running.url, method, action, document)
    except OSError as error:
        raise EmulatorError(f"The emulator at {running.url} stopped answering; start it.") from error
    return {"url": running.url} | answer


def _request(url: str, method: str, action: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
    import http.client  # noqa: PLC0415 - it imports email and TLS, some 20 ms

    # Not urllib: it would use a proxy from the environment between two local processes.
    host = url.removeprefix("http://")
    # Seeding millions of archives takes minutes.
    connection = http.client.HTTPConnection(host, timeout=900 if method == "POST" else 5)
    body = None if document is None else json.dumps(document)
    headers = {} if body is None else {"Content-Type": "application/json"}
    try:
        connection.request(method, f"/_emulator/{action}", body, headers)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    except http.client.HTTPException as error:  # no OSError, which the callers expect of a dead server
        raise ConnectionError(f"{url} does not answer in HTTP") from error
    finally:
        connection.close()
    if response.status != 200:
        raise EmulatorError(str(answer.get("error", f"The emulator answered {response.status}.")))
    return answer
