"""The console: the session behind a face, its vault in use, and how it shows results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Protocol

from .. import emulator
from ..base.paths import last_connection_file
from ..client.connect import connection_for, reconnect
from ..client.session import Session
from ..client.vault import Vault
from ..errors import CatalogueError, GlacierError, InputError
from ..jobs import Batch
from ..plans import LastingPlan, Plan
from ..plans.base import cost_limit
from ..service import Connection, located
from ..steps import spell_as, step
from ..transfer.progress import Observer
from .failure import Failure
from .grammar import unshield
from .setting_values import Settings


class Face(Protocol):
    """How a notebook or a terminal shows results."""

    program: str
    """The text before a verb: ``%glacier`` or ``glacier-magic``."""
    lasting: bool
    """Whether the session outlives the verb."""
    rich: bool
    """Whether it can show widgets."""

    def note(self, text: str) -> None:
        """Show a note in addition to the result."""

    def progress(self) -> AbstractContextManager[Observer]:
        """Show the progress of a transfer during the block."""

    def variable(self, name: str) -> Any:
        """Return the user's variable of this name, or None."""

    def offer(self, plan: Plan[Any]) -> Any:
        """Show a plan to the user; return it, or the result of running it."""

    def wait(self, batch: Batch, timeout: float | None) -> Batch:
        """Show a batch until all its jobs have ended; raise the error of the wait."""


class Console:
    """The state behind one face: its session, settings and last failure.


    :param sessions: opens the session of a connection.
    """

    def __init__(
        self,
        face: Face,
        settings: Settings | None = None,
        *,
        sessions: Callable[[Connection], Session] = Session,
    ) -> None:
        self.face, self._sessions = face, sessions
        spell_as(face.program)  # from now on, messages name the next step as it is typed here
        self.settings = settings or Settings()
        self.failure: Failure | None = None
        self._session: Session | None = None

    # Connection

    @property
    def connected(self) -> Session | None:
        """The session, or None before the first connection."""
        return self._session

    @property
    def session(self) -> Session:
        """The session; connects first by the settings, as last time, or by boto3's default chain."""
        if self._session is None:
            connection, last = self._choose_connection()
            self._session = session = reconnect(connection, self._open)
            # An emulator that was started again has another port.
            same = last and (connection.emulator is not None or session.connection == connection)
            self.face.note(f"Connected{' as last time' if same else ''}: {where(session)}.")
        return self._session

    @property
    def connection(self) -> Connection:
        """The connection of the session, or the one it would have; no request is sent."""
        return located(self._choose_connection()[0]) if self._session is None else self._session.connection

    def _choose_connection(self) -> tuple[Connection, bool]:
        """Return the connection to make, and whether it is that of the last time."""
        settings = self.connection_settings()
        # Not mixed: a region of one account, a profile of another.
        last = None if any(settings.values()) else last_connection()
        return last or connection_for(**settings), last is not None

    def connection_settings(self) -> dict[str, Any]:
        """Return the settings profile, region and endpoint_url; None for each that is not set."""
        return {name: self.settings.get(name) for name in ("profile", "region", "endpoint_url")}

    def check(self) -> None:
        """Close a session whose emulator was stopped or moved since the last verb."""
        # Its address is out of date, even if it runs again.
        if self._session is not None and not _answers(self._session.connection):
            self.close()
            self.face.note("The emulator was stopped since the last verb; it is started again.")

    def connect(self, **options: Any) -> Session:
        """Connect, and store the connection for the next time."""
        connection = connection_for(**options)
        same = self._session is not None and self._session.connection == connection
        if self._session is not None and same and connection.emulator is not None:
            self._session.service.account()  # reads the emulator's clock; boards stay alive
            return self._session
        session = self._open(connection)  # before the old one closes: a failure leaves that in use
        self.close()
        self._session = session
        _remember(session.connection)
        return session

    def _open(self, connection: Connection) -> Session:
        session = self._sessions(connection)
        session.plan_log.max_cost = lambda: cost_limit(self.settings.get("max_cost"))
        return session

    def close(self) -> None:
        """End the session."""
        if self._session is not None:
            self._session.close()
            self._session = None

    # Vault in use

    def use(self, name: str) -> Vault:
        """Use a vault for the verbs that follow.

        :raises NotFound: it does not exist.
        """
        vault = self.session.vault(name)
        self.session.service.describe_vault(name)  # raises NotFound, before the name is stored
        self.session.vault_in_use = name
        return vault

    @property
    def vault_in_use(self) -> str | None:
        """The name of the vault in use, or None."""
        return self.session.vault_in_use

    def vault(self, name: str | None) -> Vault:
        """Return the vault *name*; else the vault in use, the vault setting, or the only vault.

        :raises NotFound: the vault does not exist.
        """
        chosen = name if name is not None else self.vault_in_use or self.settings.get("vault")
        if chosen or name is not None:  # --vault "$V" with an unset variable must not mean another vault
            return self.session.known_vault(chosen or "")
        names = self.session.vault_names() or list(
            self.session.vaults()["vault"]
        )  # the stored names save a request
        if len(names) == 1:
            return self.session.vault(names[0])
        listed = ", ".join(names[:10]) or f"none: create one with {step('create', 'NAME')}"
        raise InputError("Which vault?", cure=f"{step('use', 'NAME')}, or --vault NAME. Vaults: {listed}")

    def failed(self, words: Sequence[str], error: GlacierError) -> None:
        """Save the error that *words* ended with, for ``why``."""
        self.failure = Failure.of([unshield(word) for word in words], error)
        self.failure.save()  # a shell runs why in another process

    # Plans

    def settle(self, plan: Plan[Any], *, yes: bool, confirm: str | None = None) -> Any:
        """Run a plan that is confirmed, or show it to the user.

        :param confirm: the confirmation that the user typed: the vault's name.
        :raises NotConfirmed: *confirm* is wrong, or *yes* does not suffice.
        """
        if not yes and confirm is None:
            return self.face.offer(plan)  # nothing that costs or deletes runs without an answer
        return run_confirmed(self.face, plan, confirm)


