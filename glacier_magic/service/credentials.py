"""Keys that were renewed while a session goes on."""

from __future__ import annotations

from typing import Any


def read_anew(session: Any) -> bool:
    """Let a boto3 session's clients use the keys that boto3's own chain finds now.

    Keys of a login, role or metadata service are renewed by botocore; those that a file or the
    environment holds are read once, and are stale when another tool has written new ones.

    :returns: whether there are other keys than before.
    """
    import botocore.credentials  # noqa: PLC0415
    import botocore.exceptions  # noqa: PLC0415
    import botocore.session  # noqa: PLC0415

    used = session.get_credentials()
    if type(used) is not botocore.credentials.Credentials:  # the others renew themselves
        return False
    try:
        found = botocore.session.Session(profile=session.profile_name).get_credentials()
    except botocore.exceptions.BotoCoreError:  # the file is being written
        return False
    if found is None:
        return False
    keys, before = found.get_frozen_credentials(), used.get_frozen_credentials()
    if tuple(keys) == tuple(before):
        return False
    used.access_key, used.secret_key, used.token = keys.access_key, keys.secret_key, keys.token
    return True
