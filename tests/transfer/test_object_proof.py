"""An object is verified by what S3 records of it, whatever that is."""

import os
from base64 import b64encode
from datetime import UTC, datetime

import pytest

from glacier_magic.base.bucket_names import ObjectId
from glacier_magic.base.crc import Crc32C
from glacier_magic.base.treehash import tree_hash
from glacier_magic.service.buckets import BucketEntry, RecordedObject
from glacier_magic.transfer.object_proof import ObjectProof

MIB = 1 << 20
DATA = os.urandom(6 * MIB)


def proof_of(listed_bucket):
    vault = listed_bucket()
    record = vault.select("*")[0]
    return ObjectProof.by(vault.session.service.buckets.record(vault.name, record.archive_id))


def holds(proof, path, data):
    path.write_bytes(data)
    return proof.holds(path)


@pytest.mark.parametrize("algorithm", ["CRC64NVME", "SHA256", "SHA1", "CRC32C", "CRC32"])
def test_a_checksum_of_the_whole(emulator, bucket, listed_bucket, tmp_path, algorithm):
    """A flipped byte, one more and one less are found; S3 adds the first one by itself."""
    data = DATA[:MIB]
    own = {"ChecksumAlgorithm": algorithm}
    if algorithm == "CRC64NVME":
        own = {}
    elif algorithm == "CRC32C":  # boto3 needs AWS's library to reckon it
        check = Crc32C()
        check.update(data)
        own = {"ChecksumCRC32C": b64encode(check.digest()).decode()}
    s3 = emulator.s3_client(request_checksum_calculation="when_required")
    s3.put_object(Bucket=bucket, Key="scans/a", Body=data, **own)
    proof = proof_of(listed_bucket)
    assert proof.algorithm == algorithm
    assert holds(proof, tmp_path / "file", data)
    for wrong in (data[:-1] + bytes([data[-1] ^ 1]), DATA[: MIB + 1], DATA[: MIB - 1]):
        assert not holds(proof, tmp_path / "file", wrong)


def test_a_checksum_of_each_part(s3, bucket, listed_bucket, tmp_path):
    """Of an object that was stored in parts, each part is compared."""
    named = {"Bucket": bucket, "Key": "scans/a"}
    upload = s3.create_multipart_upload(**named, ChecksumAlgorithm="SHA256")["UploadId"]
    parts = []
    for number, part in enumerate((DATA[: 5 * MIB], DATA[5 * MIB :]), 1):
        sent = s3.upload_part(
            **named, UploadId=upload, PartNumber=number, Body=part, ChecksumAlgorithm="SHA256"
        )
        parts.append({"PartNumber": number, **{key: sent[key] for key in ("ETag", "ChecksumSHA256")}})
    s3.complete_multipart_upload(**named, UploadId=upload, MultipartUpload={"Parts": parts})
    proof = proof_of(listed_bucket)
    assert [size for size, _ in proof.spans] == [5 * MIB, MIB]
    assert holds(proof, tmp_path / "file", DATA)
    assert not holds(proof, tmp_path / "file", DATA[:-1] + bytes([DATA[-1] ^ 1]))


def record(**known):
    entry = BucketEntry(id=ObjectId("STANDARD", "e", "k"), size=5, modified=datetime.now(UTC))
    usual = {"tree_hash": None, "md5": None, "algorithm": "", "checksum": ""}
    return RecordedObject(entry=entry, **usual | known)


def test_what_is_left_without_a_checksum(tmp_path):
    """The MD5 of an ETag, the tree hash of our own metadata, or nothing: then no file counts as verified."""
    known = ObjectProof.by(record(md5="5d41402abc4b2a76b9719d911017c592"))
    assert holds(known, tmp_path / "file", b"hello")
    assert not holds(known, tmp_path / "file", b"hallo")
    (tmp_path / "file").write_bytes(b"hello")
    assert ObjectProof.by(record(tree_hash=tree_hash(tmp_path / "file"))).possible
    assert not ObjectProof.by(record()).possible
    hidden = record(algorithm="SHA256", checksum="x-2", parts=((3, ""), (2, "")))
    assert not ObjectProof.by(hidden).possible
