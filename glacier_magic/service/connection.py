"""Connections: account, region and endpoint, and the client for them."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..base.version import __version__
from ..errors import ConnectionFailed, InputError, RegionError
from .bodies import BLOCK
from .buckets import VaultsAndBuckets
from .client import Service
from .clients import new_client
from .clock import ServiceClock
from .credentials import Login

if TYPE_CHECKING:
    import boto3

_ACCOUNT = re.compile("[0-9]{12}")
_AWS_HOST = re.compile(
    r"(?:[\w-]+\.)?glacier(?:-fips)?\.[a-z0-9-]+\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu"
    r"|api\.aws|api\.amazonwebservices\.(?:com\.cn|eu)|c2s\.ic\.gov|sc2s\.sgov\.gov)"
)

CONNECTIONS = 32
"""HTTP connections kept open: more than all workers together use, so that none waits for one."""

EMULATOR_KEYS = {"aws_access_key_id": "emulator", "aws_secret_access_key": "emulator"}


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The parameters of a connection to the service, without credentials.

    :param profile: a profile of the AWS configuration, or None for the default credential chain.
    :param region: such as ``eu-west-1``, or None for that of the environment or the profile.
    :param endpoint_url: another address of the service; None for that of the region.
    :param configured: whether that address was found in the environment or the AWS configuration; if
        that changes, the address does.
    :param emulator: the data folder of an embedded emulator, or None for the real service.
    :param account: the 12-digit id of the account that owns the vaults, if it is not the one that
        signs the requests; the vaults' access policies must allow that one.
    """

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    configured: bool = False
    emulator: str | None = None
    account: str | None = field(default=None, repr=False)  # a saved notebook must not have it

    @property
    def elsewhere(self) -> bool:
        """Whether the address belongs to a server outside AWS.

        AWS's own names of the service (plain, FIPS, dual-stack, VPC endpoint) lead to the same archives.
        """
        if self.endpoint_url is None:
            return False
        return not _AWS_HOST.fullmatch(urlsplit(self.endpoint_url).hostname or "")

    def to_json(self) -> str:
        """Return the connection as text that :meth:`from_json` reads."""
        return json.dumps({k: v for k, v in asdict(self).items() if v not in (None, False)})

    @classmethod
    def from_json(cls, text: str) -> Connection:
        """Parse the text of :meth:`to_json`; unknown keys are ignored."""
        known = {k: v for k, v in json.loads(text).items() if k in cls.__dataclass_fields__}
        return cls(**known)


def open_service(connection: Connection) -> Service:
    """Return the client for a connection; no request is sent.

    :raises CredentialsError: boto3's chain finds no credentials, or some that cannot be used.
    :raises ConnectionFailed: the bundle of certificates cannot be read.
    :raises RegionError: no region is set, or the vault service does not exist in it.
    :raises InputError: the profile does not exist, or the endpoint is not a URL.
    """
    if connection.account is not None and not _ACCOUNT.fullmatch(connection.account):
        raise InputError("That is not an account id", cure="An account id has 12 digits.")
    session = _boto3_session(connection)
    connection = _located(session, connection)
    emulated = connection.emulator is not None
    region = connection.region or session.region_name or ("us-east-1" if emulated else None)
    if region is None:
        raise RegionError("No region is set")
    if connection.endpoint_url is None:  # another server may have any region
        _check_region(session, region)
    if not emulated:
        _check_bundle(session)  # first: a login may need a server, too
        session.get_credentials().find()
    # The second client never retries: a repeated call could store or charge twice.
    clients = [_client(session, connection, region, _patience(attempts)) for attempts in (5, 1)]
    for client in clients:
        _prepare(client)
    return VaultsAndBuckets(
        *clients,
        connect=lambda attempts: s3_client(session, connection, region, attempts),
        clock=ServiceClock(),
        region=region,
        session=session,
        connection=connection,
    )


def located(connection: Connection) -> Connection:
    """Return a connection with the address that botocore resolves for it now.

    A given address stays.  One from the environment or the AWS configuration follows its changes.

    :raises InputError: the configuration or the address in it cannot be used.
    """
    if connection.endpoint_url is not None and not connection.configured:
        return connection
    return _located(_boto3_session(connection), connection)


def _located(session: boto3.Session, connection: Connection) -> Connection:
    from botocore.config import Config

    if connection.endpoint_url is not None and not connection.configured:
        return connection
    own, resolved = (
        # Any region and keys will do: only the addresses are compared.
        _made(session, "us-east-1", None, config, EMULATOR_KEYS).meta.endpoint_url
        for config in (Config(ignore_configured_endpoint_urls=True), None)
    )
    if resolved == own:
        return connection
    return replace(connection, endpoint_url=resolved, configured=True)


def _boto3_session(connection: Connection) -> boto3.Session:
    if connection.emulator is not None:
        from ..emulator.bare_session import bare_session  # noqa: PLC0415 - costs time: imported when used

        return bare_session()
    import boto3
    import botocore.exceptions
    import botocore.session

    region = connection.region or os.environ.get("AWS_REGION") or None  # botocore does not read that
    try:
        session = botocore.session.Session(profile=connection.profile)
        login = Login(connection.profile, region or session.get_config_variable("region"))
        login.sign_for(session)
        return boto3.Session(botocore_session=session, region_name=region)
    except botocore.exceptions.ProfileNotFound as error:
        bare = botocore.session.Session(profile="")  # AWS_PROFILE may name the missing profile
        names = ", ".join(bare.full_config.get("profiles", {})) or "none"
        raise InputError(
            f"There is no profile {error.kwargs['profile']!r}", cure=f"Profiles on this computer: {names}."
        ) from None
    except botocore.exceptions.ConfigParseError as error:
        raise InputError(
            f"The AWS configuration cannot be read: {error}", cure="Fix or move that file."
        ) from None


