"""Counting the requests that reach the emulator."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import cast

from glacier_magic.emulator.testing import Emulator


@contextmanager
def counting(emulator: Emulator, operation: str) -> Iterator[Callable[[], int]]:
    """Give a function that returns how many requests for *operation* have come since."""
    # a fault that harms nothing: the answer trickles, at a gigabyte a second, and is counted
    emulator.fault("trickle", operation, times=1_000_000, rate=10**9)

    def count() -> int:
        faults = cast("list[dict[str, object]]", emulator.status()["faults"])
        return sum(cast("int", f["struck"]) for f in faults if f["operation"] == operation)

    try:
        yield count
    finally:
        emulator.clear_faults()


@contextmanager
def counting_uploads(emulator: Emulator) -> Iterator[Callable[[], int]]:
    """Give a function that returns how many upload requests, all of which cost, have come since."""
    paid = ("UploadArchive", "InitiateMultipartUpload", "UploadMultipartPart", "CompleteMultipartUpload")
    with ExitStack() as stack:
        counts = [stack.enter_context(counting(emulator, operation)) for operation in paid]
        yield lambda: sum(count() for count in counts)
