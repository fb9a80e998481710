"""The console: the session behind a face, its vault in use, and how it shows results."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ..base.bucket_names import is_bucket
from ..base.units import masked
from ..catalogue.archives.vault_reader import VaultReader
from ..client import known_session
from ..client.session_settings import SessionSettings
from ..errors import GlacierError, InputError, NotConfirmed
from ..errors.steps import spell_as, step
from .failure import Failure
from .grammar import unshield
from .last_connection import choose, environment_login, failed_file, last_connection, last_text, remember
from .setting_values import Settings

if TYPE_CHECKING:
    from ..catalogue import Catalogue
    from ..client.session import Session
    from ..client.vault import Vault
    from ..jobs import Batch
    from ..plans import Plan
    from ..service import Connection
    from ..transfer.progress import Observer


_FAILED = "The last connect failed"


class Face(Protocol):
    """How a notebook or a terminal shows results."""

    program: str
    """The text before a verb: ``%glacier`` or ``glacier-magic``."""
    lasting: bool
    """Whether the session outlives the verb."""
    rich: bool
    """Whether it can show widgets."""
    quiet: bool
    """Whether notes are left out."""

    def note(self, text: str) -> None:
        """Show a note in addition to the result."""

    def progress(self, label: str) -> AbstractContextManager[Observer]:
        """Show the progress of a transfer or other work during the block, if it lasts a second.

        :param label: names the work until its first report.
        """

    def variable(self, name: str) -> Any:
        """Return the user's variable of this name, or None."""

    def offer(self, plan: Plan[Any]) -> Any:
        """Show a plan to the user; return it, or the result of running it."""

    def wait(self, batch: Batch, timeout: float | None) -> Batch:
        """Show a batch until all its jobs have ended; raise the error of the wait."""


