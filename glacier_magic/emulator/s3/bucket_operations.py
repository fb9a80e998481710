"""The operations on buckets and their documents."""

from __future__ import annotations

from glacier_magic.emulator.http import Response, whole_number
from glacier_magic.emulator.s3 import bucket_documents, bucket_rows, s3_errors
from glacier_magic.emulator.s3.s3_service import S3Call, s3_operation, timestamp, xml_response
from glacier_magic.emulator.s3.xml_documents import Members

_FIRST_REGION = "us-east-1"  # which has no location constraint


def owner(call: S3Call) -> Members:
    """Return the members of the element Owner: the account."""
    return [("ID", call.account.rjust(64, "0"))]


@s3_operation("GET", "service")
def list_buckets(call: S3Call) -> Response:
    """List the buckets by name."""
    limit = whole_number(call.query.get("max-buckets", "10000"))
    if not limit or limit > 10_000:
        raise s3_errors.invalid_argument("Argument max-buckets must be an integer between 1 and 10000")
    prefix, after = call.query.get("prefix", ""), call.query.get("continuation-token", "")
    with call.store.read() as connection:
        found = bucket_rows.page(connection, prefix, after, limit + 1)
    shown = found[:limit]
    members: Members = [("Owner", owner(call)), ("Buckets", [("Bucket", _bucket(each)) for each in shown])]
    if len(found) > limit:
        members.append(("ContinuationToken", shown[-1].name))
    return xml_response("ListAllMyBucketsResult", members)


def _bucket(bucket: bucket_rows.StoredBucket) -> Members:
    return [
        ("Name", bucket.name),
        ("CreationDate", timestamp(bucket.created)),
        ("BucketRegion", bucket.region),
    ]


@s3_operation("PUT", "bucket")
def create_bucket(call: S3Call) -> Response:
    """Create a bucket in the region of the request; in the first region, a repeated call succeeds."""
    name = call.names["bucket"]
    constraint = None if not call.request.body.length else call.document().get("LocationConstraint")
    if (constraint or _FIRST_REGION) != call.region:
        raise s3_errors.S3Error(
            "IllegalLocationConstraintException",
            400,
            f"The {constraint or 'unspecified'} location constraint is incompatible for the region specific "
            "endpoint this request was sent to.",
        )
    with call.store.write() as connection:
        if bucket_rows.find(connection, name) is None:
            bucket_rows.add(connection, name, call.region, call.clock.now())
            if call.header("x-amz-bucket-object-lock-enabled") == "true":
                bucket_documents.enable_lock(connection, call.bucket(connection))
        elif call.region != _FIRST_REGION:
            raise s3_errors.S3Error(
                "BucketAlreadyOwnedByYou",
                409,
                "Your previous request to create the named bucket succeeded and you already own it.",
                BucketName=name,
            )
    return Response(200, {"Location": f"/{name}"})


@s3_operation("HEAD", "bucket")
def head_bucket(call: S3Call) -> Response:
    """Return the region of a bucket, or a 404."""
    with call.store.read() as connection:
        bucket = call.bucket(connection)
    return Response(200, {"x-amz-bucket-region": bucket.region, "Content-Type": "application/xml"})


@s3_operation("DELETE", "bucket")
def delete_bucket(call: S3Call) -> Response:
    """Delete a bucket without objects; its uploads in progress are deleted, too."""
    with call.store.write() as connection:
        files = bucket_rows.delete(connection, call.bucket(connection))
    call.service.payloads.remove(*files)
    return Response(204)


@s3_operation("GET", "bucket", "location")
def get_bucket_location(call: S3Call) -> Response:
    """Return the region, which is empty for the first one."""
    with call.store.read() as connection:
        region = call.bucket(connection).region
    text = "" if region == _FIRST_REGION else region
    response = xml_response("LocationConstraint", [])
    response.body = response.body.replace(b"></", f">{text}</".encode())
    return response
