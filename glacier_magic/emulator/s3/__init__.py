"""S3 beside the vault service: buckets, objects in all classes, restores and multipart uploads.

Importing this package registers its operations.
"""

from glacier_magic.emulator.s3 import (
    bucket_documents,
    bucket_operations,
    deleting,
    listing,
    part_uploads,
    reading,
    writing,
)

__all__ = [
    "bucket_documents",
    "bucket_operations",
    "deleting",
    "listing",
    "part_uploads",
    "reading",
    "writing",
]
