"""Drops of vaults with archives: they take days, one step whenever it is due.

listing (wait for the inventory) -> confirming (wait for the user) -> deleting (the confirmed
archives) -> proving (wait for an inventory that is empty) -> dropped.  Anything that appears in the
vault meanwhile stops the drop.  Every step can be killed and repeated: the state is in the catalogue.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ..base.rendering import visible
from ..base.units import from_ms, parse_time, plural
from ..catalogue import Deletion, Drop, JobRecord
from ..catalogue.records.drop_records import BUSY
from ..catalogue.records.job_records import INVENTORY
from ..catalogue.storage.holding import refusal
from ..catalogue.storage.owners import new_owner
from ..errors import AccessDenied, GlacierError, NotFound, VaultNotEmpty, describe
from ..errors.steps import step
from ..transfer.budget import Stopped
from ..transfer.deleting import Deleter
from ..transfer.engine import Engine
from ..transfer.progress import Observer

DAY, HOUR = 86_400_000, 3_600_000
MARGIN = HOUR // 2
"""How long after the usual time of day an inventory is looked for first; then once an hour."""


def next_inventory(last: int | None, now: int) -> int:
    """Return about when the service makes the next inventory; all times in milliseconds.

    The service makes one about once a day, the first about a day after the first upload (service
    documentation: "Vault Inventory").
    """
    if last is None or last > now:
        return now + DAY
    return last + ((now - last) // DAY + 1) * DAY


class Dropper:
    """The steps of one account's drops; all are short except deleting.

    ``dropped`` is called with the name of each dropped vault.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._service, self._catalogue = engine.service, engine.catalogue
        self._drops = engine.catalogue.drops
        self.dropped: Callable[[str], object] = lambda _: None

    # Start

    def begin(self, vault: str) -> Drop:
        """Start to drop a vault, or continue its drop in progress.

        :raises NotFound: the vault does not exist.
        :raises Refused: the drop is on hold.
        """
        description = self._service.describe_vault(vault)
        now = self._service.clock.now_ms()
        created = parse_time(description.get("CreationDate"))
        drop = self._drops.begin(vault, vault_created=created, now=now)
        if drop.on_hold:
            raise refusal(f"The drop of {vault}")
        return self.look_at(drop, description)

    def look_at(self, drop: Drop, description: Mapping[str, Any]) -> Drop:
        """Update a drop that waits for an inventory, or for the user, from the vault's description."""
        last = parse_time(description.get("LastInventoryDate"))
        if drop.state == "confirming" and last is not None and last > (drop.listed or 0):
            self._drops.move(
                drop.id,
                ["confirming"],  # unless the user has confirmed it in the meantime
                "listing",
                job_id=None,
                next_check=None,
                note="a newer inventory was made since the list",
            )
        if self._drops.get(drop.id).state == "listing":  # read again: the move may not have taken place
            self._list(self._drops.get(drop.id), last)
        return self._drops.get(drop.id)

    def _list(self, drop: Drop, last: int | None) -> None:
        """Use the newest inventory: the one in the catalogue, a job in progress, or a new job."""
        if last is not None and self._covered(drop.vault, last):
            self._drops.move(drop.id, ["listing"], "confirming", listed=last)
            return
        job = self._job(drop)
        if job is None and self._service.clock.now_ms() >= (drop.next_check or 0):
            self._ask(drop)

    def _covered(self, vault: str, last: int) -> bool:
        """Tell whether the catalogue has read the inventory made at *last*, or a later one.

        The date inside an output has no fraction of a second; a job requested after an inventory
        was made returns no older one, whatever its date says.
        """
        read = self._catalogue.inventories.newest(vault)
        if read is None:
            return False
        job = self._catalogue.jobs.get(vault, read.job_id)
        asked = (job.created if job else None) or 0
        return asked >= last or (read.made or 0) // 1000 >= last // 1000

    def _job(self, drop: Drop) -> JobRecord | None:
        """Return the inventory job to wait for, if one is in progress or not read yet."""
        job = self._catalogue.jobs.get(drop.vault, drop.job_id) if drop.job_id else None
        if job and job.usable and not self._catalogue.inventories.has(drop.vault, job.job_id):
            return job
        # A ranged inventory leaves archives out, and they would stay in the vault.
        found = [j for j in self._catalogue.jobs.of_vault(drop.vault) if j.whole_inventory]
        running = next((j for j in found if j.status == "InProgress"), None)
        if running is not None:
            self._take(drop, running)
        return running

    def _take(self, drop: Drop, job: JobRecord) -> None:
        # Even if another client requested it, so that its output is read.
        self._catalogue.jobs.record([job], ours=True)
        self._drops.update(drop.id, job_id=job.job_id, note=None)

    def _ask(self, drop: Drop) -> None:
        token = f"glacier_magic inventory {uuid.uuid4()}"
        now = self._service.clock.now_ms()
        try:
            job_id = self._service.start_inventory(drop.vault, token)
        except NotFound as error:
            if error.message.startswith("Vault not found"):  # the other 404: the vault has no inventory yet
                raise
            self._drops.update(
                drop.id,
                next_check=now + 6 * HOUR,
                note="the vault has no inventory yet: the service makes the first one about a day "
                f"after the first upload; a vault that never held anything {step('drop')} drops",
            )
            return
        job = JobRecord(vault=drop.vault, job_id=job_id, action=INVENTORY, description=token, created=now)
        self._take(drop, job)

    # Continuation

    def step(self, drop: Drop, stop: threading.Event) -> None:
        """Do the due step of a drop; the caller holds its lease."""
        try:
            if drop.state == "listing":
                self.look_at(drop, self._service.describe_vault(drop.vault))
            elif drop.state == "deleting":
                with suppress(Stopped):
                    self.delete(drop, stop=stop)
            elif drop.state == "proving":
                self._prove_empty(drop)
        except NotFound as error:
            if not error.message.startswith("Vault not found"):
                raise
            self._gone(drop, "another client dropped it")

    def due(self, drop: Drop) -> bool:
        """Tell whether a step may be due, from the catalogue alone."""
        if drop.state == "listing" and drop.job_id:
            job = self._catalogue.jobs.get(drop.vault, drop.job_id)
            read = self._catalogue.inventories.has(drop.vault, drop.job_id)
            return read or job is None or not job.usable
        if drop.state == "deleting" and drop.deletion is not None:
            return not self._catalogue.deletions.get(drop.deletion).held
        return self._service.clock.now_ms() >= (drop.next_check or 0)

    def delete(
        self, drop: Drop, *, observer: Observer | None = None, stop: threading.Event | None = None
    ) -> Deletion:
        """Delete the rest of the confirmed queue; then the drop waits for an empty inventory.

        Raises like :meth:`~glacier_magic.transfer.deleting.Deleter.run`.
        """
        queue = self._catalogue.deletions.get(drop.deletion or 0)
        if queue.state == "open":  # else a process ended between the last deletion and the move below
            try:
                queue = Deleter(self.engine, queue, observer=observer, stop=stop).run()
            except AccessDenied as error:  # a vault lock or policy: a retry would fail as well
                self._end(drop, error.message)
                raise
        if queue.state == "forgotten":
            self._end(drop, "the rest of its deletions was forgotten")
        elif queue.failed:
            self._end(
                drop,
                f"{plural(queue.failed, 'archive')} could not be deleted: "
                f"{step('deletions', f'{queue.id}')} lists them",
            )
        else:
            now = self._service.clock.now_ms()
            last = parse_time(self._service.describe_vault(drop.vault).get("LastInventoryDate"))
            # An empty list is proven by itself.
            due = next_inventory(last, now) + MARGIN if queue.archives else now
            # Only an inventory made after the last accepted deletion, by the service's clock, is a proof.
            self._drops.move(drop.id, ["deleting"], "proving", after=queue.last or 0, next_check=due)
        return queue

    def _prove_empty(self, drop: Drop) -> None:
        description = self._service.describe_vault(drop.vault)
        if drop.vault_created not in (None, parse_time(description.get("CreationDate"))):
            self._end(drop, "the vault was dropped and created again meanwhile")
            return
        last, now = parse_time(description.get("LastInventoryDate")), self._service.clock.now_ms()
        trouble = self._appeared(drop)
        # NumberOfArchives is of the last inventory: one from before the deletions still counts them.
        if last is not None and last > (drop.after or 0) and description.get("NumberOfArchives"):
            trouble = trouble or (
                f"the inventory of {from_ms(last):%Y-%m-%d %H:%M} UTC lists "
                f"{plural(description['NumberOfArchives'], 'archive')} that the plan did not have: "
                f"{step('inventory')} names them"
            )
        if trouble:
            self._end(drop, trouble)
        elif last is not None and last > (drop.after or 0):
            self._drop(drop, last, now)
        else:
            self._wait(drop, last, now, "")

    def _appeared(self, drop: Drop) -> str:
        """Return what has appeared in the vault, as known without its inventory; "" if nothing."""
        known = self._catalogue.archives.query(drop.vault, limit=3).records
        if known:
            names = ", ".join(visible(each.name or each.archive_id) for each in known)
            count = self._catalogue.archives.count(drop.vault)
            return f"{plural(count, 'archive')} came into the vault meanwhile: {names}"
        return unfinished(self.engine, drop.vault)

    def _drop(self, drop: Drop, last: int, now: int) -> None:
        try:
            # The service refuses as well if there were writes after the last inventory.
            self._service.delete_vault(drop.vault)
        except VaultNotEmpty:
            self._drops.update(drop.id, after=last)  # wait for an inventory after the write
            said = "the service reports a later write to the vault; "
            self._wait(drop, last, now, said)
            return
        self._gone(drop, "")

    def _wait(self, drop: Drop, last: int | None, now: int, said: str) -> None:
        due = next_inventory(last, now) + MARGIN
        if last is not None and now - last > DAY:
            due = now + HOUR  # the inventory is late
        note = f"{said}waits for the inventory that proves it empty"
        self._drops.update(drop.id, next_check=due, note=note)

    def _gone(self, drop: Drop, note: str) -> None:
        now = self._service.clock.now_ms()
        with self._catalogue.database.transaction():  # else a crash leaves archives of a vault that is gone
            moved = self._drops.move(drop.id, BUSY, "dropped", note=note or None)
            if moved:
                self._catalogue.deletions.vault_is_gone(drop.vault, now)
        if moved:  # in the one process that recorded it
            self.dropped(drop.vault)

    def _end(self, drop: Drop, error: str) -> None:
        self._drops.move(drop.id, BUSY, "stopped", error=error)


