"""Notifications of finished jobs, and the queue that the tracker listens to."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..errors import InputError
from .console import Console
from .grammar import Parser, Verb

_DO = ("setup", "remove")


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "words",
        nargs="*",
        metavar="setup|remove VAULT",
        help="create or remove a queue for the vault; or only the vault; or nothing, for all vaults",
    )
    parser.add_argument("--topic", metavar="ARN", help="notify this SNS topic")
    parser.add_argument("--events", metavar="E,E", help="with --topic: archive, inventory, or both (default)")
    parser.add_argument("--remove", action="store_true", help="send no notifications")
    parser.add_argument("--name", metavar="NAME", help="with setup: the queue is glacier-magic-NAME (jobs)")
    parser.add_argument("--replace", action="store_true", help="with setup: replace the vault's topic")
    parser.add_argument("--yes", action="store_true", help="do it without asking")


def _run(console: Console, args: Namespace) -> Any:
    # A vault of that name is reached by use: see the details.
    do = args.words[0] if args.words and args.words[0] in _DO else None
    named = args.words[1:] if do else args.words
    if len(named) > 1:
        raise InputError(f"One vault at a time, not {', '.join(named)}", cure="")
    _check(do, args)
    name = named[0] if named else None
    if do is not None:
        return _route(console, do, name, args)
    if name is None and args.topic is None and not args.remove:
        return console.session.notifications()
    return _set(console, name, args)


def _check(do: str | None, args: Namespace) -> None:
    if args.remove and args.topic is not None:
        raise InputError("--topic and --remove exclude each other", cure="Choose one.")
    if args.events is not None and args.topic is None:
        raise InputError("--events goes with --topic", cure="Add --topic ARN.")
    if do is not None and (args.topic is not None or args.remove):
        raise InputError(f"notify {do} uses its own topic", cure="Leave out --topic and --remove.")
    # An option without effect may be a misunderstanding.
    if do != "setup" and (args.name is not None or args.replace):
        raise InputError("--name and --replace go with notify setup", cure="")


def _route(console: Console, do: str, name: str | None, args: Namespace) -> Any:
    routing = console.session.routing(console.vault(name).name)  # the service notifies one topic per vault
    if do == "remove":
        return console.settle(routing.remove(), yes=args.yes)
    plan = routing.setup(args.name or "jobs", instead=args.replace)
    if args.yes:  # the plan, which says it, is not shown
        console.face.note(f"Cost: {dict(plan.facts)['cost']}.")
    return console.settle(plan, yes=args.yes)


def _set(console: Console, name: str | None, args: Namespace) -> Any:
    found = console.vault(name).notifications()
    if args.topic is not None:
        given = args.events.replace(",", " ").split() if args.events is not None else None
        return found.set(args.topic) if given is None else found.set(args.topic, given)
    return found.remove() if args.remove else found


VERB = Verb(
    name="notify",
    summary="show or set the topic that a vault notifies; create a queue",
    run=_run,
    table=True,
    configure=_configure,
    examples=(
        ("notify", ""),
        ("notify setup photos", ""),
        ("notify photos --topic arn:aws:sns:eu-west-1:123456789012:mine", ""),
    ),
    details=(
        "notify setup shows and creates a topic and a queue with their policies. While jobs are "
        "tracked, a message in the queue takes effect at once, and the service is polled less "
        "often. notify remove removes what setup created. For a vault called setup or remove, "
        "use the vault first."
    ),
)
