"""The keys of a session: checking, hiding and refreshing them."""

from __future__ import annotations

import re
from typing import Any

from ..errors import CredentialsError
from ..scrubbing import hide

UNUSABLE = "a line end, a space or another character that no key has"
REWRITE = (
    "Set it again without that character: the line end often comes from an environment file or a "
    "secret store."
)
_NAMES = ("access key id", "secret key", "session token")
_USABLE = re.compile("[!-~]*")


def check_keys(credentials: Any) -> None:
    """Hide the keys of a login from every text, and refuse those that cannot be sent.

    Keys that botocore renews are not checked, because reading them would send a request.

    :raises CredentialsError: one has a character that no key has.
    """
    import botocore.credentials

    if type(credentials) is not botocore.credentials.Credentials:
        return
    keys = credentials.get_frozen_credentials()[:3]
    hide(*keys)
    for name, key in zip(_NAMES, keys, strict=True):
        # The token is sent as a header, where surrounding spaces are ignored.
        sent = (key or "").strip(" \t") if name == "session token" else key or ""
        if not _USABLE.fullmatch(sent):
            raise CredentialsError(f"The {name} has {UNUSABLE}", cure=REWRITE)


def hide_token(request: Any, **_: Any) -> None:
    """Hide the session token of a request before it is sent."""
    token = request.headers.get("X-Amz-Security-Token") or ""
    hide(token.decode("latin-1") if isinstance(token, bytes) else token)


def refresh_keys(session: Any) -> bool:
    """Make a boto3 session's clients use the keys that boto3's chain finds now.

    botocore renews keys of a login, role or metadata service itself; keys from a file or the
    environment are read once, and become stale when another tool writes new ones.

    :returns: whether the keys have changed.
    """
    import botocore.credentials
    import botocore.exceptions
    import botocore.session

    used = session.get_credentials()
    if type(used) is not botocore.credentials.Credentials:  # its subclasses renew themselves
        return False
    try:
        # A new session, because the old one never reads the file again.
        found = botocore.session.Session(profile=session.profile_name).get_credentials()
        check_keys(found)
    except (botocore.exceptions.BotoCoreError, CredentialsError):  # the file may be half written
        return False
    if found is None:
        return False
    keys, before = found.get_frozen_credentials(), used.get_frozen_credentials()
    if tuple(keys) == tuple(before):
        return False
    # In place, because the clients of the session hold this object.
    used.access_key, used.secret_key, used.token = keys.access_key, keys.secret_key, keys.token
    return True
