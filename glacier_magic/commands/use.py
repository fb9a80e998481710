"""Choosing the vault of later verbs."""

from __future__ import annotations

from .grammar import Parser, Verb
from .options import vault_word


def _configure(parser: Parser) -> None:
    vault_word(parser)
    parser.add_argument(
        "--requester-pays",
        action="store_true",
        help="of another account's bucket: this account pays for its requests, now and by all later verbs",
    )


VERB = Verb(
    name="use",
    summary="use a vault, or a bucket of S3, for the verbs that follow",
    run=lambda console, args: console.use(args.name, requester_pays=args.requester_pays),
    configure=_configure,
    examples=(("use photos", ""), ("use s3://archive-2026/scans", "a folder of a bucket")),
    details=(
        "The objects of a bucket are listed, restored and verified as archives of a vault; nothing is stored "
        "or deleted in it. It is listed when it is used first; inventory lists it again.\n\n"
        "A bucket whose requester pays refuses requests that do not say so: --requester-pays says it in each "
        "request to the bucket from now on, those of other processes too. Plans then name who pays."
    ),
)
