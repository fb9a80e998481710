"""The workers that copy the ranges of moves: other processes, or a Dask cluster."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import weakref
from collections.abc import Callable, Mapping, MutableMapping
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ...base.extras import library
from ...base.units import masked
from ...base.version import __version__
from ...errors import GlacierError, InputError, LocalError, Refused, Unavailable, describe
from ...errors.steps import option
from ...service import Connection, open_service
from ..budget import Stopped

T = TypeVar("T")

FORMS = "processes:N, dask://HOST:PORT or tls://HOST:PORT"
PROCESSES = 61
"""The most processes: as many as Windows can wait for."""
SUBMITTED = 3
"""Times that a call is submitted whose worker is lost."""
SCHEMES = {"dask": "tcp", "tcp": "tcp", "tls": "tls"}

_ends: MutableMapping[Executor, Callable[[], Any]] = weakref.WeakKeyDictionary()
"""What ends the workers of an executor that was opened here."""


def open_workers(text: str, *, patience: float = 10) -> Executor:
    """Return the executor that a text names; what belongs to it ends with it.

    :param text: ``processes:N`` on this computer, or the address of a Dask scheduler:
        ``dask://HOST:PORT``, or ``tls://HOST:PORT`` with the certificates of Dask's configuration.
    :param patience: seconds in which a scheduler must answer.
    :raises InputError: it names none, or Dask is not installed.
    :raises Unavailable: no scheduler answers at that address.
    """
    kind, _, number = text.partition(":")
    if kind != "processes":
        return _cluster(text, patience)
    if not (number.isascii() and number.isdecimal() and 1 <= int(number[:9]) <= PROCESSES):
        raise InputError(f"Not a number of processes from 1 to {PROCESSES}: {text!r:.80}")
    executor = ProcessPoolExecutor(
        int(number),
        multiprocessing.get_context("spawn"),  # a fork would have the locks of threads that it lacks
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),  # Ctrl-C is for this process
    )
    _ends[executor] = weakref.finalize(executor, _terminate, executor._processes)
    return executor


def _terminate(processes: Mapping[int, BaseProcess]) -> None:
    for process in list(processes.values()):
        process.terminate()


def dismiss(executor: Executor | None) -> None:
    """End the workers, or the connection to them, that :func:`open_workers` has started; no others."""
    if executor is not None and executor in _ends:
        _ends[executor]()


def _cluster(text: str, patience: float) -> Executor:
    try:
        url = urlsplit(text)
        scheme, port = SCHEMES.get(url.scheme), url.port
    except ValueError:  # brackets, or a port that is no number
        scheme = port = None
    plain = "@" not in text and text.rpartition(":")[2] == str(port)  # Dask has no passwords
    if scheme is None or not port or not url.hostname or not plain:
        raise InputError(f"No workers are named by {text!r:.80}", cure=f"Write {FORMS}.")
    address = f"{scheme}://{url.netloc}"
    distributed = library("distributed", "dask")
    if scheme == "tls" and not distributed.Security().tls_ca_file:
        raise InputError(
            "Dask's configuration names no certificates",
            cure="Set distributed.comm.tls.ca-file, and client.cert and client.key beside it.",
        )
    try:
        client = distributed.Client(address, timeout=patience, set_as_default=False)
    except Exception as error:  # of sockets, TLS and Dask's protocol
        raise Unavailable(
            f"No Dask scheduler answers at {address}: {describe(error)}",
            cure="Start one with: dask scheduler. The workers of a scheduler with TLS have a tls:// address.",
        ) from None
    executor: Executor = client.get_executor(pure=False, retries=0)  # pure: equal calls would be one
    _ends[executor] = weakref.finalize(executor, _hang_up, client)
    return executor


def _hang_up(client: Any) -> None:
    """Close a client of Dask. Where its own loop collects the executor, another thread waits for it."""
    if client.asynchronous:
        threading.Thread(target=client.close, name="close the client of Dask").start()
    else:
        client.close()


def hello(source: Connection) -> dict[str, str]:
    """Return what this process copies with: the version of the package, the account and the region."""
    service = open_service(source)
    return {"version": __version__, "account": service.account(), "region": service.region}


def greet(executor: Executor, source: Connection, *, account: str, region: str) -> int:
    """Let the workers of an executor say hello; return how many ranges they copy at the same time.

    Each worker of a Dask cluster does; those of another executor are alike, and one does.

    :raises Refused: a worker has another version, account or region, or cannot connect.
    :raises Unavailable: there are no workers.
    """
    client: Any = getattr(executor, "_client", None)  # that of Dask's executor
    try:
        if client is None:
            told: dict[str, Any] = {"A worker": run_on(executor, hello, source)}
            slots = int(getattr(executor, "_max_workers", 1))
        else:
            told = client.run(hello, source, on_error="return")
            told = {f"The worker {place}": answer for place, answer in told.items()}
            slots = sum(client.nthreads().values())
    except Exception as error:  # the client's own, and those of a single worker
        told, slots = {"A worker": error}, 0
    if not told:
        raise Unavailable("The scheduler has no workers", cure="Start some with: dask worker ADDRESS.")
    for place, answer in told.items():
        _check(place, answer, {"version": __version__, "account": account, "region": region})
    return slots


def _check(place: str, told: Any, wanted: dict[str, str]) -> None:
    if not isinstance(told, dict):
        words = str(told) if isinstance(told, GlacierError) else describe(told)
        raise Refused(
            f"{place} cannot copy: {words}",
            cure=f"It needs glacier_magic {__version__}, and credentials that it finds by itself.",
        )
    if told["version"] != wanted["version"]:
        raise Refused(
            f"{place} has glacier_magic {told['version']}, and this process has {wanted['version']}",
            cure=f"Install it there: pip install glacier_magic=={wanted['version']}",
        )
    if told["account"] != wanted["account"]:
        raise Refused(
            f"{place} signs for the account {masked(told['account'])}, and the vault belongs to "
            f"{masked(wanted['account'])}",
            cure="Give it credentials of the vault's account, such as a role.",
        )
    if told["region"] != wanted["region"]:
        raise Refused(
            f"{place} uses the region {told['region']}, and the vault is in {wanted['region']}",
            cure=f"Name the region when you connect: {option('region', wanted['region'])}.",
        )


def run_on(
    executor: Executor,
    call: Callable[..., T],
    *given: Any,
    stop: threading.Event | None = None,
    left: int = SUBMITTED,
) -> T:
    """Return the result of a call on a worker; if the worker is lost, another one gets the call.

    :param stop: ends the wait.
    :param left: times that the call may be submitted.
    :raises GlacierError: the call did.
    :raises LocalError: the executor cannot go on, or has lost a worker with the call each time.
    :raises Stopped: *stop* was set.
    """
    try:
        future = executor.submit(call, *given)
        while not wait([future], 0.2).done:
            if stop is not None and stop.is_set():
                raise Stopped  # the call may run on: what it sends is sent again by the next start
        return future.result()
    except (GlacierError, Stopped):
        raise
    except Exception as error:  # all others are the executor's: a dead worker, a lost connection
        if left > 1 and not isinstance(error, BrokenExecutor):  # a broken one takes no more calls
            return run_on(executor, call, *given, stop=stop, left=left - 1)
        raise LocalError(
            f"The workers are lost: {describe(error)}",
            cure="S3 keeps the parts that it has. Start the same line again: it goes on from them.",
        ) from None
