"""A boto3 session that takes nothing from the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import boto3


def bare_session() -> boto3.Session:
    """Return a boto3 session that reads no variable and no file of the environment, and uses no proxy.

    It has no credentials: a client takes its keys as parameters, and its address, too, for which
    botocore would else read ``AWS_ENDPOINT_URL``.
    """
    import boto3
    import botocore.session
    from botocore.config import Config
    from botocore.credentials import CredentialResolver

    variables = {
        # Without the names of a setting and of a variable, the default is left.
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in botocore.session.Session.SESSION_VARIABLES.items()
    }
    for file in ("config_file", "credentials_file"):
        variables[file] = (None, None, None, None)
    variables["ca_bundle"] = (None, None, True, None)  # without a value, botocore reads REQUESTS_CA_BUNDLE
    session = botocore.session.Session(session_vars=variables)
    session.register_component("credential_provider", CredentialResolver([]))
    session.set_default_client_config(Config(proxies={}))
    return boto3.Session(botocore_session=session)
