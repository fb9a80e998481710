"""Reading zips and tars from the parts at hand, and the parts that are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ...base.ranges import ByteRange, megabyte_cover, node_over
from ...base.treehash import CHUNK
from ...base.units import human_bytes
from ...catalogue import ArchiveRecord, ListingRecord
from ...descriptions import decode
from ...errors import GlacierError, InputError, NotFound, NotReady
from ...errors.steps import option, step
from ...jobs import Batch, Tracker
from ...packs.unpacking import Keys
from ...packs.unpacking.opening import unwrap
from ...peek import SEALED, Contents, ReadLimits, Window, kind_of, members, no_kind
from ...prices.quotes import HERE
from ...transfer.engine import Engine
from ..restore.items import NOTHING, READY, UNDER_WAY, RestoreItem, total
from ..restore.request import carry_out, check_folder
from . import local_source
from .part_store import PartStore, tidy

TAR_FIRST = 8 << 20
"""Bytes of a tar to request first: they cost less than two requests, and save hours."""
ZIP_FIRST, ZIP_MOST_FIRST = 1 << 20, 16 << 20
"""Bytes from the end of a zip that the first request has at least; and at most, as one request."""
FREE_ROUNDS = 10
"""Rounds of free downloads before the user has to confirm again."""
FREE_SECONDS = 120.0
"""Real seconds to wait for that before it continues in the background."""


class _Needed(Exception):
    """Ranges that are not at hand."""

    def __init__(self, parts: list[ByteRange]) -> None:
        super().__init__()
        self.parts = parts


class Look:
    """A look into one archive without paid requests.

    ``listing`` is the result, or None; then ``items`` are the parts that are missing.

    :param kind: ``zip``, ``tar``, ``tar.gz``, ...; None to go by the name.
    :param limits: how far reading goes.
    :param keys: open an encrypted tar, of which the first MiB is requested alone: it shows whether they do.
    :raises InputError: neither name nor description says the kind, it is encrypted, or its size is not known.
    """

    def __init__(
        self,
        archive: ArchiveRecord,
        *,
        kind: str | None,
        tier: str,
        limits: ReadLimits,
        engine: Engine,
        tracker: Tracker,
        destination: str,
        keys: Keys,
    ) -> None:
        self.archive, self.tier, self.vault = archive, tier, archive.vault
        self.kind = kind or _kind(archive)
        self._keys = keys
        if not archive.size:  # 0 is unknown as well: the service stores no empty archives
            raise InputError(
                f"The size of {archive.name!r} is not known, so it cannot be looked into",
                cure=f"{step('inventory')} reads it.",
            )
        self.size = archive.size
        self.limits = _first(self.kind, self.size, limits)
        self._engine, self._tracker, self._catalogue = engine, tracker, engine.catalogue
        self._destination = destination
        self.parts = PartStore(self._catalogue, archive)  # on the disk: hours pass between two rounds
        self.window = self._new_window()
        self.items: list[RestoreItem] = []
        self.listing = self._known()

    @property
    def title(self) -> str:
        """The task in one sentence."""
        return f"Look into the {self.kind} {self.archive.name!r} ({human_bytes(self.size)})"

    def read(self) -> None:
        """Read, and fetch what costs nothing, until the rest costs something.

        :raises Unlistable: it is not what it seems, or a limit does not let it be read.
        :raises WrongKey: the key or the password does not open it.
        :raises InputError: it is encrypted, and there is neither.
        """
        # gpg has keys of its own.
        if self.listing is None and self.kind in SEALED and self.kind != "tar.gpg" and not self._keys.given:
            raise InputError(
                f"The members of {self.archive.name!r} are encrypted",
                cure=f"Give {option('key', 'FILE')} or {option('password-file', 'FILE')}.",
            )
        if self.listing is None:
            self.listing = self._read_directly() or self._read_windows()

    def decide_again(self) -> None:
        """Update the items of the missing parts."""
        self._tracker.refresh([self.vault])
        self.items = [self.parts.decide(item.part, self.tier) for item in self.items if item.part]

    def carry_out(self, items: Sequence[RestoreItem], remember: Callable[[], int | None]) -> Batch:
        """Ask for parts, or fetch those that are ready.

        :param remember: see :func:`~.request.carry_out`.
        :raises LocalError: there is no room for them beside the catalogue.
        """
        if items:
            # Before anything is paid.
            check_folder(self.parts.root, total(item for item in items if item.action not in NOTHING))
        return carry_out(
            self._catalogue,
            self._tracker,
            items,
            title=self.title,
            tier=self.tier,
            root=self.parts.root,
            now=self._engine.service.clock.now_ms(),
            remember=remember,
        )

    def _known(self) -> ListingRecord | None:
        found = self._catalogue.listings.get(self.archive.vault, self.archive.archive_id)
        if found is None or found.kind != self.kind:  # the user may name another kind than before
            return None
        reach = found.most_bytes >= self.limits.bytes and found.most_rounds >= self.limits.rounds
        return found if found.complete or reach else None  # with wider limits there may be more members

    def _read_directly(self) -> ListingRecord | None:
        """Read a local copy, or the output of a job that has retrieved the whole archive."""
        local = local_source.local_copy(self._catalogue, self.archive)  # before any request
        if local is not None:
            window = local_source.of_file(local, self.size)
            return self._keep(self._members(window), f"the local file {local}")
        self._tracker.refresh([self.vault])
        job = self._catalogue.jobs.for_archive(self.vault, self.archive.archive_id)  # of any client
        # Out of the region, its bytes are transferred in parts whose price the plan shows.
        if job is None or job.status != "Succeeded" or self._destination != HERE:
            return None
        try:
            found = self._members(local_source.of_output(self._engine, job, self.size))
        except NotFound:  # the service has just dropped it
            self._catalogue.jobs.mark_gone(self.vault, job.job_id)
            return None
        return self._keep(found, "the output of a finished job")

    def _read_windows(self) -> ListingRecord | None:
        for _ in range(FREE_ROUNDS):  # each may find that it needs more, some of which is ready
            try:
                listing = self._look()
            except _Needed as needed:
                self.items = [self.parts.decide(part, self.tier) for part in needed.parts]
                ready = [item for item in self.items if self._is_free(item)]
                # The rest has to be confirmed, or is still being retrieved.
                if not ready or not self._fetch(ready):
                    break
            else:
                if self.parts.doubtful:
                    listing.notes.append("Read from bytes that no tree hash could verify.")
                return self._keep(listing, "the vault")
        return self._known()  # another process may have read it meanwhile, and dropped the parts

    def _look(self) -> Contents:
        """Read from the parts at hand.

        :raises _Needed: some are missing.
        """
        window = self.window = self._new_window()
        window.limit(self.limits.bytes)  # contents can lie about their own size
        start = _beginning(self.kind, self.size, self.limits)  # one larger request is hours faster than two
        window.read(start.first, start.size)
        return self._members(window)

    def _members(self, window: Window) -> Contents:
        name = self.archive.file_name
        around = partial(unwrap, name=name, keys=self._keys, most=self.limits.unpacked)
        return members(window, name, kind=self.kind, limits=self.limits, unwrap=around)

    def _new_window(self) -> Window:
        return Window(self._bytes, self.size, announce=self._announce)

    def _announce(self, ranges: list[tuple[int, int]]) -> None:
        parts = [ByteRange(*one) for one in ranges]
        missing = [part for part in parts if not self.parts.has(part)]
        if missing:
            raise _Needed(missing)  # all at once, so that their jobs run side by side

    def _bytes(self, first: int, last: int) -> bytes:
        data = self.parts.read(ByteRange(first, last))
        if data is None:
            raise _Needed([ByteRange(first, last)])  # its file has gone since it was announced
        return data

    def _fetch(self, items: Sequence[RestoreItem]) -> bool:
        """Fetch finished outputs; return whether all came."""
        try:
            self.carry_out(items, lambda: None).wait(FREE_SECONDS)  # free: it is no plan
        except NotReady:
            return False
        except GlacierError:  # dropped meanwhile, for example: decide again
            self.decide_again()
            return False
        return True

    def _is_free(self, item: RestoreItem) -> bool:
        """Return whether the bytes of an item can be fetched now, and are not charged, or were before."""
        done = item.job is not None and item.job.status == "Succeeded"
        return (item.action == READY and self._destination == HERE) or (item.action == UNDER_WAY and done)

    def paid(self) -> dict[str, tuple[int, int]]:
        """Return what was paid for the parts at hand; see :meth:`.PartStore.paid`."""
        return self.parts.paid(self._destination)

    def _keep(self, listing: Contents, source: str) -> ListingRecord:
        kept = self._catalogue.listings.record(
            self.vault,
            self.archive.archive_id,
            listing,
            listed=self._engine.service.clock.now_ms(),
            source=source,
            paid=self.paid(),
            most_bytes=self.limits.bytes,
            most_rounds=self.limits.rounds,
        )
        self.items = []
        if listing.complete:  # otherwise a wider look continues with them
            self.parts.forget()  # after paid() above, which counts their rows
        tidy(self._catalogue)
        return kept


def _kind(archive: ArchiveRecord) -> str:
    found = kind_of(archive.file_name) or kind_of(archive.description)
    encrypted = decode(archive.description).encrypted and found not in SEALED
    if found is None or encrypted:  # nothing is paid for bytes that cannot be read
        raise no_kind(archive.name, encrypted=encrypted)
    return found


def _first(kind: str, size: int, limits: ReadLimits) -> ReadLimits:
    """Return the limits with as much to read first as this kind is worth."""
    most = min(limits.bytes, TAR_FIRST if kind == "tar" else CHUNK if kind in SEALED else limits.bytes)
    if most < size:  # a power of two is one request
        most = 1 << max(0, most.bit_length() - 1)
    return replace(limits, first=max(CHUNK, most))  # the service retrieves whole MiB


def _beginning(kind: str, size: int, limits: ReadLimits) -> ByteRange:
    """Return the bytes to read first."""
    if kind == "zip":
        tail = ByteRange(max(0, size - ZIP_FIRST), size - 1)  # a zip's directory is at its end
        node = node_over(tail, size)
        least = megabyte_cover(tail, size)
        # A node has a tree hash, but the one over the last MiB may be the whole archive.
        return node if node.size <= min(ZIP_MOST_FIRST, limits.bytes) else least
    return ByteRange(0, min(size, limits.first) - 1)
