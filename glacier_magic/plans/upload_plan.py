"""The plan to upload files."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

from ..base.dataframes import marked
from ..base.rendering import SHOWN, near
from ..base.units import human_bytes, plural
from ..errors import NotReady, OverBudget
from ..prices import Quote
from ..transfer.budget import Stopped
from ..transfer.sources import Sources
from ..transfer.store import Sending, Stored, Storing, Watched
from .base import PlanLog
from .lasting_plan import LastingPlan

if TYPE_CHECKING:
    import pandas as pd

ASK_ABOVE = Decimal("0.10")
"""US dollars that an upload may cost without a question."""
ASK_REQUESTS = 1000
"""Requests that an upload may take without a question where their price is not known."""


def is_dear(quote: Quote, requests: int, above: Decimal | None) -> bool:
    """Return whether requests cost more than *above* US dollars (None: 0.10), or perhaps do."""
    if quote.total is None:
        return requests > ASK_REQUESTS
    return quote.total > (ASK_ABOVE if above is None else above)


class UploadPlan(LastingPlan[Stored]):
    """Files to store in a vault: nothing is sent until ``run()``.

    ``run()`` returns a :class:`~glacier_magic.transfer.store.Stored`, whose ``table()`` has a row for
    each file.  The price is that of the requests; after an error or a stop, a second run resumes, and
    the plan then counts only what is left.

    :param again: send files again that are stored already.
    :param part_size: bytes in a part of a large file; None for the default.
    :raises InputError: a file would have too many parts.
    """

    kind = "upload"
    button = "Upload"
    writes_intent = True  # the catalogue records each upload

    def __init__(
        self,
        storing: Storing,
        sources: Sources,
        *,
        log: PlanLog,
        again: bool = False,
        part_size: int | None = None,
    ) -> None:
        super().__init__(log)
        self.vault, self.sources = storing.vault, sources
        self._storing = storing
        self._again, self._part_size = again, part_size
        self._decide_again()

    def _decide_again(self) -> None:
        self.sending: Sending = self._storing.choose(
            self.sources, again=self._again, part_size=self._part_size
        )

    def must_ask(self, above: Decimal | None = None) -> bool:
        """Return whether it costs so much that the user is to be asked first.

        :param above: US dollars up to which it need not be; None for 0.10.
        """
        return is_dear(self.quote, self.requests, above)

    @property
    def requests(self) -> int:
        """The number of upload requests: one for a small file; a start, the parts and an end for others."""
        return self.sending.requests

    @property
    def bytes(self) -> int:
        """The size of the files to be sent."""
        return self.sending.size

    @property
    def quote(self) -> Quote:
        """The price of the requests."""
        return self.sending.quote(self._prices)

    @property
    def month(self) -> Quote:
        """The price of a month of storage of the files to be sent."""
        return self.sending.month(self._prices)

    @property
    def price(self) -> str:
        """The number of requests, their price, and that of the storage as text; empty for no request."""
        return self.sending.price(self._prices) if self.requests else ""

    @property
    def empty(self) -> bool:
        """Whether all files are stored already."""
        return not self.sending.files

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        files = plural(len(self.sending.files), "file")
        return f"Upload {files} ({human_bytes(self.bytes)}) to {self.vault}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        before, skipped = len(self.sending.before.rows), len(self.sources.skipped)
        facts = [("stored already", f"{plural(before, 'file')}, not sent again")] if before else []
        if renamed := self.sending.renamed:
            facts.append(("sent again", f"{plural(renamed, 'file')} stored already under other names"))
        facts += [("left out", f"{skipped:,}: {self.sources.skipped[0][1]}")] if skipped else []
        return [
            ("price", self.quote.headline()),
            *facts,
            ("requests", f"{self.requests:,}; one that is repeated after an error may be charged too"),
            ("storage", f"{self.month.words()} a month, and 90 days at least: earlier deletion is charged"),
        ]

    @property
    def table(self) -> pd.DataFrame:
        """One row per file to be sent: name, size, path."""
        import pandas as pd

        rows = [(source.name, source.size, source.key) for source in self.sending.files]
        return marked(pd.DataFrame(rows, columns=["name", "size", "path"]).astype({"size": "int64"}))

    def _check_cost(self, limit: Decimal, *, accept_unconfirmed: bool) -> None:
        try:
            super()._check_cost(limit, accept_unconfirmed=accept_unconfirmed)
        except OverBudget as error:
            cure = "Raise the limit, upload fewer files, or put small files together in one archive."
            raise OverBudget(error.message, cure=cure) from None

    def _head(self) -> Sequence[str]:
        return ("name", "size", "file")

    def _cells(self) -> list[tuple[str, ...]]:
        shown = islice(self.sending.files, SHOWN)
        return [(one.name, human_bytes(one.size), near(str(one.path))) for one in shown]

    def _count(self) -> int:
        return len(self.sending.files)

    def _run(self) -> Stored:
        self._stop.clear()
        try:
            return self._storing.send(
                self.sending, progress=self._observer, watched=Watched(None, self._stop)
            )
        except Stopped:
            raise NotReady(
                "The upload was stopped before all files were stored",
                cure="The same upload resumes: stored files are not sent again.",
            ) from None
