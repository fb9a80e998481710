"""The bucket of a move, looked at before anything is paid: an archive that cannot be stored is money lost."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...base.bucket_names import BucketFolder
from ...errors import Refused
from ...errors.steps import option
from ...service.object_store import BucketSettings, ObjectStore, ObjectToWrite
from .object_keys import OWN


@dataclass(frozen=True)
class Destination:
    """A place in S3 and the settings of its bucket."""

    place: BucketFolder
    settings: BucketSettings

    @classmethod
    def look(cls, objects: ObjectStore, place: BucketFolder, owner: str) -> Destination:
        """Return a place with the settings of its bucket; nothing is written."""
        return cls(place, objects.settings(place.bucket, owner))

    def _rules(self, action: str) -> Iterator[Mapping[str, Any]]:
        """Yield the rules with an action that may hold for what is written here."""
        for rule in self.settings.rules:
            conditions = rule.get("Filter", {})
            conditions = conditions.get("And", conditions)
            prefix = conditions.get("Prefix", rule.get("Prefix")) or ""
            below = prefix.startswith(self.place.prefix) or self.place.prefix.startswith(prefix)
            # What is written has no tags.
            if action in rule and below and not conditions.get("Tag") and not conditions.get("Tags"):
                yield rule

    @property
    def refusal(self) -> Refused | None:
        """The error for a bucket that deletes what is written to it; None if it does not."""
        names = [str(rule.get("ID", "without a name")) for rule in self._rules("Expiration")]
        if not names:
            return None
        return Refused(
            f"The lifecycle of the bucket deletes objects below {self.place.name}: {', '.join(names)}",
            cure=f"Change the rule, or accept it with {option('accept-lifecycle', True)}.",
        )

    def facts(self) -> list[tuple[str, str]]:
        """Return what to know of the bucket before archives are moved to it."""
        found = []
        if self.settings.retention:
            kept = self.settings.retention
            time = f"{kept['Years']} years" if "Years" in kept else f"{kept.get('Days', '?')} days"
            found.append(f"Object Lock keeps each object for {time}: a wrong one cannot be removed before")
        if not self.settings.versioning:
            found.append("no versions: an object that somebody deletes is gone")
        for rule in self._rules("AbortIncompleteMultipartUpload"):
            days = rule["AbortIncompleteMultipartUpload"].get("DaysAfterInitiation")
            found.append(f"uploads are aborted {days} days after they began, and then made anew")
        for rule in self._rules("Transitions"):
            classes = ", ".join(each["StorageClass"] for each in rule["Transitions"])
            found.append(f"the lifecycle moves objects on to {classes}")
        found += [f"its {what} cannot be read with these permissions" for what in self.settings.unread]
        return [("bucket", "; ".join(found))] if found else []


def try_out(objects: ObjectStore, place: BucketFolder, owner: str, storage_class: str) -> None:
    """Start an upload below a place and abort it: rights, class, encryption and checksum are accepted.

    It is one paid request, and leaves nothing.

    :raises GlacierError: S3 does not accept it.
    """
    key = f"{place.prefix}{OWN}trial-{uuid.uuid4().hex}"
    new = ObjectToWrite(bucket=place.bucket, key=key, owner=owner, storage_class=storage_class)
    objects.start(new)
    for upload_id, _, _ in list(objects.uploads(new)):  # more than one if an answer was lost
        objects.abort(new, upload_id)
