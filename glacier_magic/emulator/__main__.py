"""``python -m glacier_magic.emulator``: serve a data folder in the foreground."""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from glacier_magic.emulator import dates
from glacier_magic.emulator.folder_lock import FolderLock

if TYPE_CHECKING:
    from glacier_magic.emulator.server import Server
    from glacier_magic.emulator.service import EmulatedService

PORT_FILE = "port"
"""Remembers where a folder was served last."""

BUSY = 3
"""The exit code that says that the folder is being served already."""


_KEYS_HELP = "one more key pair that may sign requests; may be given several times"

_LATENCY_HELP = "answer every request so many milliseconds later, as from far away"


def _latency(text: str) -> float:
    milliseconds = float(text)
    if not 0 <= milliseconds <= 60_000:
        raise argparse.ArgumentTypeError("from 0 to 60000 milliseconds")
    return milliseconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the server's options to *parser*, so that another command line can embed them."""
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="the folder that keeps everything")
    add("--port", type=int, default=0, help="the port to listen at (default: any free one)")
    add("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    add("--speed", type=float, help="virtual seconds that pass in a second (default: as before)")
    add("--account", help="the twelve digits of the account (default: drawn at random once)")
    add("--discard", action="store_true", help="keep the hashes of what is uploaded, not the bytes")
    add("--trust", action="store_true", help="do not check hashes; for measuring clients only")
    add("--no-auth", action="store_true", help="accept requests without a valid signature")
    add("--credentials", action="append", default=[], metavar="ID:SECRET", help=_KEYS_HELP)
    add("--latency", type=_latency, default=0.0, metavar="MS", help=_LATENCY_HELP)
    add("--sns-endpoint", metavar="URL", help="publish notifications there (default: nowhere)")
    add("--seed", metavar="VAULT=COUNT", help="make a vault of that many archives first")
    add("--verbose", action="store_true", help="print a line for each request")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server until it is told to stop; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m glacier_magic.emulator",
        description="A faithful Amazon Glacier vault service on this machine.",
    )
    add_arguments(parser)
    return run(parser.parse_args(argv))


def run(options: argparse.Namespace) -> int:
    """Run the server with parsed *options* until it is told to stop; return the exit code."""
    folder = Path(options.data).expanduser().resolve()
    if options.account is not None and not _is_account(options.account):
        return _complain("--account takes twelve digits, the first of them not 0.")
    if not all(":" in pair for pair in options.credentials):
        return _complain("--credentials takes an access key id and a secret, with a colon between.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FolderLock(folder)
    if not lock.acquire():
        _complain(f"{folder} is being served already; stop that server or use another folder.")
        return BUSY
    try:
        return _serve(folder, options)
    except (OSError, ValueError, sqlite3.Error) as error:
        return _complain(f"The emulator cannot serve {folder}: {error}")
    finally:
        lock.release()


def _is_account(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit() and text[0] != "0"


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return 1


def _serve(folder: Path, options: argparse.Namespace) -> int:
    # Imported late: whoever only embeds the options does not pay for the server.
    from glacier_magic.emulator import operations  # noqa: F401 - registers or tests for it
    from glacier_magic.emulator.service import EmulatedService, Options

    service = EmulatedService(
        folder,
        Options(
            account=options.account,
            speed=options.speed,
            discard=options.discard,
            trust=options.trust,
            verify=not options.no_auth,
            key_pairs=dict(pair.split(":", 1) for pair in options.credentials),
            latency=options.latency / 1000,
            sns_endpoint=options.sns_endpoint,
        ),
    )
    with contextlib.closing(service):
        if options.seed:
            name, _, count = options.seed.partition("=")
            service.seeder.seed(name, int(count), region="us-east-1")
        server = _listen(folder, options, service)
        service.start()
        with _announced(folder, server.url, service.account):
            _warn(options)
            print(server.url, flush=True)
            _serve_until_stopped(server)
    return 0


def _listen(folder: Path, options: argparse.Namespace, service: EmulatedService) -> Server:
    """Listen where told to, else where this folder was served last, else at any free port."""
    from glacier_magic.emulator.server import Server

    last = folder / PORT_FILE
    if not options.port:
        # Clients that knew the server before it was stopped find it again.
        with contextlib.suppress(OSError, ValueError, OverflowError):
            address = (options.host, int(last.read_text("ascii")))
            return Server(address, service, verbose=options.verbose)
    server = Server((options.host, options.port), service, verbose=options.verbose)
    last.write_text(str(server.server_address[1]), "ascii")
    return server


def _warn(options: argparse.Namespace) -> None:
    if not _is_loopback(options.host):
        _complain(f"WARNING: listening at {options.host}: the network can reach this server.")
    if options.trust:
        _complain("WARNING: --trust: no hash is checked. Use this to measure clients only.")
    if options.discard:
        _complain("WARNING: --discard: what is uploaded cannot be downloaded again.")


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


@contextlib.contextmanager
def _announced(folder: Path, url: str, account: str) -> Iterator[None]:
    """Tell other processes where the server is, for as long as it is there."""
    path, beside = folder / "server.json", folder / "server.new"
    state = {
        "pid": os.getpid(),
        "port": int(url.rpartition(":")[2]),
        "url": url,
        "account": account,
        "started": dates.iso(dates.real_now()),
    }
    beside.write_text(json.dumps(state), "ascii")
    beside.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _serve_until_stopped(server: object) -> None:
    from glacier_magic.emulator.server import Server

    assert isinstance(server, Server)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stopping.set())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        # In short waits, for on Windows a signal does not end a long one.
        while not server.stopping.wait(1.0):
            pass
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main())
