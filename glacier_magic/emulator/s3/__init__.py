"""S3 beside the vault service: buckets, objects in all classes, restores and multipart uploads.

Importing this package registers its operations.
"""

from glacier_magic.emulator.s3 import (
    bucket_documents,
    bucket_operations,
    checksum_jobs,
    object_copies,
    object_deletions,
    object_lists,
    object_reads,
    object_restores,
    object_writes,
    part_uploads,
)

__all__ = [
    "bucket_documents",
    "bucket_operations",
    "checksum_jobs",
    "object_copies",
    "object_deletions",
    "object_lists",
    "object_reads",
    "object_restores",
    "object_writes",
    "part_uploads",
]
