"""The keys of a session: which can be used, which are renewed meanwhile, and none shown."""

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

    Keys that botocore renews by itself are left to it: they are fetched when they are needed.

    :raises CredentialsError: one has a character that no key has.
    """
    import botocore.credentials

    if type(credentials) is not botocore.credentials.Credentials:
        return
    keys = credentials.get_frozen_credentials()[:3]
    hide(*keys)
    for name, key in zip(_NAMES, keys, strict=True):
        # The spaces around a header, which the token is, do not count.
        sent = (key or "").strip(" \t") if name == "session token" else key or ""
        if not _USABLE.fullmatch(sent):
            raise CredentialsError(f"The {name} has {UNUSABLE}", cure=REWRITE)


def hide_token(request: Any, **_: Any) -> None:
    """Hide the session token of a request that is about to be sent."""
    token = request.headers.get("X-Amz-Security-Token") or ""
    hide(token.decode("latin-1") if isinstance(token, bytes) else token)


def read_anew(session: Any) -> bool:
    """Let a boto3 session's clients use the keys that boto3's own chain finds now.

    Keys of a login, role or metadata service are renewed by botocore; those that a file or the
    environment holds are read once, and are stale when another tool has written new ones.

    :returns: whether there are other keys than before.
    """
    import botocore.credentials
    import botocore.exceptions
    import botocore.session

    used = session.get_credentials()
    if type(used) is not botocore.credentials.Credentials:  # the others renew themselves
        return False
    try:
        found = botocore.session.Session(profile=session.profile_name).get_credentials()
        check_keys(found)
    except (botocore.exceptions.BotoCoreError, CredentialsError):  # the file is being written
        return False
    if found is None:
        return False
    keys, before = found.get_frozen_credentials(), used.get_frozen_credentials()
    if tuple(keys) == tuple(before):
        return False
    used.access_key, used.secret_key, used.token = keys.access_key, keys.secret_key, keys.token
    return True
