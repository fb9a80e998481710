"""The notification settings of a region's vaults in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ..base.rendering import Rendered, escape, html_table, text_table
from ..catalogue import Route
from ..errors.steps import step
from ..service import Service
from .documents import masked
from .vault_notifications import Notifications

if TYPE_CHECKING:
    import pandas as pd

AT_ONCE = 8  # vaults queried at a time

_HEAD = ("vault", "topic", "events", "queue")


class NotificationsTable(Rendered):
    """The topics that the vaults notify, and the queues in the catalogue.

    :param listening: the last error of each queue with a listener, by URL; "" without one.
    """

    def __init__(
        self, service: Service, vaults: Sequence[str], routes: Sequence[Route], listening: Mapping[str, str]
    ) -> None:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="glacier-notified") as crew:
            self.vaults = list(crew.map(lambda name: Notifications(name, service), vaults))
        self.routes = {route.vault: route for route in routes}
        self._listening = dict(listening)

    @property
    def table(self) -> pd.DataFrame:
        """One row per vault: vault, topic, events, queue; account ids masked."""
        import pandas as pd

        return pd.DataFrame(self._rows(), columns=list(_HEAD), dtype="str")

    def _rows(self) -> list[tuple[str, ...]]:
        # Vaults that no longer exist.
        gone = [name for name in self.routes if name not in {v.vault for v in self.vaults}]
        rows: list[tuple[str, ...]] = [
            (v.vault, masked(v.topic or ""), ", ".join(v.events), self._queue(v.vault, v.topic))
            for v in self.vaults
        ]
        return rows + [(name, "", "", self._queue(name, None)) for name in gone]

    def _queue(self, vault: str, topic: str | None) -> str:
        route = self.routes.get(vault)
        if route is None:
            return ""
        name = route.queue.rpartition(":")[2]
        if route.state != "ready":
            return f"{name}: incomplete, repeat notify setup or notify remove"
        if topic != route.topic:  # changed elsewhere, such as in the console: no message will come
            return f"{name}: the vault no longer notifies it"
        if route.url not in self._listening:
            return f"{name}: listening while jobs are tracked"
        return f"{name}: {self._listening[route.url] or 'listening'}"

    def _note(self) -> str:
        if self.routes:
            return f"{step('notify', 'remove VAULT')} removes the queue of a vault."
        return (
            f"There is no queue: jobs are polled at intervals. {step('notify', 'setup VAULT')} creates one."
        )

    def _repr_text(self) -> str:
        rows = self._rows()
        table = [text_table(_HEAD, rows)] if rows else []
        return "\n".join([*table, self._note()])

    def _repr_html(self) -> str:
        return html_table(_HEAD, self._rows(), long=(1, 3)) + f"<p>{escape(self._note())}</p>"