def _check_bundle(session: boto3.Session) -> None:
    """Check the file of certificates that botocore will use.

    :raises ConnectionFailed: it cannot be read.
    """
    named = session._session.get_config_variable("ca_bundle")
    bundle = named or os.environ.get("REQUESTS_CA_BUNDLE")
    if not bundle:
        return
    import ssl  # noqa: PLC0415 - costs time: imported when used

    try:
        context = ssl.create_default_context()
        context.load_verify_locations(cafile=bundle)
    except OSError as error:  # ssl.SSLError is one: a file without certificates
        source = "AWS_CA_BUNDLE, or ca_bundle in the AWS configuration," if named else "REQUESTS_CA_BUNDLE"
        raise ConnectionFailed(
            f"The bundle of certificates {bundle} cannot be read: {error.strerror or error}",
            cure=f"{source} names it: correct or unset that.",
        ) from None


def account_session(service: Service) -> boto3.Session:
    """Return the boto3 session of a service; for an emulator, one of boto3's default credential chain."""
    emulated = service.connection.emulator is not None
    return _boto3_session(Connection()) if emulated else service._session


def _check_region(session: boto3.Session, region: str) -> None:
    regions = regions_of_service(session)
    if region not in regions:
        raise RegionError(
            f"The vault service does not exist in region {region!r}",
            cure=f"It exists in: {', '.join(regions)}",
        )


def regions_of_service(session: Any) -> list[str]:
    """Return the regions of all partitions with the vault service, as a boto3 session lists them."""
    partitions = session.get_available_partitions()
    return sorted({r for p in partitions for r in session.get_available_regions("glacier", p)})


def config_of(*, attempts: int, connect: int, read: int, connections: int = 10) -> Any:
    """Return a botocore configuration: attempts of a call, and seconds to connect and to read."""
    from botocore.config import Config

    return Config(
        # The mode "legacy" does not repeat a ThrottlingException with status 403.
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=connections,
        connect_timeout=connect,
        read_timeout=read,
        user_agent_extra=f"glacier_magic/{__version__}",
    )


def client_in(session: boto3.Session, connection: Connection, region: str) -> Any:
    """Return a client of another region with a session's credentials and short timeouts."""
    client = _client(session, connection, region, config_of(attempts=2, connect=5, read=30))
    login = session.get_credentials()
    if isinstance(login, Login):
        login.leave(client)
    return client


def s3_client(session: boto3.Session, connection: Connection, region: str, attempts: int) -> Any:
    """Return a client of S3; a server outside AWS answers for S3 at the address of its vault service.

    :param attempts: how many times a call is sent at most.
    """
    from botocore.config import Config

    options: dict[str, Any] = {"payload_signing_enabled": False}  # each body has a checksum
    if connection.elsewhere:
        options["addressing_style"] = "path"  # a host of its own for each bucket is AWS's
    config = config_of(attempts=attempts, connect=15, read=300, connections=CONNECTIONS)
    client = new_client(session, "s3", region, config.merge(Config(s3=options)), **_s3_address(connection))
    client.meta.events.register("before-sign.s3.PutObject", _send_at_once)
    return client


def _send_at_once(request: Any, **_: Any) -> None:
    """Let a small body follow its headers: botocore waits for an answer between them, a round trip."""
    if int(request.headers.get("Content-Length", BLOCK + 1)) <= BLOCK:
        del request.headers["Expect"]


def s3_control_client(session: boto3.Session, connection: Connection, region: str, account: str) -> Any:
    """Return a client of S3 Control, with the jobs of an account; see :func:`s3_client`."""
    config = config_of(attempts=5, connect=15, read=90, connections=CONNECTIONS)
    client = new_client(session, "s3control", region, config, **_s3_address(connection))

    def rename(request: Any, **_: Any) -> None:
        request.url = request.url.replace(f"//{account}.", "//", 1)

    if connection.elsewhere:  # a host of its own for each account is AWS's, too
        client.meta.events.register("before-sign.s3-control", rename)
    return client


def _s3_address(connection: Connection) -> dict[str, Any]:
    address = {"endpoint_url": connection.endpoint_url} if connection.elsewhere else {}
    return address if connection.emulator is None else {**address, **EMULATOR_KEYS}


def _patience(attempts: int) -> Any:
    return config_of(attempts=attempts, connect=15, read=90, connections=CONNECTIONS)


def _client(session: boto3.Session, connection: Connection, region: str, config: Any) -> Any:
    from botocore.config import Config

    keys = EMULATOR_KEYS if connection.emulator is not None else {}
    # The configured address was resolved before, because the choice of the catalogue depends on it.
    config = config.merge(Config(ignore_configured_endpoint_urls=True))
    return _made(session, region, connection.endpoint_url, config, keys)


def _made(session: boto3.Session, region: str, url: str | None, config: Any, keys: dict[str, str]) -> Any:
    from botocore.exceptions import BotoCoreError

    try:
        return new_client(session, "glacier", region, config, endpoint_url=url, **keys)
    except (ValueError, BotoCoreError) as error:
        raise InputError(f"The service cannot be reached this way: {error}") from None


def _prepare(client: Any) -> None:
    """Give botocore the known hash of a body."""
    from .bodies import HashedBody  # noqa: PLC0415 - costs time: imported when used

    def add_hash(params: dict[str, Any], **_: Any) -> None:
        body = params.get("body")
        if isinstance(body, HashedBody):
            params["headers"]["x-amz-content-sha256"] = body.sha256

    for operation in ("UploadArchive", "UploadMultipartPart"):
        # First, so that botocore's own handler finds the hash and does not read the body.
        client.meta.events.register_first(f"before-call.glacier.{operation}", add_hash)