def run_confirmed(face: Face, plan: Plan[Any], confirm: str | None) -> Any:
    """Run a confirmed plan; note its price before and after.

    :raises NotConfirmed: *confirm* is not the name that the plan needs.
    """
    plan.check(confirm)  # before anything is shown
    price = plan.price
    if price and not plan.refusal:
        face.note(f"This costs {price}.")
    outcome = run_shown(face, plan, confirm)
    if price:  # the plan has its price as of the run now, unless all of it is done
        later = f" {step('history', str(plan.number))} shows what it comes to." if plan.number else ""
        face.note(f"Price: {plan.price or price}.{later}")
    return outcome


def run_shown(face: Face, plan: Plan[Any], confirm: str | None = None) -> Any:
    """Run a plan; show its progress if it lasts."""
    if not isinstance(plan, LastingPlan) or not plan.lasts:
        return plan.run(confirm)
    with face.progress() as observer:
        plan.observe(observer)
        return plan.run(confirm)


def where(session: Session) -> str:
    """Return a short description of the service that a session uses."""
    if session.connection.emulator is not None:
        return f"the emulator in {session.connection.emulator}"
    profile = f"profile {session.connection.profile}, " if session.connection.profile else ""
    return f"{profile}{session.region}, {session.service.endpoint}"


def _answers(connection: Connection) -> bool:
    """Return whether an emulator runs at its address; True for the real service."""
    if connection.emulator is None:
        return True
    running = emulator.find(Path(connection.emulator))
    # It may have been started again by another process.
    return running is not None and running.url == connection.endpoint_url


def last_connection() -> Connection | None:
    """Return the connection of the last ``connect`` in any process."""
    try:
        # Written by any face: a notebook and a shell use the same connection.
        return Connection.from_json(last_connection_file().read_text("utf-8"))
    except (OSError, ValueError, TypeError, AttributeError):  # missing, damaged, or of another version
        return None


def _remember(connection: Connection) -> None:
    file = last_connection_file()
    with suppress(OSError, CatalogueError, GlacierError):  # the connection works without it
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # it names profiles and addresses
        file.write_text(connection.to_json(), "utf-8")
