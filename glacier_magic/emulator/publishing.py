"""Notifications: finished jobs are published to their topics through an SNS endpoint."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from glacier_magic.emulator.background import BackgroundWorker
from glacier_magic.emulator.bare_session import bare_session
from glacier_magic.emulator.emulator_keys import ACCESS_KEY, SECRET_KEY
from glacier_magic.emulator.records import job_rows
from glacier_magic.emulator.records.job_rows import StoredJob
from glacier_magic.emulator.records.vault_rows import vault_arn

if TYPE_CHECKING:
    from glacier_magic.emulator.service import EmulatedService

_TRIES = 3  # then the job counts as notified
_INTERVAL = 0.5  # real seconds
_EVENTS = {job_rows.ARCHIVE: "ArchiveRetrievalCompleted", job_rows.INVENTORY: "InventoryRetrievalCompleted"}


class Publisher(BackgroundWorker):
    """A thread that publishes finished jobs, each to the topics of the job and of its vault."""

    def __init__(self, service: EmulatedService, endpoint: str | None) -> None:
        super().__init__("notifications", _INTERVAL)
        self._service = service
        self._endpoint = endpoint
        self._clients: dict[str, Any] = {}
        self._failures: Counter[int] = Counter()

    def work(self) -> None:
        """Publish every job that has finished since the last round."""
        now = self._service.clock.now()
        with self._service.store.read() as connection:
            rows = connection.execute(
                f"SELECT {job_rows.COLUMNS} FROM jobs WHERE notified = 0 AND completes <= ?"
                " ORDER BY completes LIMIT 500",
                (now,),
            ).fetchall()
        for job in (StoredJob(*row) for row in rows):
            if self.stopped:  # each attempt may wait for the network
                return
            if self._publish(job, now):
                # Recorded after sending: a kill in between sends the message twice, as SNS may.
                with self._service.store.write() as connection:
                    connection.execute("UPDATE jobs SET notified = 1 WHERE id = ?", (job.id,))

    def _publish(self, job: StoredJob, now: int) -> bool:
        """Publish one job; return whether it is done with."""
        with self._service.store.read() as connection:
            arn, region, topics = _topics(connection, job)
        if self._endpoint is None or not topics:  # counts as notified, or every round would read it again
            return True
        job = self._service.outputs.written(job, now)  # the message contains the inventory's size
        text = json.dumps(job.describe(arn, now), separators=(",", ":"), sort_keys=True)
        try:
            for topic in topics:
                self._client(region).publish(TopicArn=topic, Message=text)
        except Exception as error:  # whatever boto3 or the network raises
            self._failures[job.id] += 1
            print(f"Could not publish to {topics}: {error}", file=sys.stderr)  # noqa: T201 - it is what this function is for
            return self._failures[job.id] >= _TRIES
        return True

    def _client(self, region: str) -> Any:
        if region not in self._clients:
            self._clients[region] = bare_session().client(
                "sns",
                endpoint_url=self._endpoint,
                region_name=region,
                aws_access_key_id=ACCESS_KEY,
                aws_secret_access_key=SECRET_KEY,
            )
        return self._clients[region]


def _topics(connection: sqlite3.Connection, job: StoredJob) -> tuple[str, str, list[str]]:
    """Return the vault's ARN and region, and the topics to notify of the job."""
    row = connection.execute(
        "SELECT account, region, name, notification FROM vaults WHERE id = ?", (job.vault,)
    ).fetchone()
    configured = json.loads(row["notification"] or "{}")
    notified = _EVENTS[job.action] in configured.get("Events", ())
    # A rule of the service: if both have a topic, both topics get a message.
    topics = [job.topic, configured["SNSTopic"] if notified else None]
    arn = vault_arn(row["account"], row["region"], row["name"])
    return arn, row["region"], [topic for topic in topics if topic]