class Console:
    """The state behind one face: its session, settings and last failure.

    :param sessions: opens the session of a connection; None for the usual sessions.
    """

    def __init__(
        self,
        face: Face,
        settings: Settings | None = None,
        *,
        sessions: Callable[[Connection], Session] | None = None,
    ) -> None:
        self.face, self._sessions = face, sessions
        spell_as(face.program)  # from now on, messages name the next step as it is typed here
        self.settings = settings or Settings()
        self.failure: Failure | None = None
        self.exit_code = 0  # of a shell, if the verb raises no error
        self._session: Session | None = None
        self._doubt = ""  # why the user may believe to be connected elsewhere
        self._read: Catalogue | None = None

    # Connection

    @property
    def connected(self) -> Session | None:
        """The session, or None before the first connection."""
        return self._session

    @property
    def session(self) -> Session:
        """The session; connects first by the settings, as last time, or by boto3's default chain."""
        if self._session is None:
            from ..client.connect import reconnect

            asked = self._asked
            connection, last, why = choose(self.connection_settings())
            self._session = session = reconnect(connection, self._open)
            # An emulator that was started again has another port.
            same = last and (connection.emulator is not None or session.connection == connection)
            known_session.remember(asked, session)
            as_last, why = " as last time" if same else "", f" ({why})" if why else ""
            self.face.note(f"Connected{as_last}: {where(session)}{why}.")
            self._doubt = self._note_account() or self._doubt
            if failed_file().exists():
                self._doubt = _FAILED
        return self._session

    @property
    def connection(self) -> Connection:
        """The connection of the session, or the one it would have; no request is sent."""
        if self._session is not None:
            return self._session.connection
        from ..service import located

        return located(choose(self.connection_settings())[0])

    @property
    def _asked(self) -> str:
        """The connection that the session has, or would have, as text."""
        settings = self.connection_settings()
        return json.dumps(settings) if any(settings.values()) else last_text()

    def connection_settings(self) -> dict[str, Any]:
        """Return the settings profile, region and endpoint_url; None for each that is not set."""
        return {name: self.settings.get(name) for name in ("profile", "region", "endpoint_url")}

    def check(self) -> None:
        """Close a session whose emulator was stopped or moved since the last verb."""
        # Its address is out of date, even if it runs again.
        if self._session is None:
            return
        from ..client.connect import answers

        if not answers(self._session.connection):
            self.close()
            self.face.note("The emulator was stopped since the last verb; it is started again.")

    def connect(self, **options: Any) -> Session:
        """Connect, and store the connection for the next time."""
        from ..client.connect import connection_for

        connection = connection_for(**options)
        same = self._session is not None and self._session.connection == connection
        if self._session is not None and same and connection.emulator is not None:
            self._session.service.account()  # reads the emulator's clock; boards stay alive
            self.keep()
            return self._session
        session = self._open(connection)  # before the old one closes: a failure leaves that in use
        self.close()
        self._session = session
        remember(session.connection)
        self._note_account()
        self.keep()
        if not any(self.connection_settings().values()):  # else the next shell connects by the settings
            known_session.remember(self._asked, session)
        return session

    def keep(self) -> None:
        """Stay connected as now, also after a connect that failed."""
        self._doubt = ""
        with suppress(OSError):
            failed_file().unlink(missing_ok=True)
        if self._session is not None and self._session.connection.emulator is None:
            SessionSettings(self._session.catalogue).last_account = self._session.account

    def _note_account(self) -> str:
        """Note an account other than that of the last time, and return the note; else store it."""
        session = self.session
        if session.connection.emulator is not None:  # where nothing costs
            return ""
        settings = SessionSettings(session.catalogue)
        now = session.account
        before = settings.last_account or now
        if before == now:
            settings.last_account = now
            return ""
        words = f"The account is another than last time: {masked(now)}, before {masked(before)}"
        self.face.note(f"{words}.")
        return words

    def still_connected(self) -> str:
        """Note that a connect failed; return a sentence on the connection that is still in use, or ``""``."""
        self._doubt = _FAILED
        if self._session is None:
            with suppress(OSError):  # a shell runs the next verb in another process
                failed_file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                failed_file().touch()
            if last_connection() is None:  # the next verb would connect by boto3's default chain
                return ""
        return f"Still connected to {self._place()}."

    def _place(self) -> str:
        if self._session is not None:
            return where(self._session)
        return _described(choose(self.connection_settings())[0])

    def say_place(self) -> None:
        """Say where a plan or a panel acts, if the user may believe to be elsewhere."""
        if self._doubt:
            self.face.note(f"{self._doubt}. This is for {self._place()}.")

    def check_place(self) -> None:
        """Refuse what costs or deletes, and was not shown first, if the user may believe to be elsewhere.

        :raises NotConfirmed: a connect has failed, or the account is another than last time.
        """
        if self._doubt:
            raise NotConfirmed(
                f"{self._doubt}, and this would act on {self._place()}. Nothing was done",
                cure=f"Connect again, or stay there with {step('connect', '--keep')}.",
            )

    def _open(self, connection: Connection) -> Session:
        from ..client.session import Session
        from ..plans.base import cost_limit

        session = (self._sessions or Session)(connection)
        session.plan_log.max_cost = lambda: cost_limit(self.settings.get("max_cost"))
        return session

    @property
    def catalogue(self) -> Catalogue | None:
        """The open catalogue: that of the session, or one that is read without a session."""
        return self._session.catalogue if self._session is not None else self._read

    def close(self) -> None:
        """End the session."""
        if self._read is not None:
            self._read.close()
            self._read = None
        if self._session is not None:
            self._session.close()
            self._session = None

    # Vault in use

    def use(self, name: str, *, requester_pays: bool = False) -> Vault:
        """Use a vault for the verbs that follow; a bucket is listed when it is used first.

        :param requester_pays: as for :meth:`.Session.vault`.
        :raises NotFound: it does not exist.
        """
        vault = self.session.vault(name, requester_pays=requester_pays)
        self.session.service.describe_vault(vault.name)  # raises NotFound, before the name is stored
        if is_bucket(name) and not self.session.catalogue.knows(vault.name):
            with self.busy(f"Listing {vault.name}"):
                vault.inventory()
        self.session.vault_in_use = vault.name
        return vault

    @property
    def vault_in_use(self) -> str | None:
        """The name of the vault in use, or None."""
        return self.session.vault_in_use

    def vault(self, name: str | None) -> Vault:
        """Return the vault *name*; else the vault in use, the vault setting, or the only vault.

        :raises NotFound: the vault does not exist.
        """
        chosen = self.vault_name(name)
        if chosen is not None:
            return self.session.known_vault(chosen)
        names = self.session.vault_names() or [row["vault"] for row in self.session.exact_vaults().records()]
        if len(names) == 1:
            return self.session.vault(names[0])
        listed = ", ".join(names[:10]) or f"none: create one with {step('create', 'NAME')}"
        raise InputError("Which vault?", cure=f"{step('use', 'NAME')}, or --vault NAME. Vaults: {listed}")

    def vault_name(self, name: str | None) -> str | None:
        """Return the name of the vault of :meth:`vault`, or None if it takes a request to know it."""
        return self._chosen(name, self.vault_in_use, self.session.vault_names())

    def _chosen(self, name: str | None, in_use: str | None, names: Sequence[str]) -> str | None:
        if name is not None:  # --vault "$V" with an unset variable must not mean another vault
            return name
        return in_use or self.settings.get("vault") or (names[0] if len(names) == 1 else None)

    def reader(self, name: str | None) -> VaultReader:
        """Return the reader of the archives of a vault, chosen as in :meth:`vault`.

        A shell reads the catalogue of the last session and does not connect.

        :raises NotFound: the vault does not exist.
        """
        known = None if self.face.lasting or self._session is not None else known_session.recall(self._asked)
        catalogue = known.open() if known is not None else None
        if known is not None and catalogue is not None:
            self._read = catalogue  # closed with the console
            settings = SessionSettings(catalogue)
            names = settings.vault_names
            chosen = self._chosen(name, settings.vault_in_use, names)
            if chosen and (chosen in names or catalogue.knows(chosen)):
                now = None if known.emulated else partial(datetime.now, UTC)
                return VaultReader(catalogue.database, catalogue.scope, chosen, now)
        session, vault = self.session, self.vault(name)
        return VaultReader(
            session.catalogue.database, session.catalogue.scope, vault.name, session.service.clock.now
        )

    def failed(self, words: Sequence[str], error: GlacierError) -> None:
        """Save the error that *words* ended with, for ``why``."""
        self.failure = Failure.of([unshield(word) for word in words], error)
        self.failure.save()  # a shell runs why in another process

    # Plans

    def busy(self, label: str = "Making the plan") -> AbstractContextManager[Observer]:
        """Show that work is in progress during the block, if it lasts a second."""
        _ = self.session  # connects first: that has a note of its own
        return self.face.progress(label)

    def settle(self, plan: Plan[Any], *, yes: bool, confirm: str | None = None) -> Any:
        """Run a plan that is confirmed, or show it to the user.

        :param confirm: the confirmation that the user typed: the vault's name.
        :raises NotConfirmed: *confirm* is wrong, or *yes* does not suffice.
        """
        if yes or confirm is not None:
            self.check_place()
            return run_confirmed(self.face, plan, confirm)
        self.say_place()
        outcome = self.face.offer(plan)  # nothing that costs or deletes runs without an answer
        if outcome is not None and outcome is not plan:  # the user has confirmed it
            self.keep()
        return outcome


