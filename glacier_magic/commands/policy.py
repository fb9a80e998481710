"""The account's data retrieval policy, and the IAM policy for this program."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..administration import IdentityPolicy, RetrievalPolicy
from ..administration.saving import save_new
from ..errors import InputError
from .console import Console
from .grammar import Parser, Verb


def _configure(parser: Parser) -> None:
    parser.add_argument("set", nargs="?", metavar="set", help="set another policy")
    parser.add_argument("limit", nargs="?", metavar="LIMIT", help="none, free-tier, or bytes an hour: 1GB/h")
    parser.add_argument("--yes", action="store_true", help="set it without asking")
    parser.add_argument(
        "--iam", action="store_true", help="print the IAM policy that this program needs instead"
    )
    parser.add_argument(
        "--vault",
        metavar="VAULT",
        action="append",
        help="with --iam: only this vault or bucket (s3://...); may be repeated",
    )
    parser.add_argument(
        "--save", metavar="FILE", help="with --iam: write it to this file, with the whole account id"
    )


def _run(console: Console, args: Namespace) -> Any:
    if args.iam:
        return _iam(console, args)
    if args.vault or args.save:
        raise InputError("The data retrieval policy is the account's", cure="Add --iam.")
    policy = console.session.retrieval_policy()  # read before the change, for the note on what it was
    if args.set is None and args.yes:
        raise InputError("--yes is for policy set", cure="Write policy set and a limit.")
    if args.set is None:
        return policy
    if args.set != "set" or args.limit is None:
        raise InputError(
            f"There is no policy {args.set!r}" if args.set != "set" else "Set it to what?",
            cure=f"{console.face.program} policy set none|free-tier|1GB/h",
        )
    outcome = console.settle(policy.set(args.limit), yes=args.yes)
    if isinstance(outcome, RetrievalPolicy):
        console.face.note(f"The policy was {policy.name}; {outcome.name} takes effect within minutes.")
    return outcome


def _iam(console: Console, args: Namespace) -> IdentityPolicy:
    session = console.session
    # vault() refuses what cannot be a name, as it becomes part of an ARN.
    vaults = [session.vault(name).name for name in args.vault or ()] or ["*"]
    if args.set not in (None, "migrate"):
        raise InputError(
            f"There is no IAM policy for {args.set!r}", cure="Write --iam, or --iam migrate BUCKET."
        )
    bucket = None if args.set is None else args.limit or "*"
    place: dict[str, Any] = {"bucket": bucket, "vaults": vaults, "partition": session.partition}
    if args.save:
        # IAM needs the whole id; a saved notebook must not have it.
        file = save_new(args.save, IdentityPolicy(session.region, account=session.account, **place).text)
        console.face.note(f"Written to {file}.")
    return IdentityPolicy(session.region, **place)


VERB = Verb(
    name="policy",
    summary="show or set the data retrieval policy; print an IAM policy",
    run=_run,
    configure=_configure,
    examples=(
        ("policy", ""),
        ("policy set free-tier", "refuse retrievals beyond the free allowance"),
        ("policy --iam --vault photos", "the permissions that this program needs"),
        ("policy --iam --vault s3://archive-2026", "those for a bucket in the place of a vault"),
        ("policy --iam migrate archive-2026", "and those of moves to a bucket"),
    ),
    details=(
        "policy set none accepts every retrieval, free-tier those within the free allowance, and "
        "1GB/h those that keep the peak rate below it. A refused retrieval costs nothing."
    ),
)
