"""The service: it takes a request and returns a response."""

from __future__ import annotations

import re
import secrets
import sqlite3
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from glacier_magic.emulator import auth, authorization, dates, faults, ids, service_errors
from glacier_magic.emulator.data_store import Store
from glacier_magic.emulator.faults import Fault, Faults
from glacier_magic.emulator.housekeeping import Housekeeping
from glacier_magic.emulator.http import ConnectionDroppedError, Request, Response, error_response
from glacier_magic.emulator.outputs import Outputs
from glacier_magic.emulator.payloads import Payloads
from glacier_magic.emulator.publishing import Publisher
from glacier_magic.emulator.records import vault_rows
from glacier_magic.emulator.records.vault_rows import StoredVault
from glacier_magic.emulator.seeding import Seeder
from glacier_magic.emulator.temporary_keys import TemporaryKeys
from glacier_magic.emulator.virtual_clock import VirtualClock

_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a server."""

    account: str | None = None
    speed: float | None = None
    discard: bool = False
    trust: bool = False
    verify: bool = True
    """Whether signatures are checked."""
    key_pairs: Mapping[str, str] = field(default_factory=dict)
    """Access key ids and their secrets, in addition to the built-in pair."""
    latency: float = 0.0
    """Real seconds by which every response of the service is delayed."""
    sns_endpoint: str | None = None
    """The SNS endpoint for notifications; None publishes none."""


class EmulatedService:
    """The service of one data folder, with its clock."""

    def __init__(self, folder: Path, options: Options) -> None:
        self.folder = folder
        self.options = options
        self.store = Store(folder / "store.sqlite")
        # Chosen once and stored: the ARNs that clients have stored contain it.
        self.account = self.store.meta("account", options.account or ids.account_id())
        if options.account not in (None, self.account):
            self.store.close()
            raise ValueError(f"{folder} belongs to account {self.account}.")
        self.clock = VirtualClock(folder / "clock.json", speed=options.speed)
        self.payloads = Payloads(folder, discard=options.discard, trust=options.trust)
        self.outputs = Outputs(self.store, self.payloads)
        self.faults = Faults()
        self.requests: Counter[str] = Counter()
        """How many requests of each operation have been accepted since the start, faults included."""
        self._counting = threading.Lock()
        self.seeder = Seeder(self.store, self.clock, self.account)
        self.publisher = Publisher(self, options.sns_endpoint)
        root = self.store.meta("temporary_keys", secrets.token_hex(32))
        self.temporary_keys = TemporaryKeys(root, self.clock)
        self._verifier = auth.Verifier(options.key_pairs, self.temporary_keys)
        self._sweep()  # before any request: a new file has no row until it is complete
        self.housekeeping = Housekeeping(self)

    def _sweep(self) -> None:
        with self.store.read() as connection:
            archives = {
                row[0]
                for row in connection.execute("SELECT file FROM pieces UNION SELECT file FROM s3_parts")
            }
            outputs = {row[0] for row in connection.execute("SELECT output FROM jobs")}
        self.payloads.sweep(archives, outputs)

    def start(self) -> None:
        """Start the threads that work between requests."""
        self.outputs.start()
        self.housekeeping.start()
        self.publisher.start()

    def close(self) -> None:
        """Stop the threads, save the clock and close the store."""
        self.housekeeping.stop()
        self.publisher.stop()
        self.outputs.stop()
        self.clock.save(final=True)  # after the threads, which still use the clock
        self.store.close()

    def answer(self, request: Request) -> Response:
        """Return the response to *request*; a ServiceError becomes an error response."""
        dialect = dialects.get(auth.service_of(request)) or dialects["glacier"]
        try:
            response = dialect.dispatch(self, request)
        except service_errors.ServiceError as error:
            response = dialect.refuse(error, request)
        # The connection resets, closes or responds with 408.
        except (ConnectionDroppedError, ConnectionError, TimeoutError):
            raise
        except Exception:  # a bug of the emulator: the client gets the service's internal error
            traceback.print_exc(file=sys.stderr)
            response = dialect.refuse(service_errors.unavailable(), request)
        return self.sign(response)

    def sign(self, response: Response) -> Response:
        """Add the headers that every response has."""
        now = self.clock.now()
        response.headers["x-amzn-RequestId"] = ids.request_id()
        # Real, because clients correct the clock with which they sign by it.
        response.headers["Date"] = dates.http_date(dates.real_now())
        response.headers["x-emulator-time"] = dates.iso(now)
        response.headers["x-emulator-speed"] = f"{self.clock.rate:g}"
        return response

    def dispatch(self, request: Request) -> Response:
        """Perform an operation on vaults."""
        call = self._identify(request)
        route, call.names = find_route(request)
        if "x-amz-glacier-version" not in request.headers:
            raise service_errors.missing_header("x-amz-glacier-version")
        if request.headers["x-amz-glacier-version"] != "2012-06-01":
            version = request.headers["x-amz-glacier-version"]
            raise service_errors.invalid(f"Invalid x-amz-glacier-version: {version}")
        authorization.check(call, route.operation)
        # After the checks: refused requests use up no fault.
        return self.perform(call, route.operation, route.handler)

    def perform(self, call: C, operation: str, handler: Callable[[C], Response]) -> Response:
        """Perform an operation, with the fault that hits it, if one does."""
        with self._counting:
            self.requests[operation] += 1
        call.fault = self.faults.take(operation)
        if call.fault is None:
            return handler(call)
        faults.before(call.fault, call.request)
        response = handler(call)
        faults.after(call.fault, response)
        return response

    def verify(self, request: Request) -> None:
        """Raise unless the signature of *request* is valid, or none is needed."""
        if self.options.verify:
            # Clients sign with the real time, not the virtual one.
            self._verifier.verify(request, dates.real_now())

    def _identify(self, request: Request) -> Call:
        self.verify(request)
        account = request.segments()[0]
        if account != "-" and not _ACCOUNT.fullmatch(account):  # "-" is the account that signed
            raise service_errors.unrecognized_client("No account found for the given parameters")
        if account not in ("-", self.account):
            raise service_errors.access_denied(f"Access to account {account} is denied.")
        return Call(self, request, self.account, auth.region_of(request))


@dataclass(slots=True)
class Call:
    """The request that an operation handles, with its context."""

    service: EmulatedService
    request: Request
    account: str
    region: str
    names: dict[str, str] = field(default_factory=dict)
    fault: Fault | None = None

    @property
    def clock(self) -> VirtualClock:
        """The virtual clock."""
        return self.service.clock

    @property
    def store(self) -> Store:
        """The store."""
        return self.service.store

    def vault(self, connection: sqlite3.Connection) -> StoredVault:
        """Return the vault in the path, or raise the 404."""
        return vault_rows.get(connection, self.account, self.region, self.names["vault"])

    def location(self, *path: str) -> str:
        """Return a Location header, which always contains the 12-digit account id."""
        return "/".join(("", self.account, "vaults", self.names["vault"], *path))


C = TypeVar("C", bound=Call)
Handler = Callable[[Call], Response]


class Dialect(NamedTuple):
    """How one of the services at the port performs a request, and how it writes an error."""

    dispatch: Callable[[EmulatedService, Request], Response]
    refuse: Callable[[service_errors.ServiceError, Request], Response]


dialects = {"glacier": Dialect(EmulatedService.dispatch, lambda error, _: error_response(error))}
"""The services, by their names in the scope of signatures."""


class OperationRoute(NamedTuple):
    """The requests that an operation handles; ``*name`` matches any one segment."""

    operation: str
    method: str
    pattern: tuple[str, ...]
    handler: Handler
    query: tuple[str, str] | None = None


routes: list[OperationRoute] = []
"""All operations."""


def operation(method: str, path: str, query: tuple[str, str] | None = None) -> Callable[[Handler], Handler]:
    """Register a handler for ``METHOD /ACCOUNT/path``; the operation is named after it."""

    def register(handler: Handler) -> Handler:
        name = "".join(word.title() for word in handler.__name__.split("_"))
        routes.append(OperationRoute(name, method, tuple(path.split("/")), handler, query))
        return handler

    return register


def find_route(request: Request) -> tuple[OperationRoute, dict[str, str]]:
    """Return the operation of a request and the names in its path."""
    segments = request.segments()[1:]
    for route in routes:
        if route.method == request.method and len(route.pattern) == len(segments):
            names = _names(route.pattern, segments)
            # AddTagsToVault and RemoveTagsFromVault differ in the query alone.
            if names is not None and (route.query is None or route.query in request.query_pairs()):
                return route, names
    raise service_errors.bad_request(f"There is no operation {request.method} {request.path}.")


def _names(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    names = {}
    for expected, found in zip(pattern, segments, strict=True):
        if expected.startswith("*"):
            names[expected[1:]] = found
        elif expected != found:
            return None
    return names
