"""The URL of a catalogue, parsed and displayed without its password."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ....errors import InputError

_DEFAULTS = {
    "application_name": "glacier_magic",
    "connect_timeout": "10",  # seconds
    "keepalives_idle": "30",  # seconds: a firewall may drop an idle connection without a sign
    "tcp_user_timeout": "30000",  # milliseconds
}


@dataclass(frozen=True)
class Url:
    """The options of a connection, and ``place``: the URL without its password."""

    place: str
    options: dict[str, Any] = field(repr=False)

    @property
    def secret(self) -> str | None:
        """The password in the URL, if any."""
        found = self.options.get("password")
        return str(found) if found else None


def parse_url(text: str) -> Url:
    """Return the parts of a URL.

    :raises InputError: it is malformed; the message does not repeat it.
    """
    import psycopg  # noqa: PLC0415 - costs time: imported when used
    import psycopg.conninfo  # noqa: PLC0415 - costs time: imported when used

    try:
        options = psycopg.conninfo.conninfo_to_dict(text)
    except psycopg.Error:  # its message may contain a part of the password
        raise InputError(
            "The URL of the catalogue is not understood",
            cure="Write it like postgresql://user@host:5432/database; a character such as @ or / "
            "in a password is written %40 or %2F.",
        ) from None
    host = str(options.get("host") or "")
    # An unescaped @ in the password; @name is an abstract socket.
    if "@" in host and not host.startswith("@"):
        raise InputError(
            "The URL of the catalogue is not understood: it has an @ too many",
            cure="A character such as @ or / in a password is written %40 or %2F.",
        )
    return Url(_shown(options), {**_DEFAULTS, **options, "client_encoding": "utf8"})


def _shown(options: dict[str, Any]) -> str:
    user, host, port, name = (str(options.get(key) or "") for key in ("user", "host", "port", "dbname"))
    socket = host.startswith(("/", "@"))
    who = f"{quote(user)}@" if user else ""
    where = "" if socket else host + (f":{port}" if port else "")
    more = {"host": host, "port": port} if socket else {}
    more["options"] = str(options.get("options") or "")
    tail = "&".join(f"{key}={quote(value, safe='/=-,')}" for key, value in more.items() if value)
    return f"postgresql://{who}{where}/{quote(name)}{'?' + tail if tail else ''}"
