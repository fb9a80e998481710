"""What the verbs work with: the session of this face, its vault, and its way of showing things."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Protocol

from .. import emulator
from ..base.paths import last_connection_file
from ..client.connect import connect, connection_for, reconnect
from ..client.session import Session
from ..client.vault import Vault
from ..errors import CatalogueError, GlacierError, InputError, Unexpected, mask_account
from ..jobs import Batch
from ..plans import Guarded, Plan
from ..service import Connection
from ..transfer.progress import Observer
from .failure import Failure
from .grammar import Help, HelpAsked, Verb, unshield
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
    """The state behind one face: connection and vault in use."""

    def __init__(self, face: Face, settings: Settings | None = None) -> None:
        self.face = face
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
            asked = self.connection_settings()
            last = None if any(asked.values()) else last_connection()
            self._session = reconnect(last) if last else connect(**asked)
            self.face.note(f"Connected{' as last time' if last else ''}: {where(self._session)}.")
        return self._session

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
        session = Session(connection)
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
        listed = ", ".join(names[:10]) or "none: make one with %glacier create NAME"
        raise InputError(
            "Which vault?", cure=f"%glacier use NAME, or --vault NAME. Vaults here: {listed}"
        )

    def failed(self, words: Sequence[str], error: GlacierError) -> None:
        """Keep an error, which *words* ended with, for ``why``."""
        self.failure = Failure.of([unshield(word) for word in words], error)
        self.failure.keep()

    # Plans

    def settle(self, plan: Plan[Any], *, yes: bool, confirm: str | None = None) -> Any:
        """Run a plan that was agreed to beforehand, or put it before the user.

        :param confirm: what the user typed beforehand to confirm a plan that needs it.
        :raises NotConfirmed: a plan needs it, and *yes* is all there is.
        """
        if not yes and confirm is None:
            return self.face.offer(plan)
        return run_guarded(self.face, plan, confirm) if isinstance(plan, Guarded) else plan.run()


def run_guarded(face: Face, plan: Guarded[Any], confirm: str | None) -> Any:
    """Run a plan that destroys data, with its progress where it takes a while.

    :raises NotConfirmed: *confirm* is not what it needs.
    """
    plan.check(confirm)
    if plan.empty or not plan.confirmation:
        return plan.run(confirm)
    with face.progress() as observer:
        plan.observe(observer)
        return plan.run(confirm)


def run(console: Console, verbs: Mapping[str, Verb], words: Sequence[str]) -> Any:
    """Carry out one line of words; return what it gives.

    :raises GlacierError: anything that went wrong, with what to do next.
    """
    try:
        return _run(console, verbs, words)
    except GlacierError as error:
        console.failed(words, error)
        raise
    except UnicodeEncodeError as error:
        told: GlacierError = _not_text(error)
        console.failed(words, told)
        raise told from error
    except Exception as error:
        told = Unexpected(f"{type(error).__name__}: {mask_account(str(error))}")
        told.__cause__ = error
        console.failed(words, told)
        raise told from error


def _not_text(error: UnicodeEncodeError) -> GlacierError:
    """Return what a word with bytes that are no characters amounts to: they come as surrogates."""
    if not any("\ud800" <= c <= "\udfff" for c in error.object[error.start : error.end]):
        return Unexpected(f"{type(error).__name__}: {mask_account(str(error))}")
    return InputError(
        "A word has bytes that are no characters in this locale",
        cure="Use a UTF-8 locale, such as LC_ALL=C.UTF-8, or name the archive by id: or a glob.",
    )


def _run(console: Console, verbs: Mapping[str, Verb], words: Sequence[str]) -> Any:
    program = console.face.program
    name = words[0] if words and not words[0].startswith("-") else ""
    rest = words[1:] if name else words
    if name == "help":
        name, rest = (rest[0] if rest else ""), ["--help"]
    verb = verbs.get(name)
    if verb is None:
        close = difflib.get_close_matches(name, list(verbs), 1)
        hint = f"Did you mean {program} {close[0]}? " if close else ""
        raise InputError(
            f"{program} has no verb {name!r}", cure=f"{hint}{program} --help lists them."
        )
    try:
        request = verb.parse(program, rest, console.settings)
        if verb.name not in ("connect", "emulator"):
            console.check()
        return verb.run(console, request)
    except HelpAsked as asked:
        return Help(asked.text if name else overview(program, verbs))


def overview(program: str, verbs: Mapping[str, Verb]) -> str:
    """Return the help text that lists all verbs."""
    width = max(len(name) for name in verbs)
    lines = [f"  {name.ljust(width)}  {verb.summary}" for name, verb in verbs.items() if name]
    return "\n".join(
        [
            f"usage: {program} VERB ...    {program} VERB --help",
            "",
            "The archive console for Amazon Glacier vaults.",
            "",
            *lines,
            "",
            f"{program} alone shows where you are and what to do next.",
        ]
    )


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
