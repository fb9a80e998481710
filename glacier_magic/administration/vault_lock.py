"""The lock of a vault: a policy that holds for a day on trial, and then for ever."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from ..base.units import from_ms, human_duration, local_time, parse_time
from ..catalogue import Catalogue, LockRecord
from ..errors import NotFound, Refused
from ..service import Service
from ..service.administration import Administration
from ..steps import step
from .change import Change
from .documents import Document
from .policy_view import Held

DAY = 86_400_000
"""Milliseconds in which a lock can be completed (service documentation, "Initiate Vault Lock")."""
IN_PROGRESS, LOCKED = "InProgress", "Locked"

_FOR_EVER = (
    "its policy can then never be changed or removed: not by you, not by the account's root user, "
    "and not by AWS; what it protects is stored and billed for as long as it says"
)


class Lock(Held):
    """The lock of a vault as it was when it was read.

    :param state: ``InProgress``, ``Locked``, or None where there is none.
    :param expires: when a lock in progress goes away by itself; aware, UTC.
    """

    nothing = "has no lock."
    lasting = True

    def __init__(self, vault: str, service: Service, catalogue: Catalogue) -> None:
        self._service, self._catalogue = service, catalogue
        self._calls = Administration(service)
        told = self._calls.lock(vault)
        super().__init__(vault, Document.told(told.get("Policy") or "") if told else None)
        self.state: str | None = told["State"] if told else None
        self.created = from_ms(parse_time(told.get("CreationDate"))) if told else None
        self.expires = from_ms(parse_time(told.get("ExpirationDate"))) if told else None
        self.known = catalogue.locks.of(vault)

    # Begin, complete, abort

    def initiate(self, policy: Document | str) -> Change[Lock]:
        """Return the plan to put a lock policy on trial for 24 hours.

        :param policy: a :class:`Document`, or the JSON text of one.
        :raises InputError: it is not a policy, or one for another vault.
        :raises Refused: the vault has a lock.
        """
        document = policy if isinstance(policy, Document) else Document.parse(policy)
        document.check_vault(self._service.describe_vault(self.vault)["VaultARN"])
        if self.state is not None:
            raise Refused(
                f"{self.vault} has a lock already, {self._state_words()}",
                cure="It stays." if self.state == LOCKED else "--abort takes it away.",
            )
        return Change(
            f"Put a lock policy on {self.vault}, on trial for 24 hours",
            act=lambda: self._initiate(document),
            facts=[
                *(("it", words) for words in document.words()),
                *(("WARNING", warning) for warning in document.warnings(lasting=True)),
                ("holds", "at once"),
                ("undo", f"within 24 hours: {step('lock', f'{self.vault} --abort')}"),
                (
                    "then",
                    f"gone by itself, unless {step('lock', f'{self.vault} --complete')} makes it permanent",
                ),
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
        # Written before anything else is asked: the service tells the id only this once.
        self._keep(lock_id, document, now, now + DAY)
        begun = Lock(self.vault, self._service, self._catalogue)
        if begun.state == IN_PROGRESS and begun.expires is not None:
            self._keep(lock_id, document, now, int(begun.expires.timestamp() * 1000))
        return Lock(self.vault, self._service, self._catalogue)

    def _keep(self, lock_id: str, document: Document, started: int, expires: int) -> None:
        self._catalogue.locks.record(
            LockRecord(
                vault=self.vault, lock_id=lock_id, policy=document.text, started=started, expires=expires
            )
        )

    def complete(self, lock_id: str | None = None) -> Change[Lock]:
        """Return the plan to make the lock last for ever: the step that nobody can undo.

        :param lock_id: of a lock that was begun elsewhere; None for the one begun from here.
        :raises NotFound: there is no lock in progress, or its id is not known here.
        :raises Refused: the lock is complete already, or its policy is not the one that was
            put on trial from here.
        """
        if self.state == LOCKED:
            raise Refused(f"{self.vault} is locked already", cure="There is nothing to do.")
        if self.state is None or self.document is None:
            raise NotFound(
                f"{self.vault} has no lock in progress",
                cure=f"{step('lock', f'{self.vault} --policy FILE')} begins one; a lock that is not "
                "completed within 24 hours goes away.",
            )
        chosen, reviewed = self._chosen(lock_id), self.document
        return Change(
            f"Lock {self.vault} FOR EVER",
            act=lambda: self._complete(chosen, reviewed),
            facts=[
                ("undo", f"NONE: {_FOR_EVER}"),
                *(("it", words) for words in reviewed.words()),
                *(("WARNING", warning) for warning in reviewed.warnings(lasting=True)),
                ("expires", self._expiry_words()),
            ],
            text=reviewed.pretty(),
            button="Lock for ever",
            danger=True,
            confirmation=self.vault,
        )

    def _chosen(self, lock_id: str | None) -> str:
        if self.known is None and lock_id is None:
            raise NotFound(
                f"The lock of {self.vault} was not begun from this catalogue, so its id is not known",
                cure="--lock-id ID completes it, or --abort it and begin it here.",
            )
        if self.known is not None and lock_id in (None, self.known.lock_id):
            self._check_same(Document.told(self.known.policy), "that was put on trial from here")
            return self.known.lock_id
        return str(lock_id)

    def _check_same(self, reviewed: Document, which: str) -> None:
        if self.state == IN_PROGRESS and self.document and reviewed.same_as(self.document):
            return
        raise Refused(
            f"The lock of {self.vault} is not the one {which}: its policy is another one, or it is gone",
            cure=f"Nothing was locked. {step('lock', f'{self.vault}')} shows what the service holds.",
        )

    def _complete(self, lock_id: str, reviewed: Document) -> Lock:
        now = Lock(self.vault, self._service, self._catalogue)
        now._check_same(reviewed, "that was shown")
        self._calls.complete_lock(self.vault, lock_id)
        self._catalogue.locks.forget(self.vault)
        return Lock(self.vault, self._service, self._catalogue)

    def abort(self) -> Lock:
        """Take a lock in progress away; without one nothing happens.

        :raises Refused: the lock is complete: nobody can take it away.
        """
        if self.state == LOCKED:
            raise Refused(f"{self.vault} is locked for ever; nobody can undo it", cure="It stays.")
        self._calls.abort_lock(self.vault)
        self._catalogue.locks.forget(self.vault)
        return Lock(self.vault, self._service, self._catalogue)

    # Showing it

    def _expiry_words(self) -> str:
        if self.expires is None:
            return "not told"
        now = self._service.clock.now()
        left = (self.expires - now).total_seconds()
        return f"in {human_duration(left)}, at {local_time(self.expires, now)}, unless completed"

    def _state_words(self) -> str:
        if self.state == IN_PROGRESS:
            return f"on trial: it goes away {self._expiry_words()}"
        return f"complete, and there for ever, begun {_at(self.created, self._service)}"

    def _heading(self) -> list[str]:
        lines = [f"The lock of {self.vault}: {self._state_words()}"]
        if self.state == IN_PROGRESS:
            where = "is kept in the catalogue" if self.known else "is not known here: --lock-id ID"
            lines.append(f"  the id that completes it {where}")
        return lines


def _at(moment: datetime | None, service: Service) -> str:
    return local_time(moment, service.clock.now()) or "at an unknown time"
