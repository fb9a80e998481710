"""Checksums of bodies, parts and wholes, and keys, metadata and owners: what S3 refuses, is refused."""

import base64
import hashlib
import os
import zlib

import pytest

from glacier_magic.base.crc import Crc32, Crc32C, Crc64Nvme

MIB = 1 << 20
A, B = os.urandom(5 * MIB), b"b" * 17


def b64(data):
    return base64.b64encode(data).decode()


def crc(kind, data):
    check = kind()
    check.update(data)
    return check.digest()


@pytest.mark.parametrize(
    ("kind", "known"), [(Crc32, 0xCBF43926), (Crc32C, 0xE3069283), (Crc64Nvme, 0xAE8B14860A799888)]
)
def test_crcs_have_their_known_values(kind, known):
    """The check values of the catalogues; then pieces against the whole, above the size of the folds."""
    assert int.from_bytes(crc(kind, b"123456789"), "big") == known
    data = os.urandom(300_000)
    check = kind()
    for start, end in [(0, 1), (1, 7), (7, 150_000), (150_000, len(data))]:
        check.update(memoryview(data)[start:end])
    assert check.digest() == crc(kind, data)
    halves = crc(kind, data[:1000]), crc(kind, data[1000:])
    assert kind.combine(*halves, len(data) - 1000) == check.digest()
    if kind is Crc32:
        assert int.from_bytes(check.digest(), "big") == zlib.crc32(data)
    assert crc(kind, b"") == bytes(kind.width // 8)


def folded_and_not(data):
    """Return the CRC with the sparse multiple and without it."""

    class Plain(Crc64Nvme):
        sparse = ()

    return crc(Crc64Nvme, data), crc(Plain, data)


def test_the_sparse_multiple_is_one():
    """Of the polynomial: folding by it changes no remainder."""
    assert len(set(folded_and_not(os.urandom(MIB)))) == 1


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_each_checksum_is_computed_and_compared(s3, bucket, refused, algorithm):
    """The right one is kept; a wrong one, and one of the wrong length, is refused."""
    kinds = {"CRC32": Crc32, "CRC32C": Crc32C, "CRC64NVME": Crc64Nvme, "SHA1": hashlib.sha1}
    kind = kinds.get(algorithm, hashlib.sha256)
    name, put = f"Checksum{algorithm}", {"Bucket": bucket, "Key": "key"}
    right, wrong = b64(crc(kind, A)), b64(crc(kind, B))
    answer = refused(s3.put_object, **put, Body=A, **{name: wrong})
    assert answer[:2] == ("BadDigest", 400)
    assert answer[2] == f"The {algorithm} you specified did not match the calculated checksum."
    assert refused(s3.put_object, **put, Body=A, **{name: "bad"})[:2] == ("InvalidRequest", 400)
    assert s3.put_object(**put, Body=A, **{name: right})[name] == right
    assert name not in s3.head_object(**put)
    head = s3.head_object(**put, ChecksumMode="ENABLED")
    assert (head[name], head["ChecksumType"]) == (right, "FULL_OBJECT")
    known = s3.get_object_attributes(**put, ObjectAttributes=["Checksum"])["Checksum"]
    assert known == {name: right, "ChecksumType": "FULL_OBJECT"}
    assert s3.get_object(**put)["Body"].read() == A


def test_without_a_checksum_one_is_added(emulator, bucket):
    """CRC64NVME of the whole, for one request and for parts."""
    plain = emulator.s3_client(request_checksum_calculation="when_required")
    put = {"Bucket": bucket, "Key": "key"}
    assert "ChecksumCRC32" not in plain.put_object(**put, Body=A)
    expected = b64(crc(Crc64Nvme, A + B))
    assert plain.head_object(**put, ChecksumMode="ENABLED")["ChecksumCRC64NVME"] == b64(crc(Crc64Nvme, A))
    named = put | {"UploadId": plain.create_multipart_upload(**put)["UploadId"]}
    parts = [
        {"PartNumber": number, "ETag": plain.upload_part(**named, PartNumber=number, Body=data)["ETag"]}
        for number, data in ((1, A), (2, B))
    ]
    done = plain.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    assert (done["ChecksumCRC64NVME"], done["ChecksumType"]) == (expected, "FULL_OBJECT")


def test_a_checksum_of_the_whole_comes_from_those_of_the_parts(s3, upload, send, refused):
    """Without the parts' checksums in the completion; a wrong one of the whole is refused."""
    named = upload(ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = send(named, A, B, algorithm="CRC32")
    more = {"MultipartUpload": {"Parts": [{k: p[k] for k in ("PartNumber", "ETag")} for p in parts]}}
    wrong = refused(s3.complete_multipart_upload, **named, **more, ChecksumCRC32=b64(crc(Crc32, A)))
    assert wrong[:2] == ("BadDigest", 400)
    whole = b64(zlib.crc32(A + B).to_bytes(4, "big"))
    done = s3.complete_multipart_upload(**named, **more, ChecksumCRC32=whole, ChecksumType="FULL_OBJECT")
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (whole, "FULL_OBJECT")
    part = s3.get_object(Bucket=named["Bucket"], Key=named["Key"], PartNumber=2)
    assert (part["ChecksumCRC32"], part["Body"].read()) == (parts[1]["ChecksumCRC32"], B)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (
            {"ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"},
            "The FULL_OBJECT checksum type cannot be used with the sha256 checksum algorithm.",
        ),
        (
            {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "COMPOSITE"},
            "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.",
        ),
        (
            {"ChecksumType": "COMPOSITE"},
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
        ),
    ],
)
def test_a_type_must_suit_the_algorithm(s3, bucket, refused, more, text):
    asked = {"Bucket": bucket, "Key": "key"} | more
    assert refused(s3.create_multipart_upload, **asked) == ("InvalidRequest", 400, text)


