"""How fast an archive becomes an object of S3, against what people write by hand; run by hand.

    python benchmarks/migration.py [--mib 256] [--small 500] [--runs 3]
    python benchmarks/migration.py --plan 1000000
    python benchmarks/migration.py --restore 1000000
    python benchmarks/migration.py --manifest 1000000

Each way runs in a process of its own, timed without its imports and connection; CPU is that process's
(user and system), the peak its resident memory with all imports.  The server is the emulator, on the
same machine, for vault and bucket.  The ways are interleaved, and medians printed.

ours: ``vault.migrate(...).run()`` of a job that has finished, until the object is proven.
dask: the same on a Dask cluster of 2 processes with 2 threads, which run already; the CPU is that of the
driver, which has the scheduler, and of the workers.
narrow: as ours, and as dask with 2 processes of one thread, where the network limits each range: two are
under way at a time in both.
stream: boto3's ``get_job_output`` into ``upload_fileobj``, which verifies neither side.
loop: ranges of 16 MiB in one thread, each with its tree hash compared and its SHA-256 sent.
file: to a file, its tree hash, ``upload_file``, as careful people do.
cli: ``aws glacier get-job-output`` and ``aws s3 cp``, where the AWS CLI is installed.

``--plan`` times the plan for so many archives with its price, keys and duplicates: of eight archives one
has the name of the one before, and of three of these one its bytes, too.  ``--restore`` times the plan that
restores them, and ``--manifest`` the file of so many moves.  Each tells the CPU of a process of its own, and
the peak of its memory over that with all imports.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import hashlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from limits import Limit, show

from glacier_magic.emulator import testing

MIB, REGION, BUCKET = 1 << 20, "us-east-1", "bench"
WAYS = ["ours", "dask", "stream", "loop", "file", "cli", "small", "narrow", "narrow dask"]
if not shutil.which("aws"):
    WAYS.remove("cli")
NARROW, NARROW_RANGES = 24 * MIB, 2
"""Bytes a second of each range where the network is the limit, and ranges at a time: those of our threads."""

elsewhere: list[Callable[[], float]] = []
"""Return the CPU seconds of other processes that copy."""


def session(told: dict[str, Any], catalogue: Path) -> Any:
    """Connect to the emulator."""
    import glacier_magic as gm
    from glacier_magic.client.connect import connection_for

    connection = connection_for(emulator=Path(told["folder"]), region=REGION)
    return gm.Session(connection, catalogue=catalogue)


def ours(told: dict[str, Any], vault: str) -> Any:
    """Return what moves all archives of a vault."""
    opened = session(told, Path(told["catalogue"]))
    place = f"s3://{BUCKET}/{uuid.uuid4().hex}"
    plan = opened.vault(vault).migrate("*", to=place, storage_class="STANDARD", tier="Standard")
    return lambda: plan.run().wait(120)


def dask(told: dict[str, Any], *, narrow: bool) -> Any:
    """Return what moves the one archive with a cluster, whose processes have opened their connections."""
    from distributed import LocalCluster

    from glacier_magic.transfer import moving
    from glacier_magic.transfer.migrate.workers import open_workers

    threads = NARROW_RANGES // 2 if narrow else 2
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=threads, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    )
    executor = open_workers(cluster.scheduler_address)
    opened = session(told, Path(told["catalogue"]))
    source = dataclasses.replace(opened.service.connection, account=opened.account)
    client = cluster.get_client()
    client.run(lambda: moving._objects(source, REGION) and None)
    elsewhere.append(lambda: sum(client.run(lambda: sum(os.times()[:2])).values()))
    place = f"s3://{BUCKET}/{uuid.uuid4().hex}"
    plan = opened.vault("one").migrate(
        "*", to=place, storage_class="STANDARD", tier="Standard", executor=executor
    )
    return lambda: plan.run().wait(120)


def clients(told: dict[str, Any]) -> Any:
    """Return a client of the vault service, and one of S3."""
    import boto3

    keys = {"aws_access_key_id": "emulator", "aws_secret_access_key": "emulator", "region_name": REGION}
    return [boto3.client(name, endpoint_url=told["url"], **keys) for name in ("glacier", "s3")]


def loop(told: dict[str, Any]) -> Any:
    """Return what copies the one archive with boto3, range by range, and verifies both sides."""
    from botocore.utils import calculate_tree_hash

    glacier, s3 = clients(told)
    job, to = {"vaultName": "one", "jobId": told["one"]}, {"Bucket": BUCKET, "Key": uuid.uuid4().hex}

    def copy() -> None:
        upload = s3.create_multipart_upload(**to, ChecksumAlgorithm="SHA256")["UploadId"]
        parts: list[dict[str, Any]] = []
        for start in range(0, told["size"], 16 * MIB):
            end = min(start + 16 * MIB, told["size"]) - 1
            found = glacier.get_job_output(**job, range=f"bytes={start}-{end}")
            data = found["body"].read()
            assert calculate_tree_hash(io.BytesIO(data)) == found["checksum"]
            part = {"PartNumber": len(parts) + 1}
            part["ChecksumSHA256"] = base64.b64encode(hashlib.sha256(data).digest()).decode()
            sent = s3.upload_part(**to, **part, UploadId=upload, Body=data)
            parts.append({**part, "ETag": sent["ETag"]})
        s3.complete_multipart_upload(**to, UploadId=upload, MultipartUpload={"Parts": parts})

    return copy


def cli(told: dict[str, Any]) -> Any:
    """Return what copies the one archive with the AWS CLI."""
    keys = {"AWS_ACCESS_KEY_ID": "emulator", "AWS_SECRET_ACCESS_KEY": "emulator"}
    os.environ |= {**keys, "AWS_ENDPOINT_URL": told["url"], "AWS_DEFAULT_REGION": REGION}
    job = ("--account-id", "-", "--vault-name", "one", "--job-id", told["one"])

    def copy() -> None:
        with tempfile.NamedTemporaryFile() as file:
            for words in (
                ("glacier", "get-job-output", *job, file.name),
                ("s3", "cp", "--quiet", file.name, f"s3://{BUCKET}/{uuid.uuid4().hex}"),
            ):
                subprocess.run(["aws", *words], check=True, stdout=subprocess.DEVNULL)

    return copy


def by_hand(told: dict[str, Any], *, file: bool) -> Any:
    """Return what copies the one archive with boto3."""
    from glacier_magic import tree_hash

    glacier, s3 = clients(told)
    key = uuid.uuid4().hex

    def copy() -> None:
        found = glacier.get_job_output(vaultName="one", jobId=told["one"])
        if not file:
            s3.upload_fileobj(found["body"], BUCKET, key)
            return
        with tempfile.NamedTemporaryFile() as target:
            while data := found["body"].read(MIB):
                target.write(data)
            target.flush()
            assert tree_hash(target.name) == found["checksum"]
            s3.upload_file(target.name, BUCKET, key)

    return copy


def plan(told: dict[str, Any]) -> Any:
    """Return what makes a plan of all archives of a vault, and its price."""
    vault = session(told, Path(told["catalogue"])).vault("photos")
    return lambda: vault.migrate("*", to=f"s3://{BUCKET}/in", tier="Bulk").as_text()


def restore(told: dict[str, Any]) -> Any:
    """Return what makes a plan to restore all archives of a vault, and its price."""
    vault = session(told, Path(told["catalogue"])).vault("photos")
    return lambda: vault.restore("*", to=Path(told["folder"]).with_name("out"), tier="Bulk").as_text()


def manifest(told: dict[str, Any]) -> Any:
    """Return what writes the manifest of a vault."""
    vault = session(told, Path(told["catalogue"])).vault("photos")
    return lambda: vault.migrations().save(Path(told["folder"]).with_name("manifest.parquet"))


MANY = {"plan": plan, "restore": restore, "manifest": manifest}


def busy() -> float:
    """Return the CPU seconds of what copies, up to now."""
    return sum(os.times()[:4]) + sum(each() for each in elsewhere)


def child(way: str, told: dict[str, Any]) -> None:
    """Carry one way out and print what it took."""
    if way in MANY:
        import pyarrow.parquet  # noqa: F401 - its memory is not that of the plan

        act = MANY[way](told)
    elif way in ("ours", "small", "narrow"):
        act = ours(told, "many" if way == "small" else "one")
    elif "dask" in way:
        act = dask(told, narrow="narrow" in way)
    elif way in ("loop", "cli"):
        act = loop(told) if way == "loop" else cli(told)
    else:
        act = by_hand(told, file=way == "file")
    before = memory("VmRSS:") if way in MANY else 0
    cpu, began = busy(), time.perf_counter()
    act()
    seconds = time.perf_counter() - began
    cpu = busy() - cpu
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": memory("VmHWM:") - before}))


def memory(word: str) -> float:
    """Return a number of this process's memory in MiB."""
    return int(Path("/proc/self/status").read_text().partition(word)[2].split()[0]) / 1024


