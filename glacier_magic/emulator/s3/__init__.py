"""S3 beside the vault service: buckets, objects in all classes, restores and multipart uploads.

Importing this package registers its operations.
"""

from glacier_magic.emulator.s3 import (
    bucket_documents,
    bucket_operations,
    copying,
    deleting,
    listing,
    part_uploads,
    reading,
    restoring,
    writing,
)

__all__ = [
    "bucket_documents",
    "bucket_operations",
    "copying",
    "deleting",
    "listing",
    "part_uploads",
    "reading",
    "restoring",
    "writing",
]
