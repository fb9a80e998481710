"""Temporary keys, as a login gives them: a key pair with a session token that expires."""

from __future__ import annotations

import base64
import hmac
import secrets

from glacier_magic.emulator import dates, service_errors
from glacier_magic.emulator.virtual_clock import VirtualClock

LONGEST = 36 * 3600
"""The longest life of temporary keys in seconds, as in GetSessionToken of AWS STS."""


class TemporaryKeys:
    """Issues temporary keys and recognizes them.

    Nothing is stored: secret and token are computed from the access key id and the expiry.

    :param root: a secret of the data folder.
    :param clock: the virtual clock, by which the keys expire.
    """

    def __init__(self, root: str, clock: VirtualClock) -> None:
        self._root = root.encode("ascii")
        self._clock = clock

    def _digest(self, *words: str) -> str:
        digest = hmac.digest(self._root, "\n".join(words).encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")

    def _token(self, access_key: str, expires: str) -> str:
        return f"{expires}.{self._digest(access_key, expires)}"

    def issue(self, seconds: float) -> dict[str, object]:
        """Return keys that expire in *seconds* of virtual time, as a ``credential_process`` prints them.

        ``Expiration`` is when that will be in real time, by which clients renew their keys.
        """
        if not 1 <= seconds <= LONGEST:  # "not" also refuses NaN
            raise ValueError(f"Temporary keys live from 1 to {LONGEST} seconds.")
        access_key = "ASIA" + secrets.token_hex(8).upper()
        real = dates.real_now() + int(seconds * 1000 / (self._clock.rate or 1))
        return {
            "Version": 1,
            "AccessKeyId": access_key,
            "SecretAccessKey": self._digest(access_key),
            "SessionToken": self._token(access_key, str(self._clock.now() + int(seconds * 1000))),
            "Expiration": dates.iso_seconds(real),
        }

    def secret(self, access_key: str, token: str) -> str | None:
        """Return the secret of issued keys; None if the token is not theirs.

        :raises ServiceError: the token has expired.
        """
        expires = token.partition(".")[0]
        if not hmac.compare_digest(token.encode(), self._token(access_key, expires).encode()):
            return None
        if int(expires) <= self._clock.now():
            raise service_errors.expired_token()
        return self._digest(access_key)
