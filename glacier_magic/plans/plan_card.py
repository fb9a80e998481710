"""A plan as an HTML card: a headline, the facts to read before running it, and folded details."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base.rendering import SHOWN, STYLE, escape, html_table
from ..errors.steps import left_out

if TYPE_CHECKING:
    from .base import Plan

_FOLDED = frozenset(
    {"price", "price of all", "tier", "ready", "destination", "free space", "another computer"}
)
"""Labels of facts that are rare, or whose gist is in the headline or in the choices."""

CARD_STYLE = STYLE + (
    "<style>.glacier-plan{box-sizing:border-box;max-width:62em;padding:14px 18px;border-radius:8px;"
    "border:1px solid var(--jp-border-color2,rgba(128,128,128,.4))}"
    ".glacier-plan p.glacier-line{font-size:1.4em;line-height:1.4;font-weight:500;margin:0 0 4px;"
    "overflow-wrap:anywhere}"
    ".glacier-line span{display:inline-block}"
    ".glacier-plan p.glacier-note{line-height:1.4;margin:0 0 4px}"
    ".glacier-plan dl.glacier-facts{display:grid;grid-template-columns:max-content minmax(0,1fr);"
    "gap:3px 14px;margin:8px 0;line-height:1.4}"
    # JupyterLab floats both.
    ".glacier-plan .glacier-facts :is(dt,dd){float:none;width:auto;margin:0;padding:0;"
    "overflow-wrap:anywhere}.glacier-plan .glacier-facts dt{font-weight:600}"
    ".glacier-plan ul.glacier-tiers{display:flex;flex-wrap:wrap;gap:8px;margin:10px 0;padding:0}"
    ".glacier-tiers li{box-sizing:border-box;flex:1 1 7em;list-style:none;margin:0;padding:8px 12px;"
    "border-radius:6px;line-height:1.4;border:1px solid var(--jp-border-color2,rgba(128,128,128,.4))}"
    ".glacier-tiers li.chosen{border:2px solid var(--jp-brand-color1,#1668c5);padding:7px 11px}"
    ".glacier-plan details{margin:6px 0;line-height:1.4}.glacier-plan summary{cursor:pointer}"
    ".glacier-wide{overflow-x:auto}.glacier-plan .glacier-table td.long{min-width:7em}</style>"
)


def card(plan: Plan[Any]) -> str:
    """Return the whole card, without controls, for pages without a kernel."""
    refused = f"<p class='glacier-note'><b>It cannot be run:</b> {escape(plan.refusal)}</p>"
    return (
        f"{CARD_STYLE}<div class='glacier-plan'>{top(plan)}{_choices(plan)}"
        f"{refused if plan.refusal else ''}{details(plan)}</div>"
    )


def headline(plan: Plan[Any]) -> list[str]:
    """Return what a plan does, its price, and when its results are ready."""
    quote = None if plan.empty else plan.next_quote
    price = "" if quote is None or quote.words() in plan.title else quote.brief()
    return [plan.title, *filter(None, (price, plan._when()))]


def top(plan: Plan[Any]) -> str:
    """Return the headline and the facts to read first, and what a plan that deletes deletes."""
    first, *others = map(escape, headline(plan))
    line = first + "".join(f"&nbsp;· <span>{words}</span>" for words in others)
    quote = None if plan.empty else plan.quote
    least = quote.allowance() if quote is not None and quote.total is not None else ""
    note = f"<p class='glacier-note'>{escape(least)}</p>" if least else ""
    facts = _facts(plan, folded=False)
    rows = _rows(plan) if plan.danger else ""
    return f"<p class='glacier-line'>{line}</p>{note}{facts}{rows}"


def details(plan: Plan[Any]) -> str:
    """Return the folded rest: the other facts, the price line by line with its sources, the rows."""
    facts = _facts(plan, folded=True)
    sections = [section._repr_html() for section in plan._sections()]
    if not sections and plan.quote is not None and plan.quote.lines:
        sections = [plan.quote._repr_html()]
    inner = facts + "".join(_wide("Prices", section) for section in sections)
    fold = f"<details><summary>Details</summary>{inner}</details>" if inner else ""
    return fold + ("" if plan.danger else _rows(plan))


def _facts(plan: Plan[Any], *, folded: bool) -> str:
    labels = _FOLDED | {"limit"} if plan.refused else _FOLDED  # the reason stands beside the button
    rows = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(words)}</dd>"
        for label, words in plan._all_facts
        # Of several plans: "photos to restored, price".
        if (label.rpartition(", ")[2] in labels) == folded
    )
    return f"<dl class='glacier-facts'>{rows}</dl>" if rows else ""


def _choices(plan: Plan[Any]) -> str:
    items = "".join(
        f"<li class='chosen'><b>✓ {escape(name)}</b>{words}</li>"
        if name == plan.tier
        else f"<li><b>{escape(name)}</b>{words}</li>"
        for name, lines in plan.choices().items()
        for words in ["".join(f"<br>{escape(line)}" for line in lines)]
    )
    return f"<ul class='glacier-tiers'>{items}</ul>" if items else ""


def _rows(plan: Plan[Any]) -> str:
    verbatim = f"<pre>{escape(plan.text)}</pre>" if plan.text else ""
    count = plan._count()
    if not count:
        return verbatim
    head, cells = plan._head(), plan._cells()[:SHOWN]
    table = html_table(head, cells, numbers=(1,), long=(0, len(head) - 1))
    more = f"<p class='glacier-note'>{escape(left_out(count - SHOWN))}</p>" if count > SHOWN else ""
    is_open = " open" if plan.danger and count <= 20 else ""  # what is deleted is read first
    return (
        f"<details{is_open}><summary>What is in it ({count:,})</summary>"
        f"{_wide('What is in it', table)}{more}</details>{verbatim}"
    )


def _wide(label: str, table: str) -> str:
    # A narrow page scrolls the table, also by keyboard, rather than itself.
    bare = table.replace(STYLE, "")  # the card has it once: a saved notebook stays small
    return f"<div class='glacier-wide' role='region' aria-label='{label}' tabindex='0'>{bare}</div>"