def run_confirmed(face: Face, plan: Plan[Any], confirm: str | None) -> Any:
    """Run a confirmed plan; note its price before, and afterwards where it has changed.

    :raises NotConfirmed: *confirm* is not the name that the plan needs.
    """
    from ..jobs import Batch
    from ..plans import Deleted

    plan.check(confirm)  # before anything is shown
    price, empty = plan.price, plan.empty
    if price and not plan.refusal:
        face.note(f"This costs {price}.")
    outcome = run_shown(face, plan, confirm)
    some_left = isinstance(outcome, Deleted) and outcome.failed + outcome.left
    state = "started" if isinstance(outcome, Batch) else "ended" if some_left else "done"
    words = f"{plan.title}: {state}."
    if price:
        changed = plan.price not in ("", price)  # it is as of the run now, unless all of it is done
        now = f" Price: {plan.price}." if changed else ""
        later = f" {step('history', str(plan.number))} shows the outcome." if plan.number else ""
        face.note(f"{words}{now}{later}")
    elif not empty and not isinstance(outcome, str | Deleted):  # these say it themselves
        face.note(words)
    return outcome


def run_shown(face: Face, plan: Plan[Any], confirm: str | None = None) -> Any:
    """Run a plan; show its progress if it lasts."""
    from ..plans import LastingPlan

    with face.progress(plan.title) as observer:
        if isinstance(plan, LastingPlan):
            plan.observe(observer)
        return plan.run(confirm)


def where(session: Session) -> str:
    """Return a short description of the service that a session uses."""
    return _described(
        replace(session.connection, region=session.region, endpoint_url=session.service.endpoint)
    )


def _described(connection: Connection) -> str:
    if connection.emulator is not None:
        return f"the emulator in {connection.emulator}"
    profile = f"profile {connection.profile}" if connection.profile else environment_login()
    known = [each for each in (profile, connection.region, connection.endpoint_url) if each]
    return ", ".join(known) or "the account of boto3's default credentials"
