"""What belongs to the account: the data retrieval policy, provisioned capacity, permissions."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from decimal import Decimal
from typing import Any

from ..administration import IdentityPolicy, RetrievalPolicy
from ..administration.saving import save_new
from ..errors import InputError
from ..prices import parse_money
from .console import Console
from .grammar import Parser, Verb


def _configure_policy(parser: Parser) -> None:
    parser.add_argument("set", nargs="?", metavar="set", help="set another one")
    parser.add_argument(
        "limit", nargs="?", metavar="LIMIT", help="none, free-tier, or bytes an hour: 1GB/h"
    )
    parser.add_argument("--yes", action="store_true", help="set it without asking")
    parser.add_argument(
        "--iam", action="store_true", help="print the IAM policy that this program needs instead"
    )
    parser.add_argument("--vault", metavar="V", action="append", help="with --iam: only this one")
    parser.add_argument("--save", metavar="FILE", help="with --iam: write it, account id and all")


def _policy(console: Console, args: Namespace) -> Any:
    if args.iam:
        return _iam(console, args)
    if args.vault or args.save:
        raise InputError("The data retrieval policy is the account's", cure="Add --iam.")
    policy = console.session.retrieval_policy()
    if args.set is None and args.yes:
        raise InputError("Nothing is to be set", cure="Write policy set and a limit.")
    if args.set is None:
        return policy
    if args.set != "set" or args.limit is None:
        raise InputError(
            f"There is no policy {args.set!r}" if args.set != "set" else "Set it to what?",
            cure=f"{console.face.program} policy set none|free-tier|1GB/h",
        )
    outcome = console.settle(policy.set(args.limit), yes=args.yes)
    if isinstance(outcome, RetrievalPolicy):
        console.face.note(f"It was {policy.name}; it is {outcome.name} within minutes.")
    return outcome


def _iam(console: Console, args: Namespace) -> IdentityPolicy:
    session = console.session
    vaults = [session.vault(name).name for name in args.vault or ()] or ["*"]
    place: dict[str, Any] = {"vaults": vaults, "partition": session.partition}
    if args.save:
        file = save_new(
            args.save, IdentityPolicy(session.region, account=session.account, **place).text
        )
        console.face.note(f"Written to {file}.")
    return IdentityPolicy(session.region, **place)


def money(text: str) -> Decimal:
    """Return US dollars, for argparse."""
    try:
        return parse_money(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _configure_capacity(parser: Parser) -> None:
    parser.add_argument("buy", nargs="?", choices=("buy",), help="buy a unit, after its price")
    parser.add_argument("--units", type=int, choices=(1, 2), default=1, help="how many to buy")
    parser.add_argument(
        "--max-cost", type=money, metavar="USD", help="refuse if it costs more, or may"
    )
    parser.add_argument("--yes", action="store_true", help="buy without asking")


def _capacity(console: Console, args: Namespace) -> Any:
    capacity = console.session.capacity()
    if args.buy is None:
        if args.yes or args.max_cost is not None:
            raise InputError("Nothing is to be bought", cure="Write capacity buy.")
        return capacity
    return console.settle(capacity.buy(args.units, max_cost=args.max_cost), yes=args.yes)


VERBS = (
    Verb(
        name="policy",
        summary="the account's data retrieval policy; the IAM policy for this program",
        run=_policy,
        configure=_configure_policy,
        details="policy set none accepts every retrieval, free-tier those within the free "
        "allowance, 1GB/h those\nthat keep the peak below it. A refused retrieval costs nothing.",
    ),
    Verb(
        name="capacity",
        summary="provisioned capacity for expedited retrievals",
        interrupted="%glacier capacity shows what was bought.",
        run=_capacity,
        configure=_configure_capacity,
        details="A unit is paid for at once and lasts a month; two are possible at a time. A "
        "purchase whose answer was lost\nis looked up before another is made.",
    ),
)
