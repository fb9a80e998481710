"""``python -m glacier_magic.emulator``: serve a data folder in the foreground."""

from __future__ import annotations

import argparse
import contextlib
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
from glacier_magic.emulator.folder_lock import FolderLock, make_private
from glacier_magic.emulator.own_hosts import is_loopback

if TYPE_CHECKING:
    from glacier_magic.emulator.server import Server
    from glacier_magic.emulator.service import EmulatedService

PORT_FILE = "port"
"""The file with the port at which a folder was served last."""

BUSY = 3
"""The exit code if another process is serving the folder."""


_KEYS_HELP = "another key pair that may sign requests; can be repeated"

_UNUSED_HELP = "stop when the last process that holds the emulator has ended"

_LATENCY_HELP = "delay every response by this many milliseconds, as over a long distance"


def _latency(text: str) -> float:
    milliseconds = float(text)
    if not 0 <= milliseconds <= 60_000:
        raise argparse.ArgumentTypeError("from 0 to 60000 milliseconds")
    return milliseconds


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server until it is stopped; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m glacier_magic.emulator",
        description="A local emulator of the Amazon Glacier vault service.",
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="the folder with all data")
    add("--port", type=int, default=0, help="the port to listen on (default: any free port)")
    add("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    add("--speed", type=float, help="virtual seconds per real second (default: unchanged)")
    add("--account", help="the 12-digit account id (default: random)")
    add("--discard", action="store_true", help="store only the hashes of uploads, not the bytes")
    add("--trust", action="store_true", help="do not check hashes; for measuring clients only")
    add("--no-auth", action="store_true", help="accept requests without a valid signature")
    add("--credentials", action="append", default=[], metavar="ID:SECRET", help=_KEYS_HELP)
    add("--latency", type=_latency, default=0.0, metavar="MS", help=_LATENCY_HELP)
    add("--sns-endpoint", metavar="URL", help="the SNS endpoint for notifications (default: none)")
    add("--seed", metavar="VAULT=COUNT", help="first create a vault with this many archives")
    add("--until-unused", action="store_true", help=_UNUSED_HELP)
    add("--verbose", action="store_true", help="print a line for each request")
    return _run(parser.parse_args(argv))


def _run(options: argparse.Namespace) -> int:
    folder = Path(options.data).expanduser().resolve()
    if options.account is not None and not _is_account(options.account):
        return _complain("--account takes twelve digits.")
    if not all(":" in pair for pair in options.credentials):
        return _complain("--credentials takes an access key id and a secret, with a colon between.")
    try:
        make_private(folder)
    except OSError as error:
        return _complain(f"The emulator cannot use {folder}: {error.strerror}.")
    lock = FolderLock(folder)
    if not lock.acquire():  # before anything in the folder is opened
        _complain(f"{folder} is being served already; stop that server or use another folder.")
        return BUSY
    try:
        return _serve(folder, options)
    except (OSError, ValueError, sqlite3.Error) as error:
        return _complain(f"The emulator cannot serve {folder}: {error}")
    finally:
        lock.release()


def _is_account(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return 1


def _serve(folder: Path, options: argparse.Namespace) -> int:
    # Imported late, so that --help and errors in the options are quick.
    from glacier_magic.emulator import operations, s3  # noqa: F401 - register the operations
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
            # Before listening: the first client finds the vault.
            service.seeder.seed(name, int(count), region="us-east-1")
        server = _listen(folder, options, service)
        service.start()  # after listening: where the port is taken, no thread starts
        with _announced(folder, server.url, service.account):
            _warn(options)
            print(server.url, flush=True)
            _serve_until_stopped(server)
    return 0


def _listen(folder: Path, options: argparse.Namespace, service: EmulatedService) -> Server:
    """Listen on the given port, else on the port of the last time, else on any free port."""
    last = folder / PORT_FILE
    if not options.port:
        # So that clients of the stopped server find the new one.
        with contextlib.suppress(OSError, ValueError, OverflowError):
            return _server(options, int(last.read_text("ascii")), service)
    server = _server(options, options.port, service)
    last.write_text(str(server.server_address[1]), "ascii")
    return server


def _server(options: argparse.Namespace, port: int, service: EmulatedService) -> Server:
    from glacier_magic.emulator.server import Server

    address = (options.host, port)
    return Server(address, service, verbose=options.verbose, until_unused=options.until_unused)


def _warn(options: argparse.Namespace) -> None:
    if not is_loopback(options.host):
        _complain(f"WARNING: listening on {options.host}: the network can reach this server.")
    if options.trust:
        _complain("WARNING: --trust: no hash is checked. Use this to measure clients only.")
    if options.discard:
        _complain("WARNING: --discard: uploads cannot be downloaded again.")


@contextlib.contextmanager
def _announced(folder: Path, url: str, account: str) -> Iterator[None]:
    """Write the server's address for other processes, as long as the context lasts."""
    path, temporary = folder / "server.json", folder / "server.new"
    state = {
        "pid": os.getpid(),
        "port": int(url.rpartition(":")[2]),
        "url": url,
        "account": account,
        "started": dates.iso(dates.real_now()),
    }
    temporary.write_text(json.dumps(state), "ascii")
    temporary.replace(path)  # atomic: readers never see half a file
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # a killed server leaves it: readers compare the pid


def _serve_until_stopped(server: Server) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        # Only a flag: the handler runs in this thread, between any two instructions.
        signal.signal(number, lambda *_: server.stopping.set())
    # In a thread of its own: shutdown() would wait for itself in this one.
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        # In short waits, because on Windows a signal does not interrupt a wait.
        while not server.stopping.wait(1.0):
            pass
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main())
