"""Plans that were run: the promise beside the outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from ..base.dataframes import marked
from ..base.rendering import Rendered, escape, html_notes, html_table, text_table, visible
from ..base.units import from_ms, human_bytes, human_total, local_time, plural
from ..catalogue import PlanRecord
from ..prices.money import money, rate, to_millionth
from ..prices.quotes import amount_of
from .restore.object_quoting import MONTH_DAYS

if TYPE_CHECKING:
    import pandas as pd


def price_of(record: PlanRecord) -> str:
    """Return the promised price as text; empty where none was calculated."""
    quote = record.promised.get("quote") or {}
    return str(quote.get("words", ""))


def came_to(record: PlanRecord) -> Decimal | None:
    """Return the price of the requests and downloads made, in US dollars, at the promised prices.

    It is an estimate, not the bill; None where a price was not known.
    """
    quote, total = record.promised.get("quote"), Decimal(0)
    if quote is None or record.kind != "restore":  # fees of deletions depend on the day
        return None
    tally = record.tally
    done = {
        "requests": Decimal(tally.asked) / 1000,  # the price list has a price for 1,000
        "retrieval": Decimal(tally.bytes_asked) / (1 << 30),  # the GB of a bill is 2**30 bytes
        "transfer": Decimal(tally.bytes_verified) / (1 << 30),
        "copies": Decimal(tally.bytes_asked) / (1 << 30) * (record.promised.get("days", 0) + 1) / MONTH_DAYS,
    }
    for sort, quantity in done.items():
        if not quantity:  # what was not done costs nothing, even at an unknown price
            continue
        # A peek has two of a sort: what is next, and what may follow.
        lines = [line for line in quote["lines"] if _sort(line["item"]) == sort]
        if not lines:  # the transfer within a region is free
            continue
        try:
            amount, promised = (sum(Decimal(line[key]) for line in lines) for key in ("amount", "quantity"))
            # Of a part, less is transferred than retrieved.
            made = min(quantity, Decimal(promised)) if sort == "transfer" else quantity
            total += Decimal(amount) / promised * made  # at the promised price
        except (TypeError, InvalidOperation, ZeroDivisionError):  # an unknown amount, or none promised
            return None
    return total


def _sort(item: str) -> str:
    if item in ("other-requests", "s3-standard-get-requests"):  # how many were sent is not recorded
        return ""
    if item == "s3-standard-storage":
        return "copies"
    if item.endswith("-requests"):
        return "requests"
    return "transfer" if item.startswith("transfer") else "retrieval"


def _done(record: PlanRecord) -> tuple[int, int]:
    """Return how many archives, and bytes in them, came back or were deleted."""
    happened = record.happened or {}
    if record.retrieves:
        return record.tally.verified, record.tally.bytes_verified
    return int(happened.get("deleted") or happened.get("extended") or 0), int(happened.get("bytes") or 0)


def _ended(record: PlanRecord) -> datetime | None:
    if record.state in ("under way", "not finished"):
        return None
    return from_ms(record.ended or record.tally.ended or record.run)


class PlanHistory(Rendered):
    """The plans that were run last, newest first; ``table`` is a DataFrame."""

    def __init__(self, records: Sequence[PlanRecord], now: datetime) -> None:
        self.records, self._now = list(records), now

    def __len__(self) -> int:
        return len(self.records)

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                str(record.id),
                local_time(from_ms(record.run), self._now),
                record.state,
                price_of(record),
                str(record.promised.get("title", "")),
            )
            for record in self.records
        ]

    def _repr_text(self) -> str:
        return text_table(_HISTORY_HEAD, self._rows(), numbers=(0,)) if self else "No plan has been run yet."

    def _repr_html(self) -> str:
        return (
            html_table(_HISTORY_HEAD, self._rows(), numbers=(0,), long=(4,)) if self else super()._repr_html()
        )

    @property
    def table(self) -> pd.DataFrame:
        """One row per plan: id, run, kind, vault, state; promised archives, size, price; what came.

        ``asked``, ``done``, ``failed``, ``expired`` count archives; ``size_done`` is bytes that
        came back or were deleted; ``cost`` is what a restore has come to, in US dollars at the
        promised prices (Decimal, None unknown), each request and transfer once; times are UTC.
        """
        import pandas as pd

        records = self.records
        done = [_done(record) for record in records]
        columns: dict[str, list[Any]] = {
            "id": [r.id for r in records],
            "run": [from_ms(r.run) for r in records],
            "kind": [r.kind for r in records],
            "vault": [r.vault for r in records],
            "state": [r.state for r in records],
            "archives": [r.promised.get("archives") for r in records],
            "size": [r.promised.get("bytes") for r in records],
            "price": [price_of(r) for r in records],
            "asked": [r.tally.asked for r in records],
            "done": [count for count, _ in done],
            "failed": [r.tally.failed for r in records],
            "expired": [r.tally.expired for r in records],
            "size_done": [size for _, size in done],
            "cost": [to_millionth(came_to(r)) for r in records],
            "ended": [_ended(r) for r in records],
        }
        frame = pd.DataFrame(columns)
        for name in ("run", "ended"):
            frame[name] = pd.to_datetime(frame[name], utc=True)
        counts = ("archives", "size", "asked", "done", "failed", "expired", "size_done")
        frame = frame.astype(dict.fromkeys(counts, "Int64"))  # nullable: not every plan promises each number
        return marked(frame, as_of=self._now.isoformat())


class PastPlan(Rendered):
    """One plan in full: each promise beside its outcome.

    :param errors: name, outcome and reason of the archives that were not restored.
    """

    def __init__(self, record: PlanRecord, errors: Sequence[tuple[str, str, str]], now: datetime) -> None:
        self.record, self.errors, self._now = record, list(errors), now

    @property
    def title(self) -> str:
        """The plan in one sentence, and when it was run."""
        when = local_time(from_ms(self.record.run), self._now)
        return f"Plan {self.record.id}, run {when}: {self.record.promised.get('title', '')}"

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """Rows of a label, the promise and the outcome."""
        record, promised, tally = self.record, self.record.promised, self.record.tally
        done, size_done = _done(record)
        rows = [
            ("archives", _count(promised.get("archives")), f"{done:,}"),
            ("bytes", _size(promised), human_bytes(size_done)),
        ]
        if record.kind == "restore":
            came = came_to(record)
            reckoned = "unknown" if came is None else f"{money(came)} at the promised prices"
            rows += [
                ("requests", _count(promised.get("requests")), f"{tally.asked:,}"),
                ("price", price_of(record), reckoned),
                ("ready", self._window(), ""),
            ]
        elif promised.get("quote"):
            rows.append(("price", price_of(record), ""))
        ended = local_time(_ended(record), self._now)
        return [*rows, ("state", "", record.state), ("ended", "", ended or "not yet")]

    def _window(self) -> str:
        found = [self.record.promised.get(key) for key in ("earliest", "latest")]
        times = [local_time(datetime.fromisoformat(str(t)), self._now) for t in found if t]
        return " to ".join(times)

    def _promises(self) -> list[tuple[str, str]]:
        return [(str(label), str(words)) for label, words in self.record.promised.get("facts", [])]

    def _lines(self) -> list[tuple[str, ...]]:
        quote = self.record.promised.get("quote") or {"lines": []}
        return [
            (
                str(line["what"]),
                "unknown" if line["quantity"] is None else amount_of(Decimal(line["quantity"])),
                str(line["unit"]),
                rate(_decimal(line["price"])),
                money(_decimal(line["amount"])),
                str(line["source"]),
            )
            for line in quote["lines"]
        ]

    def _notes(self) -> list[str]:
        notes = [f"{outcome}: {name}: {reason}" for name, outcome, reason in self.errors]
        more = self.record.tally.failed + self.record.tally.expired - len(self.errors)  # only some are read
        if more > 0:
            notes.append(f"and {plural(more, 'more archive')} that did not come")
        return [*notes, *([self.record.error] if self.record.error else [])]

    def _repr_text(self) -> str:
        # Titles and errors quote names from descriptions, which may hold control characters.
        parts = [visible(self.title), text_table(_PLAN_HEAD, self.rows, numbers=(1, 2))]
        if self._lines():
            parts.append(text_table(_LINE_HEAD, self._lines(), numbers=(1, 3, 4)))
        parts += [visible(f"  {label}: {words}") for label, words in self._promises()]
        return "\n".join([*parts, *map(visible, self._notes())])

    def _repr_html(self) -> str:
        lines = html_table(_LINE_HEAD, self._lines(), numbers=(1, 3, 4), long=(5,))
        facts = html_table(("promised", ""), self._promises(), long=(1,))
        return (
            f"<p><b>{escape(self.title)}</b></p>"
            f"{html_table(_PLAN_HEAD, self.rows, numbers=(1, 2))}"
            f"{lines if self._lines() else ''}<details><summary>As it was promised</summary>"
            f"{facts}</details>{html_notes(self._notes())}"
        )


_HISTORY_HEAD = ("id", "run", "state", "price", "plan")
_PLAN_HEAD = ("what", "promised", "happened")
_LINE_HEAD = ("what", "quantity", "unit", "price", "amount", "source")


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _size(promised: Mapping[str, Any]) -> str:
    size, unsized = promised.get("bytes"), promised.get("unsized", 0)  # a deletion may have no size at all
    return human_bytes(None) if size is None else human_total(size, unsized)


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else ""
