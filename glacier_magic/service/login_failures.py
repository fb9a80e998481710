"""Failures of a login: what each source of credentials lacks, and how to get it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ..errors import CredentialsError, Unavailable
from .unreachable import unreachable

UNREACHABLE = "LoginUnreachable"
"""Code of the error for a server of keys that does not answer."""

_IN_ENVIRONMENT = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)
_IN_PROFILE = (
    "credential_process",
    "credential_source",
    "source_profile",
    "web_identity_token_file",
    "role_arn",
    "mfa_serial",
    "sso_session",
    "sso_start_url",
    "login_session",
)
_OLD = ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException")
_LONGEST = 300
"""Characters of another program's message."""


def command_line(profile: str | None, command: str = "sts get-caller-identity") -> str:
    """Return a line of the AWS command line for a profile."""
    return f"aws {command}" + (f" --profile {profile}" if profile else "")


def sources(profile: str | None) -> list[str]:
    """Return the settings that decide where the keys come from, in the environment and the profile."""
    import botocore.exceptions
    import botocore.session

    found = [name for name in _IN_ENVIRONMENT if os.environ.get(name)]
    with suppress(botocore.exceptions.BotoCoreError):  # a configuration that cannot be read
        scoped = botocore.session.Session(profile=profile).get_scoped_config()
        found += [f"{name} of profile {profile or 'default'}" for name in _IN_PROFILE if name in scoped]
    return found


def failed_login(
    error: Exception, profile: str | None, settings: Sequence[str], patience: float
) -> CredentialsError:
    """Return the error for any failure while credentials are found or renewed.

    :param settings: those of :func:`sources`.
    :param patience: the seconds that a program had.
    """
    import botocore.exceptions as raw

    if isinstance(error, raw.HTTPClientError | raw.ConnectionError):
        there = unreachable(error)
        code = UNREACHABLE if isinstance(there, Unavailable) else ""
        return CredentialsError(f"The login needs a server. {there.message}", cure=there.cure, code=code)
    if isinstance(error, subprocess.TimeoutExpired):
        what = f"The program of credential_process gave no keys within {patience:g} s"
    elif isinstance(error, raw.SSOError | raw.TokenRetrievalError):
        what = f"The SSO login is missing or has expired ({_words(error)})"
    elif isinstance(error, json.JSONDecodeError):
        what = f"The login needs JSON, and got something else: {_words(error)}"
    elif isinstance(error, OSError) and error.filename is not None:
        what = f"The login needs {error.filename}: {error.strerror}"
    else:
        what = f"The login cannot be used: {_words(error)}"
    return CredentialsError(what, cure=_cure(error, profile, settings))


def _words(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _cure(error: Any, profile: str | None, settings: Sequence[str]) -> str | None:
    import botocore.exceptions as raw

    if isinstance(error, raw.SSOError | raw.TokenRetrievalError):
        return f"Log in again: {command_line(profile, 'sso login')}."
    if isinstance(error, getattr(raw, "LoginError", ())):  # since botocore 1.41
        return f"Log in again: {command_line(profile, 'login')}."
    if isinstance(error, raw.MissingDependencyException):
        return "Install what it names for the Python that runs this program."
    if isinstance(error, raw.PartialCredentialsError) and not settings:
        return "Set both keys, or neither."
    if isinstance(error, raw.ClientError) and error.response.get("Error", {}).get("Code") in _OLD:
        return f"Renew the keys that the role is assumed with: {', '.join(settings) or 'see the profile'}."
    if not settings:
        return None  # the usual advice
    return f"It comes from {', '.join(settings)}: correct that; {command_line(profile)} should then work."
