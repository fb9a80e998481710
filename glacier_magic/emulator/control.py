"""The control endpoint ``/_emulator/``, for loopback only: status, clock, faults and seeding as JSON.

A ``POST`` must have ``Content-Type: application/json``.  A browser does not send that to another
origin without a preflight request, so no web page can turn the clock or stop the server.  Nor can one
whose own name leads here, after a change in DNS: ``Host`` and ``Origin`` must be the server's.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

from glacier_magic.emulator import auth, dates, own_hosts, service_errors, service_limits
from glacier_magic.emulator.faults import Fault
from glacier_magic.emulator.holders import Holders
from glacier_magic.emulator.http import Request, Response, json_response
from glacier_magic.emulator.records import vault_rows
from glacier_magic.emulator.service import EmulatedService

Answer = Callable[[EmulatedService, dict[str, Any]], dict[str, object]]


class _RefusedError(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def answer(
    service: EmulatedService,
    stopping: threading.Event,
    holders: Holders,
    request: Request,
    bound: tuple[str, int],
) -> Response:
    """Return the response to a request to the control endpoint of a server *bound* to an address."""
    try:
        document = _read(request, bound)
        if request.path == "/_emulator/stop" and request.method == "POST":
            stopping.set()
            return json_response({"stopping": True})
        if request.path == "/_emulator/hold" and request.method == "POST":
            return holders.hold()
        action = _ACTIONS.get((request.method, request.path))
        if action is None:
            raise _RefusedError(404, f"There is no {request.method} {request.path}.")
        return json_response(action(service, document))
    except _RefusedError as refusal:
        return json_response({"error": str(refusal)}, refusal.status)
    # Wrong fields arrive unchecked at float(), at Fault(**...), and, through seed(**...), at the store.
    except (
        ValueError,
        TypeError,
        KeyError,
        OverflowError,
        sqlite3.Error,
        service_errors.ServiceError,
    ) as error:
        return json_response({"error": str(error)}, 400)


def _read(request: Request, bound: tuple[str, int]) -> dict[str, Any]:
    if not own_hosts.is_loopback(request.client):
        raise _RefusedError(403, "The control endpoint answers to this machine only.")
    origin = request.headers.get("origin")
    given = [request.headers.get("host", ""), *([] if origin is None else [origin.removeprefix("http://")])]
    if not all(own_hosts.leads_to(authority, bound) for authority in given):
        raise _RefusedError(403, "The Host and Origin of a request must be the address of this server.")
    if request.method == "GET":  # other origins can send one, but not read the response
        return {}
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise _RefusedError(415, "Send JSON, with Content-Type: application/json.")
    return request.json()


def status(service: EmulatedService, _: dict[str, Any]) -> dict[str, object]:
    """Return the contents of ``emulator status``."""
    now = service.clock.now()
    with service.store.read() as connection:
        count, archives, size = connection.execute(
            # Bytes without the service's overhead.
            "SELECT count(*), total(live_count), total(live_size - live_count * ?) FROM vaults"
            " WHERE deleted IS NULL",
            (service_limits.OVERHEAD,),
        ).fetchone()
        (buckets,) = connection.execute("SELECT count(*) FROM s3_buckets").fetchone()
        (objects,) = connection.execute("SELECT count(*) FROM s3_objects WHERE NOT marker").fetchone()
        (running,) = connection.execute("SELECT count(*) FROM jobs WHERE completes > ?", (now,)).fetchone()
    return {
        "pid": os.getpid(),
        "folder": str(service.folder),
        "account": service.account,
        "time": dates.iso(now),
        "speed": service.clock.speed,
        "paused": service.clock.paused,
        "next_inventory": dates.iso(vault_rows.next_inventory(now)),
        "vaults": count,
        "archives": int(archives),
        "bytes": int(size),
        "jobs_in_progress": running,
        "buckets": buckets,
        "objects": objects,
        "requests": dict(service.requests),
        "faults": service.faults.describe(),
    }


def _clock(service: EmulatedService, document: dict[str, Any]) -> dict[str, object]:
    """Turn the clock: ``{"advance": seconds}``, ``{"speed": x}``, ``{"paused": true}``."""
    if "speed" in document:  # first, because it also resumes
        service.clock.set_speed(float(document["speed"]))
    if "paused" in document:
        turn = service.clock.pause if document["paused"] else service.clock.resume
        turn()
    if "advance" in document:
        service.clock.advance(float(document["advance"]))
    return status(service, {})


def _add_fault(service: EmulatedService, document: dict[str, Any]) -> dict[str, object]:
    """Set a fault: the fields of :class:`~glacier_magic.emulator.faults.Fault`."""
    service.faults.add(Fault(**document))
    return status(service, {})


def _clear_faults(service: EmulatedService, _: dict[str, Any]) -> dict[str, object]:
    """Remove all faults."""
    service.faults.clear()
    return status(service, {})


def _seed(service: EmulatedService, document: dict[str, Any]) -> dict[str, object]:
    """Fill a vault: ``vault``, ``count`` and optionally ``region``, ``seed`` and ``size``."""
    asked = {"region": auth.DEFAULT_REGION} | document
    started = time.perf_counter()
    first = service.seeder.seed(**asked)
    seconds = round(time.perf_counter() - started, 3)
    return status(service, {}) | {"archive_ids": first, "seconds": seconds}


def _credentials(service: EmulatedService, document: dict[str, Any]) -> dict[str, object]:
    """Issue temporary keys: ``{"seconds": life}``, an hour by default."""
    return service.temporary_keys.issue(float(document.get("seconds", 3600)))


_ACTIONS: dict[tuple[str, str], Answer] = {
    ("GET", "/_emulator/status"): status,
    ("POST", "/_emulator/clock"): _clock,
    ("POST", "/_emulator/faults"): _add_fault,
    ("POST", "/_emulator/faults/clear"): _clear_faults,
    ("POST", "/_emulator/seed"): _seed,
    ("POST", "/_emulator/credentials"): _credentials,
}