def inventory(rows: int) -> Any:
    """Yield an inventory in which names and bytes occur twice."""
    import pyarrow as pa
    from catalogue import batches

    for batch in batches(rows):
        columns = {name: batch[name].to_pylist() for name in batch.schema.names}
        for row in range(8, batch.num_rows, 8):
            columns["description"][row] = columns["description"][row - 1]
            if row % 24 == 0:
                for name in ("tree_hash", "size"):
                    columns[name][row] = columns[name][row - 1]
        yield pa.record_batch(columns, schema=batch.schema)


def moved(opened: Any) -> None:
    """Record each archive as moved and proven."""
    columns = "account, region, home, vault, batch, archive_id, name, size, tree_hash, tier, root, target"
    catalogue, digest = opened.catalogue, hashlib.sha256(b"").hexdigest()
    scope = catalogue.scope
    archives = opened.vault("photos").select("*")
    with catalogue.database.transaction():
        catalogue.database.executemany(
            f"INSERT INTO downloads({columns}, token, state) VALUES({'?,' * 13}'verified')",
            (
                (
                    *(scope.account, scope.region, catalogue.database.home, "photos", "one"),
                    *(each.archive_id, each.name, each.size, each.tree_hash, "Bulk"),
                    *(f"s3://{BUCKET}/in", f"s3://{BUCKET}/in/{each.name}", each.archive_id),
                )
                for each in archives
            ),
        )
        catalogue.database.execute(
            "INSERT INTO moved_objects(download, bucket, key, region, storage_class, metadata, step, "
            "checksum, etag, proof, proved) "
            f"SELECT id, '{BUCKET}', 'in/' || name, region, 'DEEP_ARCHIVE', '{{}}', 'proven', '{digest}', "
            "'etag', 2, 1700000000000 FROM downloads"
        )


