"""The IAM policy with the least permissions that this program needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..base.bucket_names import BucketFolder, is_bucket
from ..base.rendering import Rendered

ACTIONS: dict[str, tuple[str, ...]] = {
    "Look": (
        "DescribeJob",
        "DescribeVault",
        "GetDataRetrievalPolicy",
        "GetJobOutput",
        "GetVaultAccessPolicy",
        "GetVaultLock",
        "GetVaultNotifications",
        "ListJobs",
        "ListMultipartUploads",
        "ListParts",
        "ListProvisionedCapacity",
        "ListTagsForVault",
    ),
    "Retrieve": ("InitiateJob",),  # alone in its group, because retrievals cost money
    "Store": (
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CreateVault",
        "InitiateMultipartUpload",
        "UploadArchive",
        "UploadMultipartPart",
    ),
    "Delete": ("DeleteArchive", "DeleteVault"),
    "Administer": (
        "AbortVaultLock",
        "AddTagsToVault",
        "CompleteVaultLock",
        "DeleteVaultAccessPolicy",
        "DeleteVaultNotifications",
        "InitiateVaultLock",
        "PurchaseProvisionedCapacity",
        "RemoveTagsFromVault",
        "SetDataRetrievalPolicy",
        "SetVaultAccessPolicy",
        "SetVaultNotifications",
    ),
}
"""Actions on a vault by purpose; each group can be left out."""

OF_THE_ACCOUNT = (
    "GetDataRetrievalPolicy",
    "ListProvisionedCapacity",
    "PurchaseProvisionedCapacity",
    "SetDataRetrievalPolicy",
)
"""Actions whose resource is the account, not a vault."""

TOPIC_ACTIONS = (
    "CreateTopic",
    "DeleteTopic",
    "ListSubscriptionsByTopic",
    "ListTagsForResource",
    "Subscribe",
    "TagResource",
    "Unsubscribe",
)
QUEUE_ACTIONS = (
    "CreateQueue",
    "DeleteMessage",
    "DeleteQueue",
    "GetQueueUrl",
    "ListQueueTags",
    "ReceiveMessage",
    "TagQueue",
)

LISTED = ("ListBucket", "ListBucketVersions")
RESTORED = ("GetObject", "GetObjectAttributes", "RestoreObject")
"""What buckets in the place of vaults need: on the bucket, and on its objects."""


BUCKET_ACTIONS = (
    "GetBucketLocation",
    "GetBucketObjectLockConfiguration",
    "GetBucketVersioning",
    "GetLifecycleConfiguration",
    "ListBucket",
    "ListBucketMultipartUploads",
)
OBJECT_ACTIONS = (
    "AbortMultipartUpload",
    "GetObject",
    "GetObjectAttributes",
    "ListMultipartUploadParts",
    "PutObject",
    "RestoreObject",
)
"""What moves need: nothing deletes an object."""
PROOF_ACTIONS = ("CreateJob", "DescribeJob", "ListJobs")
"""What proofs at rest need: jobs of S3, which have a role of their own."""


class IdentityPolicy(Rendered):
    """A policy for an identity that uses this program in one region.

    :param account: the account id, or ``*`` for any.
    :param vaults: names of vaults, ``*`` for all, and of buckets or folders in them (``s3://...``); with
        buckets alone, nothing is allowed on vaults.
    :param bucket: what archives are moved to; ``*`` for any; None for no moves.
    """

    def __init__(
        self,
        region: str,
        *,
        account: str = "*",
        partition: str = "aws",
        vaults: Sequence[str] = ("*",),
        bucket: str | None = None,
    ) -> None:
        self._bucket = bucket
        self._place = f"{region}:{account}"
        self._partition = partition
        self._vaults = [name for name in vaults if not is_bucket(name)]
        self._folders = [BucketFolder.read(name) for name in vaults if is_bucket(name)]

    @property
    def document(self) -> dict[str, Any]:
        """The policy."""
        account = ("ListVaults", *(OF_THE_ACCOUNT if self._vaults else ()))  # no resources to name
        return {
            "Version": "2012-10-17",
            "Statement": [
                _statement("Account", "glacier", account, ["*"]),
                *self._of_vaults(),
                # The price list has no resources to name.
                _statement("Prices", "pricing", ["GetProducts"], ["*"]),
                *self._moves(),
                *self._restores(),
            ],
        }

    def _of_vaults(self) -> list[dict[str, Any]]:
        if not self._vaults:
            return []
        vaults = [self._arn("glacier", f"vaults/{name}") for name in self._vaults]
        # The names that routing.py gives.
        topic, queue = self._arn("sns", "glacier-magic*"), self._arn("sqs", "glacier-magic*")
        return [
            *(
                # Those need the resource *.
                _statement(sid, "glacier", [a for a in actions if a not in OF_THE_ACCOUNT], vaults)
                for sid, actions in ACTIONS.items()
            ),
            _statement("NotifyTopic", "sns", TOPIC_ACTIONS, [topic]),
            _statement("NotifyQueue", "sqs", QUEUE_ACTIONS, [queue]),
        ]

    def _restores(self) -> list[dict[str, Any]]:
        if not self._folders:
            return []
        s3 = f"arn:{self._partition}:s3:::"
        buckets = [f"{s3}{bucket}" for bucket in dict.fromkeys(each.bucket for each in self._folders)]
        return [
            _statement("ListBuckets", "s3", LISTED, buckets),
            _statement(
                "RestoreObjects",
                "s3",
                RESTORED,
                [f"{s3}{each.bucket}/{each.prefix}*" for each in self._folders],
            ),
        ]

    def _moves(self) -> list[dict[str, Any]]:
        if self._bucket is None:
            return []
        bucket = f"arn:{self._partition}:s3:::{self._bucket}"
        return [
            _statement("MoveBucket", "s3", BUCKET_ACTIONS, [bucket]),
            _statement("MoveObjects", "s3", OBJECT_ACTIONS, [f"{bucket}/*"]),
            _statement("ProveAtRest", "s3", PROOF_ACTIONS, ["*"]),  # jobs have no names to limit
            {
                **_statement("ProofRole", "iam", ["PassRole"], [f"arn:{self._partition}:iam::*:role/*"]),
                "Condition": {"StringEquals": {"iam:PassedToService": "batchoperations.s3.amazonaws.com"}},
            },
        ]

    @property
    def text(self) -> str:
        """The policy as JSON."""
        return json.dumps(self.document, indent=2)

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{self._partition}:{service}:{self._place}:{resource}"

    def _repr_text(self) -> str:
        return self.text


def _statement(sid: str, service: str, actions: Sequence[str], on: list[str]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": [f"{service}:{action}" for action in sorted(actions)],
        "Resource": on,
    }
