"""The operations, one module for each heading of the service's reference.

Importing this package registers them all.
"""

from glacier_magic.emulator.operations import (
    account,
    archive_operations,
    job_operations,
    multipart,
    notification_operations,
    policies,
    tag_operations,
    vault_operations,
)

__all__ = [
    "account",
    "archive_operations",
    "job_operations",
    "multipart",
    "notification_operations",
    "policies",
    "tag_operations",
    "vault_operations",
]