class DropWorker:
    """Runs the due steps of all drops in the background, one after another.

    :param changed: called after a step.
    """

    def __init__(self, engine: Engine, stop: threading.Event, changed: Callable[[], None]) -> None:
        self.dropper = Dropper(engine)
        self._catalogue = engine.catalogue
        self._stop, self._changed = stop, changed
        self._again_at: dict[int, float] = {}  # by the monotonic clock; in memory only
        self._thread: threading.Thread | None = None

    @property
    def open(self) -> bool:
        """Whether a drop can continue without the user."""
        return bool(self._catalogue.drops.busy())

    def start_due(self) -> None:
        """Start the due steps, unless the thread is running."""
        if self._thread is None and self._due():
            self._thread = threading.Thread(target=self._run, name="glacier-drops", daemon=True)
            self._thread.start()

    def close(self, timeout: float) -> None:
        """Wait up to *timeout* seconds for the thread to end after the stop event."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def _due(self) -> list[Drop]:
        now = time.monotonic()
        return [
            drop
            for drop in self._catalogue.drops.busy()
            if self._again_at.get(drop.id, 0.0) <= now and self.dropper.due(drop)
        ]

    def _run(self) -> None:
        try:
            with suppress(GlacierError):  # the catalogue may be closed already
                for drop in self._due():
                    self._one(drop)
        finally:
            self._thread = None
            self._changed()  # after the line above, so that the tracker can start a new thread

    def _one(self, drop: Drop) -> None:
        leases, owner = self._catalogue.drops.leases, new_owner()
        if self._stop.is_set() or not leases.claim(drop.id, owner):  # another process does the step
            return
        try:
            # Read again: another process may have done the step before the claim.
            self.dropper.step(self._catalogue.drops.get(drop.id), self._stop)
        except (GlacierError, KeyError, ValueError) as error:
            self._again_at[drop.id] = time.monotonic() + self._catalogue.limits.drop_retry
            said = error.message if isinstance(error, GlacierError) else describe(error)
            self._catalogue.drops.update(drop.id, note=f"{said}; tried again")
        finally:
            leases.release(drop.id, owner)


def unfinished(engine: Engine, vault: str) -> str:
    """Return a message about the unfinished multipart uploads of a vault; "" if there are none."""
    found = sum(1 for _ in engine.service.uploads(vault))
    if not found:
        return ""
    return (
        f"{plural(found, 'multipart upload')} not finished: {step('uploads', f'--vault {vault}')} lists "
        "what would be lost"
    )
