"""Objects displayed as labels and values, one pair a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import GlacierError
from .rendering import STYLE, Rendered, escape, visible

Facts = Sequence[tuple[str, str]]


def facts_lines(facts: Facts) -> Iterable[str]:
    """Yield the lines of the facts, with the labels aligned at the right."""
    width = max((len(label) for label, _ in facts), default=0)
    for label, text in facts:
        first, *others = text.split("\n")
        # Line by line: visible() would escape the line ends as well.
        yield f"{label.rjust(width)}: {visible(first)}"
        yield from (f"{' ' * width}  {visible(line)}" for line in others)


def facts_html(facts: Facts) -> str:
    """Return the facts as an HTML table."""
    rows = "".join(
        f"<tr><th scope='row'>{escape(label)}</th>"
        f"<td class='long' style='white-space:pre-wrap'>{escape(text)}</td></tr>"
        for label, text in facts
    )
    return f"{STYLE}<table class='glacier-table'>{rows}</table>"


class Described(Rendered):
    """A base class for objects displayed as one line, and in a notebook as a title and facts."""

    def _title(self) -> str:
        return type(self).__name__

    def _facts(self) -> Facts:
        """Return labels and values; no request is sent."""
        raise NotImplementedError

    def _known_facts(self) -> Facts:
        try:
            return self._facts()
        except GlacierError as error:  # the session is closed: a repr does not raise
            return [("error", error.message)]

    def _repr_text(self) -> str:
        facts = ", ".join(f"{label} {text}" for label, text in self._known_facts())
        return visible(f"<{self._title()}: {facts}>")

    def _repr_html(self) -> str:
        return f"<p><b>{escape(self._title())}</b></p>{facts_html(self._known_facts())}"
