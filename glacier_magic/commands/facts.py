"""Results of labels and values, one pair a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..base.rendering import escape, visible

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
    return f"<table class='glacier-table'>{rows}</table>"
