"""The lock of a vault: a policy that is on trial for a day and then permanent."""

from __future__ import annotations

import os
from pathlib import Path

from ..base.units import from_ms, human_duration, local_time, parse_time
from ..catalogue import Catalogue, LockRecord
from ..errors import NotFound, Refused
from ..errors.steps import option, step
from ..service import Service
from ..service.administration import Administration
from .change import Change
from .documents import Document
from .policy_view import VaultPolicy

DAY = 86_400_000
"""Milliseconds in which a lock can be completed (service documentation, "Initiate Vault Lock")."""
IN_PROGRESS, LOCKED = "InProgress", "Locked"

_FOR_EVER = (
    "the policy can never be changed or removed: not by you, not by the account's root user, and not "
    "by AWS; the archives it protects are stored and billed for as long as it requires"
)


class Lock(VaultPolicy):
    """The lock of a vault at the time it was read.

    ``state`` is ``InProgress``, ``Locked``, or None without a lock; ``expires`` is the time at which a
    lock in progress expires unless it is completed (aware, UTC).
    """

    absent = "has no lock."
    lasting = True

    def __init__(self, vault: str, service: Service, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._calls = Administration(service)
        found = self._calls.lock(vault)
        super().__init__(vault, service, Document.received(found.get("Policy") or "") if found else None)
        self.state: str | None = found["State"] if found else None
        self.created = from_ms(parse_time(found.get("CreationDate"))) if found else None
        self.expires = from_ms(parse_time(found.get("ExpirationDate"))) if found else None
        self.known = catalogue.locks.of(vault)

    # Begin, complete, abort

    def initiate(self, policy: Document | str) -> Change[Lock]:
        """Return the plan to put a lock policy on trial for 24 hours.

        :param policy: a :class:`Document`, or the JSON text of one.
        :raises InputError: it is not a policy, or one for another vault.
        :raises Refused: the vault already has a lock.
        """
        document = self._checked(policy)
        if self.state is not None:
            raise Refused(
                f"{self.vault} already has a lock, {self._state_words()}",
                cure="It is permanent." if self.state == LOCKED else f"{option('abort')} removes it.",
            )
        return Change(
            f"Put a lock policy on {self.vault}, on trial for 24 hours",
            act=lambda: self._initiate(document),
            facts=[
                *(("policy", words) for words in document.words()),
                *(("WARNING", warning) for warning in document.warnings(lasting=True)),
                ("effective", "immediately"),
                ("undo", f"within 24 hours: {step('lock', f'{self.vault} --abort')}"),
                ("then", f"expires, unless {step('lock', f'{self.vault} --complete')} makes it permanent"),
            ],
            text=document.pretty(),
            button="Begin",
        )

    def initiate_file(self, path: str | os.PathLike[str]) -> Change[Lock]:
        """Return the plan to put the policy in a file on trial; raises like :meth:`initiate`.

        :raises LocalError: the file cannot be read.
        """
        return self.initiate(Document.read(Path(path).expanduser()))

    def _initiate(self, document: Document) -> Lock:
        lock_id = self._calls.start_lock(self.vault, document.text)
        now = self._service.clock.now_ms()
        # Recorded before any other call: the service returns the id only once.
        self._record(lock_id, document, now, now + DAY)
        begun = Lock(self.vault, self._service, self._catalogue)
        # The service's time replaces the estimate.
        if begun.state == IN_PROGRESS and begun.expires is not None:
            self._record(lock_id, document, now, int(begun.expires.timestamp() * 1000))
        return Lock(self.vault, self._service, self._catalogue)

    def _record(self, lock_id: str, document: Document, started: int, expires: int) -> None:
        self._catalogue.locks.record(
            LockRecord(
                vault=self.vault, lock_id=lock_id, policy=document.text, started=started, expires=expires
            )
        )

    def complete(self, lock_id: str | None = None) -> Change[Lock]:
        """Return the plan to make the lock permanent, which cannot be undone.

        :param lock_id: of a lock that was initiated elsewhere; None for the one in the catalogue.
        :raises NotFound: there is no lock in progress, or its id is not in the catalogue.
        :raises Refused: the lock is complete, or its policy is not the one that was initiated from
            this catalogue.
        """
        if self.state == LOCKED:
            raise Refused(f"{self.vault} is already locked", cure="There is nothing to do.")
        if self.state is None or self.document is None:
            raise NotFound(
                f"{self.vault} has no lock in progress",
                cure=f"{step('lock', f'{self.vault} --policy FILE')} initiates one; a lock that is not "
                "completed within 24 hours expires.",
            )
        chosen, reviewed = self._chosen(lock_id), self.document
        return Change(
            f"Lock {self.vault} PERMANENTLY",
            act=lambda: self._complete(chosen, reviewed),
            facts=[
                ("undo", f"NONE: {_FOR_EVER}"),
                *(("policy", words) for words in reviewed.words()),
                *(("WARNING", warning) for warning in reviewed.warnings(lasting=True)),
                ("expires", self._expiry_words()),
            ],
            text=reviewed.pretty(),
            button="Lock permanently",
            danger=True,
            confirmation=self.vault,  # typed, because nothing can undo it
        )

    def _chosen(self, lock_id: str | None) -> str:
        if self.known is None and lock_id is None:
            raise NotFound(
                f"The lock of {self.vault} was not initiated from this catalogue, so its id is not known",
                cure=f"Complete it with {option('lock-id')}, or {option('abort')} it and initiate it again.",
            )
        if self.known is not None and lock_id in (None, self.known.lock_id):
            self._check_same(Document.received(self.known.policy), "that was initiated from this catalogue")
            return self.known.lock_id
        return str(lock_id)  # initiated elsewhere: no recorded policy to compare it with

    def _check_same(self, reviewed: Document, which: str) -> None:
        if self.state == IN_PROGRESS and self.document and reviewed.same_as(self.document):
            return
        raise Refused(
            f"The lock of {self.vault} is not the one {which}: its policy differs, or it has expired",
            cure=f"Nothing was locked. {step('lock', f'{self.vault}')} shows the current lock.",
        )

    def _complete(self, lock_id: str, reviewed: Document) -> Lock:
        # Read again: what becomes permanent must be the policy that the user has confirmed.
        now = Lock(self.vault, self._service, self._catalogue)
        now._check_same(reviewed, "that was shown")
        self._calls.complete_lock(self.vault, lock_id)
        self._catalogue.locks.forget(self.vault)  # after the call: a failed one needs the id again
        return Lock(self.vault, self._service, self._catalogue)

    def abort(self) -> Lock:
        """Remove a lock in progress; without one, do nothing.

        :raises Refused: the lock is complete.
        """
        if self.state == LOCKED:
            raise Refused(f"{self.vault} is locked permanently", cure="A completed lock cannot be removed.")
        self._calls.abort_lock(self.vault)
        self._catalogue.locks.forget(self.vault)  # as above
        return Lock(self.vault, self._service, self._catalogue)

    # Showing it

    def _expiry_words(self) -> str:
        if self.expires is None:
            return "unknown"
        now = self._service.clock.now()
        left = (self.expires - now).total_seconds()
        return f"in {human_duration(left)}, at {local_time(self.expires, now)}, unless completed"

    def _state_words(self) -> str:
        if self.state == IN_PROGRESS:
            return f"on trial: it expires {self._expiry_words()}"
        begun = local_time(self.created, self._service.clock.now()) or "at an unknown time"
        return f"complete and permanent, initiated {begun}"

    def _heading(self) -> list[str]:
        lines = [f"The lock of {self.vault}: {self._state_words()}"]
        if self.state == IN_PROGRESS:
            where = (
                "is stored in the catalogue"
                if self.known
                else f"is not in the catalogue: {option('lock-id', 'ID')}"
            )
            lines.append(f"  the id that completes it {where}")
        return lines
