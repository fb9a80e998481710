"""The operations of the service, with plain Python values."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..base.bucket_names import refuse_bucket
from ..errors import AccessDenied, ConnectionFailed, GlacierError, NotFound, Unavailable
from ..errors.steps import option
from .answers import DAMAGED, damaged, flaw, misspelt_in, watch
from .bodies import HashedBody
from .clients import new_client
from .clock import ServiceClock
from .translation import translated

if TYPE_CHECKING:
    from .buckets import Buckets
    from .connection import Connection

_ARN_ACCOUNT = re.compile(r"arn:[^:]+:glacier:[^:]+:(\d{12}):")
WHOLE_TRIES = 4
"""The most requests for an answer that arrives damaged."""
# No vault has this name; the error about it contains the account.
_PROBE = "glacier_magic-asks-which-account-this-is"


@dataclass(frozen=True)
class Output:
    """A range of a job's output: its bytes, and the service's tree hash if it sent one."""

    data: bytes
    tree_hash: str | None
    total: int


class OutputStream:
    """A range of a job's output as it arrives; a context manager that releases the connection.

    :param total: bytes of the whole output, if the response has them.
    """

    def __init__(self, body: Any, tree_hash: str | None, total: int | None) -> None:
        self.tree_hash, self.total = tree_hash, total
        self._body = body

    def readinto(self, buffer: memoryview) -> int:
        """Fill *buffer* from the stream; return the number of bytes, fewer only at its end."""
        with translated():
            # Directly from the socket: the HTTP library would copy every piece into a new object.
            return int(self._body._raw_stream._fp.readinto(buffer) or 0)

    def read(self, most: int) -> bytes:
        """Return the next bytes, up to *most*; empty at the end."""
        buffer = bytearray(most)
        return bytes(memoryview(buffer)[: self.readinto(memoryview(buffer))])

    def __enter__(self) -> OutputStream:
        return self

    def __exit__(self, *_: object) -> None:
        stream = self._body._raw_stream
        if stream._fp.isclosed():
            stream.release_conn()  # read to its end: the connection can be reused
        else:
            self._body.close()  # the rest would arrive before the next response


class Service:
    """Calls to one account and region.

    :param patient: a client that repeats failed calls, for calls that may be repeated.
    :param once: a client that never does, for calls that would store or charge twice.
    :param connection: the connection, with the address that botocore resolved.
    """

    buckets: Buckets
    """The calls to buckets, which :func:`.open_service` adds."""

    def __init__(
        self,
        patient: Any,
        once: Any,
        *,
        clock: ServiceClock,
        region: str,
        session: Any,
        connection: Connection,
    ) -> None:
        self._patient = patient
        self._once = once
        self._session = session
        self._owner = connection.account
        self.connection = connection
        self.clock = clock
        self.region = region
        self.pause = 0.1
        """Seconds before a damaged answer is requested again; each further one doubles it."""
        for client in {patient, once}:  # they may be one
            clock.follow(client)
            watch(client)
            client.meta.events.register("provide-client-params.glacier", self._name_owner)

    def address(self, account: str) -> None:
        """Name the owner of the vaults in every request from now on.

        The service then refuses keys of another account, such as those that a renewed login has.
        """
        self._owner = account

    def _name_owner(self, params: dict[str, Any], **_: Any) -> dict[str, Any] | None:
        refuse_bucket(params.get("vaultName"))
        return None if self._owner is None else {**params, "accountId": self._owner}

    @property
    def endpoint(self) -> str:
        """The address that requests are sent to."""
        return str(self._patient.meta.endpoint_url)

    # Vaults

    def account(self) -> str:
        """Return the 12-digit id of the account that owns the vaults.

        It is the account that signs the requests, unless the connection names another.  No operation
        of the vault service returns it, so it is read from a vault's ARN, else from the error
        message about a vault that does not exist, else from the token service.
        """
        try:
            # botocore accepts the limit only as text.
            vaults = self._whole("list_vaults", "VaultList", limit="1")["VaultList"]
            if vaults:
                return _account_of(vaults[0]["VaultARN"])
            return self._account_from_refusal()
        except Unavailable as error:
            if error.code != DAMAGED:
                raise
            raise ConnectionFailed(
                f"The server at {self.endpoint} is not a Glacier service. {error.message}",
                cure=f"Check {option('endpoint-url')}, and whether this network requires a login.",
            ) from None
        except AccessDenied as denied:
            if self._owner is not None:  # permission for one vault does not include listing all
                return self._owner
            try:
                return self._account_from_token_service()
            except GlacierError:
                raise denied from None

    def _account_from_refusal(self) -> str:
        import botocore.exceptions

        try:
            with translated():
                try:
                    return _account_of(self._patient.describe_vault(vaultName=_PROBE).get("VaultARN", ""))
                except botocore.exceptions.ClientError as error:
                    found = _ARN_ACCOUNT.search(error.response["Error"].get("Message", ""))
                    if found:
                        return found[1]
                    raise
        except NotFound:  # its message has no ARN
            return self._account_from_token_service()

    def _account_from_token_service(self) -> str:
        with translated():
            client = new_client(self._session, "sts", self.region)
            return str(client.get_caller_identity()["Account"])

    def vaults(self) -> Iterator[Mapping[str, Any]]:
        """Yield every vault of the region, all pages."""
        yield from self._pages("list_vaults", "VaultList")

    def describe_vault(self, vault: str) -> Mapping[str, Any]:
        """Return one vault; its counts are those of its last inventory."""
        return self._whole("describe_vault", "VaultARN", vaultName=vault)

    def create_vault(self, vault: str) -> None:
        """Create a vault; an existing one is left unchanged."""
        with translated():
            self._patient.create_vault(vaultName=vault)

    def delete_vault(self, vault: str) -> None:
        """Delete a vault that is empty by its last inventory, with no writes since."""
        with translated():
            self._patient.delete_vault(vaultName=vault)

    def retrieval_rule(self) -> Mapping[str, Any]:
        """Return the rule of the account's data retrieval policy: Strategy, BytesPerHour."""
        policy = self._whole("get_data_retrieval_policy", "Policy")["Policy"]
        # The body without a policy is not documented.
        rules: list[Mapping[str, Any]] = policy.get("Rules") or [{}]
        return rules[0]

    # Archives

    def upload_archive(self, vault: str, body: HashedBody, description: str) -> tuple[str, str]:
        """Store *body* in one request; return archive id and the tree hash that the service computed."""
        response = self._answer(
            self._once,
            "upload_archive",
            "archiveId",
            vaultName=vault,
            body=body,
            checksum=body.tree.hex(),
            archiveDescription=description,
        )
        return response["archiveId"], response.get("checksum", "")

    def delete_archive(self, vault: str, archive_id: str) -> None:
        """Delete an archive, if it still exists; the caller repeats failed calls."""
        with translated():
            self._once.delete_archive(vaultName=vault, archiveId=archive_id)

    # Multipart uploads

    def start_upload(self, vault: str, part_size: int, description: str) -> str:
        """Start a multipart upload; return its id."""
        arguments = {"vaultName": vault, "partSize": str(part_size), "archiveDescription": description}
        # May be repeated, because an upload without parts stores nothing.
        return str(self._whole("initiate_multipart_upload", "uploadId", **arguments)["uploadId"])

    def upload_part(self, vault: str, upload_id: str, start: int, body: HashedBody) -> str:
        """Send the part at byte *start*; return the tree hash that the service computed.

        The caller repeats failed calls.
        """
        response = self._answer(
            self._once,
            "upload_multipart_part",
            "checksum",
            vaultName=vault,
            uploadId=upload_id,
            range=f"bytes {start}-{start + len(body) - 1}/*",
            checksum=body.tree.hex(),
            body=body,
        )
        return str(response["checksum"])

    def parts(self, vault: str, upload_id: str) -> dict[int, str]:
        """Return the parts that the service has, from first byte to tree hash."""
        found = self._pages("list_parts", "Parts", vaultName=vault, uploadId=upload_id)
        return {int(p["RangeInBytes"].split("-")[0]): p["SHA256TreeHash"] for p in found}

    def uploads(self, vault: str) -> Iterator[Mapping[str, Any]]:
        """Yield the multipart uploads that are neither completed nor aborted, all pages."""
        yield from self._pages("list_multipart_uploads", "UploadsList", vaultName=vault)

    def abort_upload(self, vault: str, upload_id: str) -> None:
        """Drop a multipart upload and its parts; may be repeated."""
        with translated():
            self._patient.abort_multipart_upload(vaultName=vault, uploadId=upload_id)

    def complete_upload(self, vault: str, upload_id: str, size: int, tree_hash: str) -> str:
        """Assemble the parts into an archive; return its id.  May be repeated for a short time."""
        arguments = {"vaultName": vault, "uploadId": upload_id, "archiveSize": str(size)}
        response = self._answer(
            self._patient, "complete_multipart_upload", "archiveId", **arguments, checksum=tree_hash
        )
        return str(response["archiveId"])

    # Jobs

    def start_retrieval(
        self, vault: str, archive_id: str, tier: str, description: str, byte_range: str | None = None
    ) -> str:
        """Request an archive and return the job id; the call is paid, so it is never repeated.

        :param byte_range: first and last byte of whole MiB, as ``0-1048575``; None for all.
        """
        part = {} if byte_range is None else {"RetrievalByteRange": byte_range}
        return self._start_job(
            vault,
            {
                "Type": "archive-retrieval",
                "ArchiveId": archive_id,
                "Tier": tier,
                "Description": description,
                **part,
            },
        )

    def start_inventory(self, vault: str, description: str) -> str:
        """Request the inventory of a vault; return the job id."""
        # No common reader understands the quotes in the CSV form.
        return self._start_job(
            vault, {"Type": "inventory-retrieval", "Format": "JSON", "Description": description}
        )

    def _start_job(self, vault: str, parameters: dict[str, str]) -> str:
        # A repeated request would start another job, and may be charged again.
        arguments = {"vaultName": vault, "jobParameters": parameters}
        return str(self._answer(self._once, "initiate_job", "jobId", **arguments)["jobId"])

    def jobs(self, vault: str) -> Iterator[Mapping[str, Any]]:
        """Yield every job that the service lists for a vault, all pages."""
        yield from self._pages("list_jobs", "JobList", vaultName=vault)

    def describe_job(self, vault: str, job_id: str) -> Mapping[str, Any]:
        """Return one job."""
        return self._whole("describe_job", "JobId", vaultName=vault, jobId=job_id)

    def output(self, vault: str, job_id: str, start: int, length: int) -> Output:
        """Return *length* bytes of a job's output at *start*; fewer at its end."""
        with self.open_output(vault, job_id, start, length) as stream:
            pieces = []
            while data := stream.read(1 << 20):
                pieces.append(data)
        data = b"".join(pieces)
        # A response with the whole output has no Content-Range.
        return Output(data, stream.tree_hash, stream.total or len(data))

    def open_output(self, vault: str, job_id: str, start: int, length: int) -> OutputStream:
        """Return a stream of *length* bytes of a job's output at *start*; the caller repeats failed calls."""
        with translated():
            # The range counts within the output, which may be a part of the archive.
            found = self._once.get_job_output(
                vaultName=vault, jobId=job_id, range=f"bytes={start}-{start + length - 1}"
            )
        total = str(found.get("contentRange", "")).rpartition("/")[2]
        return OutputStream(found["body"], found.get("checksum"), int(total) if total.isdigit() else None)

    def _pages(self, operation: str, key: str, **arguments: Any) -> Iterator[Mapping[str, Any]]:
        seen: list[str] = []
        while True:
            marker = {"marker": seen[-1]} if seen else {}
            page = self._whole(operation, key, seen, **arguments, **marker)
            yield from page[key]
            if not page.get("Marker"):  # null on the last page, which botocore leaves out
                return
            seen.append(page["Marker"])

    def _whole(
        self, operation: str, key: str, seen: Collection[str] = (), **arguments: Any
    ) -> Mapping[str, Any]:
        """Return what :meth:`_answer` does; a damaged answer is requested again."""
        for attempt in range(1, WHOLE_TRIES):
            try:
                return self._answer(self._patient, operation, key, seen, **arguments)
            except Unavailable as error:
                if error.code != DAMAGED:
                    raise
            time.sleep(self.pause * 2 ** (attempt - 1))
        return self._answer(self._patient, operation, key, seen, **arguments)

    def _answer(
        self, client: Any, operation: str, key: str, seen: Collection[str] = (), **arguments: Any
    ) -> Mapping[str, Any]:
        """Return an answer that has *key*, and nothing that no answer of the service has.

        :param seen: the markers of earlier pages.
        :raises Unavailable: it arrived damaged, so that what the request did is not known.
        """
        with translated():
            response: Mapping[str, Any] = getattr(client, operation)(**arguments)
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
        wrong = "" if response.get(key) not in (None, "") else f"{key} is missing"
        if response.get("Marker") in seen:
            wrong = "the page was sent before"
        wrong = wrong or misspelt_in(response) or flaw(model.output_shape, response)
        if wrong:
            raise damaged(wrong, response, model.name)
        return response


def _account_of(arn: str) -> str:
    found = _ARN_ACCOUNT.search(arn)
    if found is None:
        raise GlacierError(f"The service returned an ARN without an account: {arn}")
    return found[1]
