"""Notifications of finished jobs from an SQS queue, which save polling.

A message only triggers a poll of the service, so that a forged, repeated or late one is harmless.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

from ..base.session_limits import USUAL, Limits
from ..errors import GlacierError, NotFound

LONGEST_PAUSE = 300.0
"""Seconds after a failure, at most; the first pause is doubled with each that follows."""

_VAULT = re.compile(r"arn:[\w-]+:glacier:([\w-]+):(\d{12}):vaults/([A-Za-z0-9_.-]{1,255})")


class QueueMessage(Protocol):
    """A message of a queue."""

    @property
    def body(self) -> str:
        """Its text."""


class Mailbox(Protocol):
    """A source of messages."""

    def receive(self, url: str, wait: int) -> Sequence[Any]:
        """Return messages, waiting up to *wait* seconds for the first."""

    def delete(self, url: str, message: Any) -> None:
        """Delete a message."""


def vault_of(body: str, *, topic: str, account: str, region: str) -> str | None:
    """Return the vault whose finished job a message reports, or None for other messages.

    :param body: the SNS envelope, whose ``Message`` is the job object as JSON (service
        documentation, "Configuring Vault Notifications").
    """
    envelope = _object(body)
    if envelope.get("Type") != "Notification" or envelope.get("TopicArn") != topic:
        return None
    job = _object(envelope.get("Message"))
    found = _VAULT.fullmatch(str(job.get("VaultARN")))
    if found is None or (found[1], found[2]) != (region, account):
        return None
    done = job.get("Completed") is True and isinstance(job.get("JobId"), str)  # a failed job is, too
    return found[3] if done else None


def _object(text: object) -> dict[str, Any]:
    if not isinstance(text, str):
        return {}
    with suppress(ValueError, RecursionError):  # anyone may send a message, however nested
        found = json.loads(text)
        return found if isinstance(found, dict) else {}
    return {}


class Listener:
    """Receives the messages of one queue in its own thread.

    :param url: the URL of the queue.
    :param read: returns the vault that a message's text is about, or None.
    :param wake: called with each vault of a message; if it raises, it is called again when the
        queue delivers the message again.
    :param hearing: called with True when the queue responds and with False when it does not.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        url: str,
        *,
        read: Callable[[str], str | None],
        wake: Callable[[str], object],
        hearing: Callable[[bool], object],
        limits: Limits = USUAL,
    ) -> None:
        self._mailbox, self.url, self._limits = mailbox, url, limits
        self._read, self._wake, self._hearing = read, wake, hearing
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.note = ""

    def start(self) -> None:
        """Start to receive messages in the background."""
        self._thread = threading.Thread(target=self._run, name="glacier-listener", daemon=True)
        self._thread.start()

    def stop(self, wait: float = 0.0) -> None:
        """Stop receiving; messages that arrive later stay in the queue."""
        self._stop.set()
        if self._thread is not None and wait:
            self._thread.join(wait)

    def _run(self) -> None:
        with suppress(Exception):  # polling continues without it
            for _ in self.rounds():
                pass
        self._hearing(False)

    def rounds(self) -> Iterator[set[str]]:
        """Yield the vaults of each round's messages, until it is stopped or the queue is deleted."""
        pause, wait = self._limits.queue_retry, 0  # the first answer comes at once: it says that there is one
        while not self._stop.is_set():
            try:
                heard = self._round(wait)
            except NotFound as error:
                self.note = error.message
                return
            except GlacierError as error:
                self.note = error.message
                self._hearing(False)
                self._stop.wait(pause)
                pause, wait = min(LONGEST_PAUSE, 2 * pause), 0  # 0: a queue that works again is known at once
            else:
                self.note = ""
                pause, wait = self._limits.queue_retry, self._limits.queue_wait
                self._hearing(True)
                yield heard

    def _round(self, wait: int) -> set[str]:
        messages = self._mailbox.receive(self.url, wait)
        by_vault: dict[str, list[Any]] = {}
        for message in messages:
            vault = self._read(message.body)
            if vault is not None:  # messages for other accounts or regions stay in the queue
                by_vault.setdefault(vault, []).append(message)
        for vault, ours in by_vault.items():
            if self._stop.is_set():
                break
            self._wake(vault)
            # Last, so that the queue delivers the message again if the process is killed before.
            for message in ours:
                self._mailbox.delete(self.url, message)
        return set(by_vault)
