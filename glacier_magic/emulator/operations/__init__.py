"""The operations, one module per section of the service's API reference.

Importing this package registers them.
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
