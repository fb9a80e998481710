"""Plans to delete vaults: an empty one at once, one with archives over some days."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...base import dataframes
from ...base.bucket_names import refuse_bucket
from ...base.units import from_ms, human_bytes, human_duration, local_time, parse_time, plural
from ...catalogue import Catalogue, Drop
from ...catalogue.records.deletion_records import DeletionChoice
from ...catalogue.storage.leases import Leases
from ...catalogue.storage.owners import new_owner
from ...errors import GlacierError, Refused, VaultNotEmpty
from ...errors.steps import step
from ...jobs import Batch, Tracker
from ...jobs.dropping import next_inventory, unfinished
from ...prices import Quote
from ...prices.quotes import other_requests
from ...service import Service
from ...transfer.budget import Stopped
from ...transfer.engine import Engine, renewing
from ..base import PlanLog
from .selection_plan import DestructivePlan, SelectionPlan, priced_requests

if TYPE_CHECKING:
    import pandas as pd

BUSY = 5.0
"""Seconds to wait until the tracker has finished a step of the drop."""


class DropPlan(DestructivePlan[str]):
    """A vault to delete: possible only once an inventory shows it empty."""

    kind = "drop"
    button = "Drop"

    def __init__(self, vault: str, *, service: Service, log: PlanLog, dropped: Callable[[], None]) -> None:
        super().__init__(log)
        self._dropped = dropped
        self.vault = vault
        self._service, self._catalogue = service, log.catalogue
        refuse_bucket(vault)
        self._described = service.describe_vault(vault)  # raises where there is no such vault
        self._known = self._catalogue.archives.count(vault)  # the service counts in its last inventory only

    @property
    def empty(self) -> bool:
        """False: there is a vault to drop."""
        return False

    @property
    def quote(self) -> Quote:
        """The price of the request, which is free unless the user configures one."""
        return other_requests(self._prices, 1)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        return f"Drop the vault {self.vault}, with its tags, policies and notifications"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        count = self._described.get("NumberOfArchives") or 0  # documented as null before the first inventory
        facts = [("last inventory", f"{plural(count, 'archive')}"), *priced_requests(self.quote)]
        if count or self._known:
            facts.append(
                (
                    "refusal expected",
                    f"the catalogue knows {plural(self._known, 'archive')} in it; the service "
                    "drops a vault only when an inventory made after its last change is empty; "
                    f"{step('drop', f'{self.vault} --with-archives')} sees to that",
                )
            )
        return facts

    def promised(self) -> dict[str, Any]:
        """Return the record of the promise, JSON-serializable."""
        return {**super().promised(), "vault": self.vault, "archives": 0, "bytes": 0}

    @property
    def table(self) -> pd.DataFrame:
        """The vault, as ``vaults`` shows it."""
        return dataframes.vaults([self._described])

    def _head(self) -> Sequence[str]:
        return ("vault", "size", "archives at the last inventory")

    def _cells(self) -> list[tuple[str, ...]]:
        size = human_bytes(self._described.get("SizeInBytes") or 0)
        return [(self.vault, size, f"{self._described.get('NumberOfArchives') or 0:,}")]

    def _run(self) -> str:
        try:
            self._service.delete_vault(self.vault)  # the service refuses unless an inventory proves it empty
        except VaultNotEmpty as error:
            raise self._refusal(error) from None
        # Its archives are gone with it.
        self._catalogue.deletions.vault_is_gone(self.vault, self._service.clock.now_ms())
        self._dropped()
        return f"The vault {self.vault} is dropped."

    def _refusal(self, error: VaultNotEmpty) -> VaultNotEmpty:
        """Return the error with the state of the last inventory and the time of the next one."""
        # Described again: the plan may have been shown hours ago.
        described, now = self._service.describe_vault(self.vault), self._service.clock.now()
        last = parse_time(described.get("LastInventoryDate"))
        coming = from_ms(next_inventory(last, self._service.clock.now_ms()))
        count = described.get("NumberOfArchives") or 0
        made = local_time(from_ms(last), now)
        said = f"its last inventory, of {made}, lists {plural(count, 'archive')}"
        if last is None:
            said = "it has no inventory yet"
        elif not count:  # an empty inventory is not enough: the service refuses after a later write
            said = f"it was written to after its last inventory, of {made}, which is empty"
        left = human_duration((coming - now).total_seconds())
        return VaultNotEmpty(
            f"{error.message.rstrip('.')}: {said}",
            cure=f"The next daily inventory, about {local_time(coming, now)} (in {left}), can "
            f"prove it empty; {step('drop', f'{self.vault} --with-archives')} deletes what is in it, "
            "waits for that and then drops it.",
            code=error.code,
        )


def end(catalogue: Catalogue, drop: Drop) -> None:
    """End a drop and its deletions; deleted archives stay deleted.

    :raises Refused: another process has moved the drop on since it was read.
    """
    # From the state that was read alone: another process may have moved it on.
    if not catalogue.drops.move(drop.id, (drop.state,), "forgotten", error="ended by the user"):
        raise Refused(f"The drop of {drop.vault} has changed", cure=f"{step('drops')} shows its state.")
    if drop.deletion is not None:
        catalogue.deletions.ended(drop.deletion, "forgotten", "its drop was ended")


@contextmanager
def held(leases: Leases, drop: int, vault: str) -> Iterator[None]:
    """Hold the lease of a drop while the block runs, after waiting for the present holder.

    :raises Refused: another process works on it.
    """
    owner, end = new_owner(), time.monotonic() + BUSY  # the tracker of this process is another owner
    while not leases.claim(drop, owner):
        if time.monotonic() > end:
            raise Refused(
                f"Another process works on the drop of {vault}", cure=f"{step('drops')} shows how far it is."
            )
        time.sleep(0.05)
    try:
        with renewing(lambda: leases.renew(drop, owner)):  # a deletion of millions outlasts a lease
            yield
    finally:
        leases.release(drop, owner)


class EmptyPlan(SelectionPlan[Batch]):
    """All that the newest inventory lists in a vault, to be deleted before the vault is dropped.

    ``run(confirm=VAULT)`` deletes it and returns the row of the job board that shows the rest: the
    wait for the inventory that proves the vault empty, and its end.

    :param drop: the drop that the plan confirms.
    """

    kind = "drop"
    button = "Delete all and drop"

    def __init__(self, drop: Drop, *, engine: Engine, tracker: Tracker, log: PlanLog) -> None:
        archives = engine.catalogue.archives
        # Row numbers, fixed now: what comes into the vault later is not confirmed, and stops the drop.
        choice = DeletionChoice(archives, drop.vault, archives.numbers(drop.vault, None))
        super().__init__(choice, engine=engine, log=log)
        self._drop, self._tracker = drop, tracker
        self.unfinished = unfinished(engine, drop.vault)  # multipart uploads would be lost with the vault

    @property
    def confirmation(self) -> str:
        """The vault's name, always: a vault and all that is in it goes."""
        return self.vault

    @property
    def empty(self) -> bool:
        """False: there is a vault to drop."""
        return False

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        count = plural(len(self.choice), "archive")
        return f"Delete all {count} ({self.tally.size}) of {self.vault}, for ever, and drop it"

    @property
    def refused(self) -> GlacierError | None:
        """The error that :meth:`run` would raise now: over its limit, or uploads that would be lost."""
        return super().refused or (self._refused(self.unfinished) if self.unfinished else None)

    def _refused(self, trouble: str) -> Refused:
        return Refused(
            f"Nothing was deleted from {self.vault}: {trouble}",
            cure=f"{step('drop', f'{self.vault} --with-archives')} shows what is in it now.",
        )

    def _requests(self) -> int:
        return super()._requests() + 1  # that of the vault

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        facts = [
            *self._selection_facts(),
            (
                "then",
                "an inventory made after the last deletion has to show the vault empty: a day or "
                "more; anything that appears meanwhile stops it",
            ),
        ]
        if self.unfinished:
            facts.append(("REFUSED", self.unfinished))
        return facts

    def _run(self) -> Batch:
        # The tracker leaves a held drop alone, and resumes it if this process is killed.
        with held(self._engine.catalogue.drops.leases, self._drop.id, self.vault):
            self._check_again()  # with the lease: no other process can start to delete in between
            self._empty()
        self._tracker.start()  # it waits for the proof: a day or more
        return Batch(self._tracker, (self._drop.key,), f"Drop of {self.vault}")

    def happened(self, result: Batch) -> dict[str, Any]:  # noqa: ARG002 - the signature is that of all plans
        """Return how many archives were deleted; the tracker finishes the drop later."""
        drops, queues = self._engine.catalogue.drops, self._engine.catalogue.deletions
        queue = drops.get(self._drop.id).deletion
        return {"deleted": queues.get(queue).deleted if queue is not None else 0}

    def _empty(self) -> None:
        catalogue = self._engine.catalogue
        catalogue.deletions.begin(
            self.choice,
            what=self.title,
            size=self.bytes,
            promised=self.promised(),
            also=self._confirm,  # in the transaction of the queue: a kill leaves both or neither
            plan=self.number,
        )
        drop = catalogue.drops.get(self._drop.id)
        try:
            self._tracker.drops.dropper.delete(drop, observer=self._report, stop=self._stop)
        except (Stopped, KeyboardInterrupt) as stop:  # a "deleting" drop would be continued by the tracker
            catalogue.drops.move(drop.id, ["deleting"], "stopped", error="stopped by you")
            if not isinstance(stop, Stopped):
                raise

    def _confirm(self, deletion: int) -> None:
        """Link the queue to the drop, in the transaction that writes the queue."""
        drops = self._engine.catalogue.drops
        # The exception rolls the queue back: it is raised within that transaction.
        if not drops.move(self._drop.id, ["confirming"], "deleting", deletion=deletion):
            raise Refused(
                f"The drop of {self.vault} has advanced or was ended since this plan was shown",
                cure=f"{step('drops')} shows what became of it.",
            )
        before = drops.stopped_of(self.vault)
        if before is not None:  # this one takes its place
            drops.move(before.id, ["stopped"], "forgotten")
            if before.deletion is not None:
                queues = self._engine.catalogue.deletions
                queues.ended(before.deletion, "forgotten", "confirmed again")

    def _check_again(self) -> None:
        """Refuse if the vault has changed since the list was made."""
        described = self._engine.service.describe_vault(self.vault)
        drop = self._tracker.drops.dropper.look_at(self._engine.catalogue.drops.get(self._drop.id), described)
        known = self._engine.catalogue.archives.count(self.vault)
        trouble = unfinished(self._engine, self.vault)
        if drop.state == "listing" or (drop.state == "confirming" and drop.listed != self._drop.listed):
            trouble = "a newer inventory was made since this plan's list"
        elif known != len(self.choice):  # an upload since then: the vault would not get empty
            trouble = f"the catalogue knows {plural(known, 'archive')} in it by now"
        if trouble:
            raise self._refused(trouble)