def many(way: str, rows: int, most: tuple[float, float]) -> None:
    """Print what the plan or the manifest of so many archives takes.

    :param most: the seconds and the MiB that are allowed.
    """
    from catalogue import MADE, read

    with tempfile.TemporaryDirectory() as name, testing.running(Path(name) / "service") as emulator:
        os.environ |= {"GLACIER_MAGIC_HOME": name, "AWS_EC2_METADATA_DISABLED": "true"}
        emulator.s3_client(REGION).create_bucket(Bucket=BUCKET)
        told = {"folder": str(emulator.folder), "url": emulator.url, "catalogue": f"{name}/c.sqlite"}
        opened = session(told, Path(told["catalogue"]))
        opened.create_vault("photos")
        read(opened.catalogue, rows, inventory(rows), MADE)
        if way == "manifest":
            moved(opened)
        opened.close()
        words = [sys.executable, __file__, "--child", way, json.dumps(told)]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
    show(
        Limit(f"{way} of {rows:,} archives", found["seconds"], "s", most=most[0]),
        Limit("  its CPU", found["cpu"], "s"),
        Limit("  peak of memory over its imports", found["peak"], "MiB", most=most[1]),
    )


def table(mib: int, small: int, found: dict[str, list[dict[str, float]]]) -> None:
    """Print the medians of the ways."""
    medians = {
        way: {what: statistics.median(run[what] for run in runs) for what in ("seconds", "cpu", "peak")}
        for way, runs in found.items()
    }
    for way in WAYS:
        one = medians[way]
        if way == "small":
            each = one["cpu"] / small * 1000
            rate = small / one["seconds"]
            print(f"small       {rate:7.0f} archives of 4 KiB a second, {each:.1f} CPU ms each")
            continue
        if way == "narrow":
            print(f"{NARROW_RANGES} ranges at a time, of {NARROW // MIB} MiB/s each: the network's limit")
        usual = "narrow" if "narrow" in way else "ours"
        print(
            f"{way:11} {mib / one['seconds']:7.0f} MiB/s  "
            f"{one['cpu'] * 1024 / mib:5.2f} CPU s a GiB  {one['peak']:5.0f} MiB  "
            f"{medians[usual]['seconds'] / one['seconds']:.2f} x the speed of {usual}"
        )
    print(f"All processes share {os.cpu_count()} cores: where these are the limit, those of dask have less.")


