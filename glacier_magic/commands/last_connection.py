"""The last ``connect`` in any process, and whether the next session uses it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.files import write_atomically
from ..base.paths import last_connection_file
from ..errors import CatalogueError, GlacierError

if TYPE_CHECKING:
    from ..service import Connection


def last_connection() -> Connection | None:
    """Return the connection of the last ``connect`` in any process."""
    from ..service import Connection

    try:
        # Written by any face: a notebook and a shell use the same connection.
        return Connection.from_json(last_text())
    except (ValueError, TypeError, AttributeError):  # missing, damaged, or of another version
        return None


def last_text() -> str:
    """Return the file of the last connection; empty if there is none."""
    try:
        return last_connection_file().read_text("utf-8")
    except (OSError, ValueError):
        return ""


def remember(connection: Connection) -> None:
    """Store a connection for the next process, with the login that the environment has."""
    with suppress(OSError, CatalogueError, GlacierError):  # the connection works without it
        text = json.dumps(json.loads(connection.to_json()) | {"environment": environment_login()})
        write_atomically(last_connection_file(), text)


def environment_login() -> str:
    """Return what in the environment names a login, as boto3's chain reads it; empty if nothing does."""
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return "AWS_ACCESS_KEY_ID"
    names = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")
    return next((f"{name}={os.environ[name]}" for name in names if os.environ.get(name)), "")


def choose(settings: Mapping[str, Any]) -> tuple[Connection, bool, str]:
    """Return the connection to make, whether it is that of the last time, and why it is not another.

    Settings come first.  A profile of the last ``connect`` comes before a login in the environment,
    unless that was named later.

    :param settings: profile, region and endpoint_url.
    """
    from ..client.connect import connection_for

    login = environment_login()
    if any(settings.values()):  # not mixed: a region of one account, a profile of another
        return connection_for(**settings), False, _before(login, settings["profile"], "a setting")
    last = last_connection()
    if last is None:
        return connection_for(), False, ""
    why = _before(login, last.profile, "named in the last connect")
    given = last.endpoint_url is not None and not last.configured  # to a server that has no such profile
    if why and not given and login != _login_then():
        return connection_for(), False, f"{login} was set after the last connect, to profile {last.profile}"
    return last, True, why


def _before(login: str, profile: str | None, source: str) -> str:
    """Return why a profile comes before another login in the environment; empty if there is none."""
    if profile is None or not login or login.partition("=")[2] == profile:
        return ""
    return f"{source}, which comes before {login}"


def _login_then() -> str:
    """Return the login in the environment at the last ``connect``."""
    try:
        return str(json.loads(last_text()).get("environment", ""))
    except (ValueError, AttributeError):
        return ""


def failed_file() -> Path:
    """Return the file that exists while a connect has failed since the last connection."""
    return last_connection_file().with_suffix(".failed")
