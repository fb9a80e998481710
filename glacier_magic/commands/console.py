"""What the verbs work with: the session of this face, its vault, and its way of showing things."""

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
from ..plans import DestructivePlan, Plan
from ..service import Connection, located
from ..steps import spell_as, step
from ..transfer.progress import Observer
from .failure import Failure
from .grammar import unshield
from .setting_values import Settings


class Face(Protocol):
    """How a place shows things: a notebook, a terminal."""

    program: str
    """What the user types before the verb: ``%glacier`` or ``glacier-magic``."""
    lasting: bool
    """Whether the session lives on when the verb is done."""
    rich: bool
    """Whether it can show widgets."""

    def note(self, text: str) -> None:
        """Say something beside the result."""

    def progress(self) -> AbstractContextManager[Observer]:
        """Show the progress of a transfer while the block runs."""

    def variable(self, name: str) -> Any:
        """Return a variable of the user's, or None where there is none of that name."""

    def offer(self, plan: Plan[Any]) -> Any:
        """Put a plan before the user; return it, or what running it gave."""

    def follow(self, batch: Batch, timeout: float | None) -> Batch:
        """Show a batch while it is waited for; raise what the wait amounts to."""


class Console:
    """The state behind one face: connection and vault in use.

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
        spell_as(face.program)
        self.settings = settings or Settings()
        self.failure: Failure | None = None
        self._session: Session | None = None

    # Connection

    @property
    def connected(self) -> Session | None:
        """The session, if there is one already."""
        return self._session

    @property
    def session(self) -> Session:
        """The session; without one, connect as is set, as last time, or by boto3's own chain."""
        if self._session is None:
            wanted, last = self._wanted()
            self._session = session = reconnect(wanted, self._sessions)
            same = last and (wanted.emulator is not None or session.connection == wanted)
            self.face.note(f"Connected{' as last time' if same else ''}: {where(session)}.")
        return self._session

    @property
    def connection(self) -> Connection:
        """The connection of the session, or the one that it would have; nothing is sent."""
        return located(self._wanted()[0]) if self._session is None else self._session.connection

    def _wanted(self) -> tuple[Connection, bool]:
        """Return how to connect, and whether that is as last time."""
        asked = self.connection_settings()
        last = None if any(asked.values()) else last_connection()
        return last or connection_for(**asked), last is not None

    def connection_settings(self) -> dict[str, Any]:
        """Return what is set of profile, region and address; None for each that is not."""
        return {name: self.settings.get(name) for name in ("profile", "region", "endpoint_url")}

    def check(self) -> None:
        """Leave a session whose emulator was stopped or moved since the last verb."""
        if self._session is not None and not _answers(self._session.connection):
            self.close()
            self.face.note("The emulator was stopped since; it is started again.")

    def connect(self, **options: Any) -> Session:
        """Connect anew and remember how."""
        connection = connection_for(**options)
        same = self._session is not None and self._session.connection == connection
        if self._session is not None and same and connection.emulator is not None:
            self._session.service.account()  # hears the emulator's clock; boards live on
            return self._session
        session = self._sessions(connection)
        self.close()
        self._session = session
        _remember(session.connection)
        return session

    def close(self) -> None:
        """End the session."""
        if self._session is not None:
            self._session.close()
            self._session = None

    # Vault in use

    def use(self, name: str) -> Vault:
        """Take a vault for all verbs that follow.

        :raises NotFound: it does not exist.
        """
        vault = self.session.vault(name)
        self.session.service.describe_vault(name)
        self.session.vault_in_use = name
        return vault

    @property
    def vault_in_use(self) -> str | None:
        """The name of the vault in use, or None."""
        return self.session.vault_in_use

    def vault(self, name: str | None) -> Vault:
        """Return the vault *name*, else the one in use, that is set, or the only one there is.

        :raises NotFound: there is no such vault.
        """
        chosen = name if name is not None else self.vault_in_use or self.settings.get("vault")
        if chosen or name is not None:
            return self.session.known_vault(chosen or "")
        names = self.session.vault_names() or list(self.session.vaults()["vault"])
        if len(names) == 1:
            return self.session.vault(names[0])
        listed = ", ".join(names[:10]) or f"none: make one with {step('create', 'NAME')}"
        raise InputError(
            "Which vault?", cure=f"{step('use', 'NAME')}, or --vault NAME. Vaults here: {listed}"
        )

    def failed(self, words: Sequence[str], error: GlacierError) -> None:
        """Keep an error, which *words* ended with, for ``why``."""
        self.failure = Failure.of([unshield(word) for word in words], error)
        self.failure.keep()

    # Plans

    def settle(self, plan: Plan[Any], *, yes: bool, confirm: str | None = None) -> Any:
        """Run a plan that was agreed to beforehand, or put it before the user.

        :param confirm: what the user typed beforehand to confirm the plan.
        :raises NotConfirmed: it is not what the plan needs, or *yes* is all there is.
        """
        if not yes and confirm is None:
            return self.face.offer(plan)
        return run_confirmed(self.face, plan, confirm)


def run_confirmed(face: Face, plan: Plan[Any], confirm: str | None) -> Any:
    """Run a plan that was agreed to, with its progress where it deletes many archives.

    :raises NotConfirmed: *confirm* is not what it needs.
    """
    plan.check(confirm)
    if not isinstance(plan, DestructivePlan) or plan.empty or not plan.confirmation:
        return plan.run(confirm)
    with face.progress() as observer:
        plan.observe(observer)
        return plan.run(confirm)


def where(session: Session) -> str:
    """Return in a few words which service a session talks to."""
    if session.connection.emulator is not None:
        return f"the emulator in {session.connection.emulator}"
    profile = f"profile {session.connection.profile}, " if session.connection.profile else ""
    return f"{profile}{session.region}, {session.service.endpoint}"


def _answers(connection: Connection) -> bool:
    """Tell whether an emulator still is where it was; of the real service assume it."""
    if connection.emulator is None:
        return True
    running = emulator.find(Path(connection.emulator))
    return running is not None and running.url == connection.endpoint_url


def last_connection() -> Connection | None:
    """Return the connection of the last ``connect``, in this process or another."""
    try:
        return Connection.from_json(last_connection_file().read_text("utf-8"))
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _remember(connection: Connection) -> None:
    file = last_connection_file()
    with suppress(OSError, CatalogueError, GlacierError):  # not worth failing a connection for
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(connection.to_json(), "utf-8")
