"""Proving moves by jobs of S3 that hash the stored bytes: requests for them, and their reports."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from operator import attrgetter
from urllib.parse import quote, unquote

from ...base.units import to_ms
from ...catalogue.records.moved_records import CONFLICT, PROVEN, MovedObject
from ...errors import IntegrityError, Refused
from ...service.bodies import MemoryBody
from ...service.hashing_jobs import DONE, HashedObject, HashingJob, HashingJobs
from ...service.object_store import CHANGED, EXISTS, ObjectStore, ObjectToWrite
from ..engine import Engine
from .object_keys import OWN, folder_for_keys
from .prover import Move, Verdict
from .proving import AT_REST, STORED_AS_SENT

PATIENCE = 24 * 3_600_000
"""Milliseconds after the end of a job in which its report must be there."""
Group = tuple[str, str, str, bool, bool]
"""Region, place, algorithm, whether its checksums are those of parts, whether the objects have versions: a
job has one of each."""


def provable(move: Move) -> bool:
    """Return whether S3's hash of an object can be compared with what was sent."""
    moved, _ = move
    return moved.step == PROVEN and moved.proof >= STORED_AS_SENT and bool(moved.checksum)


def grouped(moves: Sequence[Move]) -> dict[Group, list[MovedObject]]:
    """Return the objects of each job."""
    groups: dict[Group, list[MovedObject]] = {}
    for moved, row in moves:
        kind = (moved.algorithm, "-" in (moved.checksum or ""), moved.version_id is not None)
        groups.setdefault((moved.region, row.root, *kind), []).append(moved)
    return groups


class RestingProof:
    """The jobs that prove the moves of a vault, which S3 keeps: any computer finds them there."""

    def __init__(self, engine: Engine, vault: str) -> None:
        self._engine, self._vault = engine, vault
        self._mark = f"glacier_magic proof of {vault}"[:256]
        self._account = engine.catalogue.scope.account
        self._seen: list[str] = []

    def _jobs(self, region: str) -> HashingJobs:
        return HashingJobs(self._engine.service, region, self._account)

    def _objects(self, region: str) -> ObjectStore:
        return ObjectStore(self._engine.service, region, attempts=5)

    def open_jobs(self, regions: Sequence[str]) -> list[HashingJob]:
        """Return the jobs that run, or whose reports were not read by this catalogue."""
        settings = self._engine.catalogue.settings
        found = [job for region in regions for job in self._jobs(region).listed(self._mark)]
        self._seen = sorted(job.id for job in found)
        return [job for job in found if settings.get(_note(job)) is None]

    def request(self, group: Group, objects: Sequence[MovedObject], role: str) -> str:
        """Request the job of a group; return its id.

        Two computers that have seen the same jobs and request the same group get one job.
        """
        region, root, algorithm, composite, versions = group
        place = folder_for_keys(root)
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows(
            [each.bucket, quote(each.key), *([each.version_id] if versions else [])]
            for each in sorted(objects, key=attrgetter("key"))
        )
        content = repr((group, role, self._mark, self._seen, file.getvalue()))
        token = hashlib.sha256(content.encode()).hexdigest()
        key = f"{place.prefix}{OWN}proofs/{token}.csv"
        new = ObjectToWrite(bucket=place.bucket, key=key, owner=self._account, storage_class="STANDARD")
        store = self._objects(region)
        try:
            etag, _ = store.put(new, MemoryBody(file.getvalue().encode()))
        except Refused as error:
            there = store.stored(new) if error.code in (EXISTS, CHANGED) else None
            if there is None:
                raise
            etag = there.etag
        return self._jobs(region).create(
            new,
            etag,
            versions=versions,
            algorithm=algorithm,
            composite=composite,
            role=role,
            marked=self._mark,
            token=token,
        )

    def read(self, job: HashingJob) -> Iterator[Verdict]:
        """Yield a verdict on each move that an ended job reports, and record it.

        :raises Refused: the job has failed, or its report is not there.
        :raises IntegrityError: the report is of another form.
        """
        catalogue = self._engine.catalogue
        if job.state != DONE:
            catalogue.settings.put(_note(job), "failed")
            raise Refused(
                f"The job {job.id} of S3 has failed: {self._jobs(job.region).failure(job)}", cure=""
            )
        ended = to_ms(job.ended) or self._engine.service.clock.now_ms()
        try:
            yield from self._verdicts(job, ended)
        except (IntegrityError, Refused):  # it may be written some time after the end of the job
            if self._engine.service.clock.now_ms() - ended > PATIENCE:
                catalogue.settings.put(_note(job), "unreadable")
            raise
        catalogue.settings.put(_note(job), "read")

    def _verdicts(self, job: HashingJob, ended: int) -> Iterator[Verdict]:
        catalogue = self._engine.catalogue
        moves = {(m.bucket, m.key): (m, row) for m, row in catalogue.moved.of_vault(self._vault)}
        bucket, rows = self._jobs(job.region).report_of(job, self._objects(job.region))
        for hashed in rows:
            # Published reports have the keys as the request had them, or decoded.
            found = [moves.get((bucket, key)) for key in (hashed.key, unquote(hashed.key))]
            known = [move for move in found if move is not None and provable(move)]
            same = [move for move in known if hashed.etag in ("", move[0].etag)]
            if same:
                yield self._judged(same[0], hashed, ended)

    def _judged(self, move: Move, hashed: HashedObject, ended: int) -> Verdict:
        (moved, row), catalogue = move, self._engine.catalogue
        wanted, _, parts = (moved.checksum or "").partition("-")
        other = hashed.composite not in (None, bool(parts)) or hashed.algorithm not in ("", moved.algorithm)
        if hashed.error or other:
            why = hashed.error or "its checksum is of another kind"
            return Verdict(moved, row, Refused(f"S3 has not hashed {moved.url}: {why}", cure=""))
        if hashed.checksum != wanted:
            error = IntegrityError(
                f"S3 has other bytes of {moved.url} than it records",
                cure="The source is kept. Move it below another prefix, or remove the object.",
            )
            catalogue.downloads.update(row.id, error=str(error))
            return Verdict(catalogue.moved.update(moved, step=CONFLICT, proof=0, proved=ended), row, error)
        proof, proved = max(moved.proof, AT_REST), max(moved.proved or 0, ended)
        return Verdict(catalogue.moved.update(moved, proof=proof, proved=proved), row)


def _note(job: HashingJob) -> str:
    return f"proof job {job.id}"