def test_a_part_must_have_the_checksum_of_its_upload(emulator, upload, refused, s3):
    """None and another are refused, with the texts of the service."""
    named = upload(ChecksumAlgorithm="SHA256") | {"PartNumber": 1, "Body": B}
    plain = emulator.s3_client(request_checksum_calculation="when_required")
    text = "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: "
    assert refused(plain.upload_part, **named) == ("InvalidRequest", 400, text + "null")
    other = refused(s3.upload_part, **named, ChecksumAlgorithm="CRC32")
    assert other == ("InvalidRequest", 400, text + "crc32")
    wrong = refused(s3.upload_part, **named, ChecksumSHA256=b64(hashlib.sha256(A).digest()))
    assert wrong[:2] == ("BadDigest", 400)
    assert "Parts" not in s3.list_parts(**{k: named[k] for k in ("Bucket", "Key", "UploadId")})


def test_a_completion_is_compared_in_every_respect(s3, upload, send, refused):
    """Order, entity tags, checksums of parts, the whole, and the size; then it succeeds."""
    named = upload(ChecksumAlgorithm="SHA256")
    first, second = send(named, A, B)

    def answer(*parts, **more):
        return refused(s3.complete_multipart_upload, **named, MultipartUpload={"Parts": [*parts]}, **more)

    assert answer(second, first)[:2] == ("InvalidPartOrder", 400)
    assert answer(first | {"ETag": '"0123"'}, second)[:2] == ("InvalidPart", 400)
    assert answer(first, second, second | {"PartNumber": 3})[:2] == ("InvalidPart", 400)
    assert answer(first, second | {"ChecksumSHA256": first["ChecksumSHA256"]})[:2] == ("InvalidPart", 400)
    assert answer(first, {k: second[k] for k in ("PartNumber", "ETag")}) == (
        "InvalidRequest",
        400,
        "The upload was created using a sha256 checksum. The complete request must include the checksum "
        "for each part. It was missing for part 2 in the request.",
    )
    assert answer(first, second, MpuObjectSize=1)[:2] == ("InvalidRequest", 400)
    assert answer(first, second, ChecksumSHA256=first["ChecksumSHA256"])[:2] == ("BadDigest", 400)
    assert answer(first, second, ChecksumType="FULL_OBJECT")[:2] == ("InvalidRequest", 400)
    assert answer(second)[:2] == ("InternalError", 500)  # with checksums, numbers are 1, 2, 3...
    assert answer()[:2] == ("MalformedXML", 400)
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [first, second]})


def test_only_the_last_part_may_be_small(s3, upload, send, refused):
    """5 MiB is the smallest of the others."""
    named = upload(ChecksumAlgorithm="SHA256")
    parts = {"Parts": send(named, A[:-1], B)}
    answer = refused(s3.complete_multipart_upload, **named, MultipartUpload=parts)
    text = "Your proposed upload is smaller than the minimum allowed size"
    assert answer == ("EntityTooSmall", 400, text)


@pytest.mark.parametrize(
    ("key", "code"),
    [("k" * 1025, "KeyTooLongError"), ("é" * 513, "KeyTooLongError"), ("a/../../b", "InvalidURI")],
)
def test_keys_that_cannot_be(s3, bucket, refused, key, code):
    assert refused(s3.put_object, Bucket=bucket, Key=key, Body=B)[:2] == (code, 400)


@pytest.mark.parametrize("key", ["k" * 1024, "é" * 512, "a/../b", "soap", "a//b", "a b+%2F?&=#\U0001f600"])
def test_keys_that_can_be(s3, bucket, key):
    """As they come back from a list."""
    s3.put_object(Bucket=bucket, Key=key, Body=B)
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == B


def test_metadata_has_2_kib(s3, bucket, refused):
    """Names and values together."""
    put = {"Bucket": bucket, "Key": "key", "Body": B}
    s3.put_object(**put, Metadata={"name": "v" * 2044})
    answer = refused(s3.put_object, **put, Metadata={"name": "v" * 2045})
    text = "Your metadata headers exceed the maximum allowed metadata size"
    assert answer == ("MetadataTooLarge", 400, text)


def test_an_unexpected_owner_is_refused(s3, emulator, bucket, refused):
    """Before anything is written."""
    put = {"Bucket": bucket, "Key": "key", "Body": B}
    answer = refused(s3.put_object, **put, ExpectedBucketOwner="1" * 12)
    assert answer == ("AccessDenied", 403, "Access Denied")
    s3.put_object(**put, ExpectedBucketOwner=emulator.account)


def test_unknown_algorithms_and_classes(s3, bucket, refused):
    """What is not emulated says so."""
    asked = {"Bucket": bucket, "Key": "key"}
    assert refused(s3.create_multipart_upload, **asked, ChecksumAlgorithm="XXHASH64")[:2] == (
        "NotImplemented",
        501,
    )
    assert refused(s3.create_multipart_upload, **asked, ChecksumAlgorithm="X")[:2] == ("InvalidRequest", 400)
    assert refused(s3.put_object, **asked, StorageClass="X")[:2] == ("InvalidStorageClass", 400)
    assert refused(s3.get_bucket_acl, Bucket=bucket)[:2] == ("NotImplemented", 501)
