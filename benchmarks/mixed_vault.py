"""A vault that fourteen years of clients filled: seeded, inventoried and browsed; run by hand.

    python benchmarks/mixed_vault.py [--archives 1000000] [--catalogue postgresql://...]

The emulator makes the archives, with descriptions as the clients wrote them; the inventory comes
over HTTP as from the service.  Printed is what each step takes, and which decoders spoke.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import glacier_magic as gm
from glacier_magic import emulator


def timed(what: str, work: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - started
    print(f"{what:<44}{seconds:10.3f} s", flush=True)
    return result


def browse(vault: gm.Vault) -> None:
    for what, work in {
        "first page by name": lambda: vault.archives(limit=50),
        "first page of a glob": lambda: vault.archives("*201?*.jpg", limit=50),
        "largest 50": lambda: vault.archives(sort="-size", limit=50),
        "a condition": lambda: vault.archives(where="size > 1GB and created < '2016'", limit=50),
        "a text anywhere in the name": lambda: vault.find("invoice"),
        "folders, one level": vault.du,
        "duplicates": vault.duplicates,
        "all archives as a DataFrame": vault.archives,
    }.items():
        found = timed(what, work)
        print(f"{'':<8}{len(found):,} rows")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--archives", type=int, default=1_000_000)
    parser.add_argument("--catalogue")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            session = gm.connect(emulator=folder, catalogue=args.catalogue)
            vault = session.create_vault("old")
            timed(
                f"seeding {args.archives:,} archives",
                lambda: emulator.seed(Path(folder), "old", args.archives),
            )
            job = vault.refresh_inventory()
            emulator.advance(Path(folder), 4.1 * 3600)
            session.service.account()  # hears the clock
            timed("inventory, from the service to the catalogue", job.wait)
            browse(vault)
            formats = vault.archives()["format"].value_counts()
            print("decoded: " + ", ".join(f"{name} {n:,}" for name, n in formats.items()))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"peak memory of all this: {peak:,.0f} MiB")
            session.close()
        finally:
            emulator.stop(Path(folder))


if __name__ == "__main__":
    main()