def main() -> None:
    """Print a table of the ways."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--small", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--plan", type=int, metavar="ROWS")
    parser.add_argument("--restore", type=int, metavar="ROWS")
    parser.add_argument("--manifest", type=int, metavar="ROWS")
    given = parser.parse_args()
    if given.plan:
        many("plan", given.plan, (10, 600))
    if given.restore:
        many("restore", given.restore, (10, 600))
    if given.manifest:
        many("manifest", given.manifest, (20, 1200))
    if given.plan or given.restore or given.manifest:
        return
    with tempfile.TemporaryDirectory() as name, testing.running(Path(name) / "service") as emulator:
        folder = Path(name)
        os.environ |= {"GLACIER_MAGIC_HOME": name, "AWS_EC2_METADATA_DISABLED": "true"}
        emulator.s3_client(REGION).create_bucket(Bucket=BUCKET)
        told = {"folder": str(emulator.folder), "url": emulator.url, "catalogue": ""}
        told["size"] = given.mib * MIB
        opened = session(told, folder / "c.sqlite")
        os.chdir(folder)
        for number in range(given.small):
            Path(f"{number:05}").write_bytes(os.urandom(4096))
        Path("large").write_bytes(os.urandom(given.mib * MIB))
        opened.create_vault("one").upload("large")
        opened.create_vault("many").upload_all(sorted(folder.glob("0*")))
        client = emulator.client(REGION)  # by nobody: a download of ours would run beside
        for vault in ("one", "many"):
            for archive in opened.vault(vault).select("*"):
                wanted = {"Type": "archive-retrieval", "ArchiveId": archive.archive_id}
                told["job"] = client.initiate_job(vaultName=vault, jobParameters=wanted)["jobId"]
            told[vault] = told["job"]
        opened.close()
        emulator.advance(hours=5)
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(given.runs):
            for way in WAYS:
                told["catalogue"] = str(folder / f"{uuid.uuid4().hex}.sqlite")
                shutil.copy(folder / "c.sqlite", told["catalogue"])
                words = [sys.executable, __file__, "--child", way, json.dumps(told)]
                if "narrow" in way:
                    emulator.fault("trickle", "GetJobOutput", probability=1, rate=NARROW)
                done = subprocess.run(words, check=True, capture_output=True, text=True)
                emulator.clear_faults()
                found[way].append(json.loads(done.stdout.splitlines()[-1]))
    table(given.mib, given.small, found)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], json.loads(sys.argv[3]))
    else:
        main()
