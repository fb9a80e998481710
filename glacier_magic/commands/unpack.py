"""Opening compressed, encrypted and packed files on this computer."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from ..errors import GlacierError, LocalError
from ..packs.unpacking import Keys
from ..packs.unpacking.package import Unpacked, open_package
from .console import Console
from .grammar import Parser, Verb
from .options import size


def key_options(parser: Parser) -> None:
    """Add ``--key`` and ``--password-file``."""
    parser.add_argument("--key", metavar="FILE", help="a file of age identities, as age-keygen writes it")
    parser.add_argument(
        "--password-file", metavar="FILE", help="a file whose first line is the password; - asks for it"
    )


def unpacked(console: Console, files: Iterable[str], keys: Keys) -> None:
    """Unpack files beside themselves, and note what became of each; files without layers stay as they are.

    :raises GlacierError: the first error, after all files that can be unpacked are.
    """
    failed: list[GlacierError] = []
    for file in files:
        try:
            found = _unpack(console, file, keys=keys, plain=True)
        except GlacierError as caught:  # others may have other passwords
            failed.append(caught)
        else:
            console.face.note(f"{found!r}" if found else f"{file} needs no unpacking.")
    for error in failed[1:]:
        console.face.note(f"{type(error).__name__}: {error}")
    if failed:
        raise failed[0]


def _unpack(
    console: Console,
    file: str,
    to: str | None = None,
    *,
    keys: Keys,
    max_size: int | None = None,
    plain: bool = False,
) -> Unpacked | None:
    """Return what a file was unpacked to; None for one without layers, if *plain* files are accepted."""
    with open_package(file, to, keys=keys, max_size=max_size) as package:  # asks before progress is shown
        if plain and package.plain:
            return None
        with console.face.progress(f"Unpacking {file}"):
            found = package.extract()
    if found.omitted:
        console.exit_code = LocalError.exit_code  # not an error: the rest is there
    return found


def _configure(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a file on this computer")
    parser.add_argument("--to", metavar="DIR", help="folder for the result (that of the file)")
    key_options(parser)
    parser.add_argument(
        "--max-size",
        metavar="SIZE",
        type=size,
        help="the most that it may unpack to (100 times the file, and at least 1GiB)",
    )


def _run(console: Console, args: Namespace) -> Unpacked | None:
    keys = Keys(args.key, args.password_file)
    return _unpack(console, args.file, args.to, keys=keys, max_size=args.max_size)


VERB = Verb(
    name="unpack",
    summary="decrypt, decompress and extract a file",
    run=_run,
    configure=_configure,
    examples=(
        ("unpack restored/documents.20130214103045.tgz.enc", "asks for the password"),
        ("unpack photos.tar.zst.age --key ~/keys/age.txt --to back", ""),
    ),
    details=(
        "Opens layer after layer what bakthat, iceshelf, QNAP and others left: gzip, bzip2, xz, zstd, "
        "age, OpenPGP (with gpg, its keys and its agent), openssl enc -aes-256-cbc, and bakthat's "
        "Blowfish. Each is told by its first bytes, and so is a wrong password (exit code 11); bakthat's "
        "by the ending .enc. A tar or zip inside is extracted.\n\n"
        "The result is beside the file, or in the folder of --to: a folder, or a file, with the file's "
        "name without the endings of the layers. The file itself stays. Nothing is written outside the "
        "result, and nothing is replaced; of members of one name, the last one counts. Names are made "
        "safe for every system; devices, sparse files and links that lead out are left out, which the "
        "result says, and exit code 9.\n\n"
        "Passwords are asked for, or read from a file; no option takes one. Encrypted files and zstd need "
        "pip install 'glacier_magic[backup]'."
    ),
)
