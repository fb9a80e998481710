"""The login of a session: the credentials that boto3's chain finds, asked again once they fail."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
import threading
import warnings
from collections import ChainMap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ..errors import CredentialsError
from ..errors.scrubbing import hide, scrub
from .login_failures import command_line, failed_login, sources

PATIENCE = 120.0
"""Seconds for the program of a ``credential_process``, which may ask its user in a browser."""

_REFUSED = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "UnrecognizedClientException",
)
"""Codes after which other keys can help."""
_TOKENS = ("X-Amz-Security-Token", "x-amz-sso_bearer_token")
_SIGNED, _REPEATED = "glacier_magic keys", "glacier_magic repeated"
_NAMES = ("access key id", "secret key", "session token")
_USABLE = re.compile("[!-~]*")


def environment_profile() -> str | None:
    """Return the profile that the environment names, as botocore reads it."""
    return os.environ.get("AWS_DEFAULT_PROFILE", os.environ.get("AWS_PROFILE"))


def hide_token(request: Any, **_: Any) -> None:
    """Hide the token of a request before it is sent."""
    for name in _TOKENS:
        token = request.headers.get(name) or ""
        hide(token.decode("latin-1") if isinstance(token, bytes) else token)


class Login:
    """The credentials of a boto3 session; its clients call it as one of botocore's ``Credentials``.

    Every failure on the way to the keys is a :class:`CredentialsError`, whatever raised it.  If the
    keys cannot be renewed, or the service refuses them, boto3's chain is asked again, which reads
    what other programs have written since.

    :param profile: a profile of the AWS configuration, or None for the default chain.
    :param region: of the services that give keys, unless the profile names another.
    :param patience: seconds for the program of a ``credential_process``.
    """

    method = "glacier_magic"  # botocore reads it

    def __init__(self, profile: str | None, region: str | None, patience: float = PATIENCE) -> None:
        self._profile, self._region, self._patience = profile, region, patience
        self._environment = environment_profile()
        self._lock = threading.RLock()
        self._found: Any = None
        self._keys: Any = None

    def sign_for(self, session: Any) -> None:
        """Sign the calls of all clients of a botocore session, and repeat those refused for old keys."""
        session.register_component("credential_provider", self)
        session.register("before-sign", self._note_keys)
        session.register("needs-retry", self._repeats)

    def leave(self, client: Any) -> None:
        """Do not renew keys for a client of a region that may not know the account."""
        client.meta.events.unregister("needs-retry", self._repeats)

    def load_credentials(self) -> Login:
        """Return itself: botocore calls it as a chain, too."""
        return self

    def find(self) -> None:
        """Ask the chain, and check keys that take no request.

        :raises CredentialsError: there are none, or they cannot be used.
        """
        import botocore.credentials

        with self._lock, self._failing():
            self._found = self._ask_chain()
        if type(self._found) is botocore.credentials.Credentials:  # its subclasses renew themselves
            self.get_frozen_credentials()

    def get_frozen_credentials(self) -> Any:
        """Return the keys to sign with; botocore calls it for each request.

        :raises CredentialsError: there are none, or they cannot be used.
        """
        with self._lock, self._failing():
            if self._keys is not None:
                try:
                    return self._read()
                except Exception:
                    self._found = None  # botocore, for instance, asks for one MFA code only
            return self._read()

    def get_deferred_property(self, name: str) -> Any:
        """Return a function that returns one of the keys or the account; botocore calls it."""
        return lambda: getattr(self.get_frozen_credentials(), name, None)

    def renew(self, refused: Any) -> bool:
        """Ask the chain again for keys that the service refused; return whether there are others now.

        :raises CredentialsError: there are none, or they cannot be used.
        """
        with self._lock:
            if self._keys == refused:  # else another thread has renewed them
                self._found = self._keys = None
                self.get_frozen_credentials()
            return bool(self._keys != refused)

    def _read(self) -> Any:
        if self._found is None:
            self._found = self._ask_chain()
        keys = self._found.get_frozen_credentials()
        hide(*keys[:3])
        _check(keys)
        self._keys = keys
        return keys

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Turn every error into a :class:`CredentialsError`, and ask the chain again next time."""
        try:
            yield
        except Exception as error:
            self._found = self._keys = None
            if isinstance(error, CredentialsError):
                raise
            profile = self._profile or self._environment
            raise failed_login(error, profile, sources(profile), self._patience) from None

    def _ask_chain(self) -> Any:
        import botocore.credentials
        import botocore.session

        if self._profile is None and environment_profile() != self._environment:
            raise CredentialsError(
                "AWS_PROFILE has changed since this session began",
                cure="Connect again to use the other profile, or set the variable as it was.",
            )
        session = botocore.session.Session(profile=self._profile)  # another: no session reads a file twice
        session.set_config_variable("region", self._region)
        session.register("before-send", hide_token)
        chain = botocore.credentials.create_credential_resolver(session, region_name=self._region)
        self._adjust(chain, session)
        found = chain.load_credentials()
        if found is None:
            raise CredentialsError("No AWS credentials were found")
        return found

    def _adjust(self, chain: Any, session: Any) -> None:
        from botocore.credentials import JSONFileCache, ProcessProvider

        role = chain.get_provider("assume-role")
        # Roles that the AWS command line has asked an MFA code for; nothing is written there.
        role.cache = ChainMap({}, JSONFileCache(Path("~/.aws/cli/cache").expanduser()))
        role._prompter = self._ask_code

        def program(profile: str) -> Any:
            return ProcessProvider(profile, lambda: session.full_config, popen=self._run)

        role._profile_provider_builder._create_process_provider = program  # of a source_profile
        chain.get_provider("custom-process")._popen = self._run

    def _ask_code(self, prompt: str) -> str:
        """Ask the user for an MFA code, in the main thread alone."""
        elsewhere = f"Run {command_line(self._profile or self._environment)} in a terminal, which asks for it"
        if threading.current_thread() is not threading.main_thread():
            raise CredentialsError(
                "The role needs another MFA code, for which nobody is asked in the background",
                cure=f"{elsewhere}, or any verb in this notebook that calls the service.",
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", getpass.GetPassWarning)  # a code is used once: it may be seen
                return getpass.getpass(scrub(prompt))  # of the module, which a notebook's kernel replaces
        except (EOFError, OSError, RuntimeError):
            raise CredentialsError(
                "The role needs an MFA code, and there is nobody to ask for it", cure=f"{elsewhere}."
            ) from None

    def _run(self, words: Any, **options: Any) -> Any:
        """Run the program of a ``credential_process``, as botocore uses a ``Popen``."""
        done = subprocess.run(words, timeout=self._patience, check=False, **options)
        return SimpleNamespace(returncode=done.returncode, communicate=lambda: (done.stdout, done.stderr))

    # Events of the clients

    def _note_keys(self, request: Any, request_signer: Any, **_: Any) -> None:
        if request_signer._credentials is self:  # not of a client with keys of its own
            request.context[_SIGNED] = self.get_frozen_credentials()

    def _repeats(self, response: Any, request_dict: Any, **_: Any) -> float | None:
        """Return the pause before a refused call is repeated with other keys; None if there are none.

        A call that was refused for its keys has done nothing, so that it may be repeated, paid or not.
        """
        context = request_dict["context"]
        rewinds = hasattr(request_dict.get("body"), "read")  # its caller counts the bytes, and repeats it
        code = response[1].get("Error", {}).get("Code") if response is not None else None
        if code not in _REFUSED or _SIGNED not in context or _REPEATED in context:
            return None
        context[_REPEATED] = True
        return 0.0 if self.renew(context[_SIGNED]) and not rewinds else None


def _check(keys: Any) -> None:
    """Refuse keys that cannot be sent.

    :raises CredentialsError: one has a character that no key has.
    """
    for name, key in zip(_NAMES, keys, strict=False):  # newer versions of botocore add the account
        # The token is sent as a header, where surrounding spaces are ignored.
        sent = (key or "").strip(" \t") if name == "session token" else key or ""
        if not _USABLE.fullmatch(sent):
            raise CredentialsError(
                f"The {name} has a line end, a space or another character that no key has",
                cure="Set it again without that character: the line end often comes from an environment "
                "file or a secret store.",
            )
