"""How much the emulator costs the tests that use it; run by hand.

    python benchmarks/emulator.py [--moto PATH_TO_moto_server]

Prints server CPU seconds per GiB next to the two SHA-256 passes that the work consists of, small
reads a second, and the same reads from a store of a million archives.  With moto's server given,
the operations it has are measured against it too.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from limits import Limit, show

from glacier_magic import emulator
from glacier_magic.base import treehash
from glacier_magic.emulator.testing import Emulator, running

MIB = 1 << 20
PART = 16 * MIB
# Nobody verifies it here: moto looks at it to see which service is meant.
SCOPE = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/glacier/aws4_request, Signature=x"
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid: int) -> float:
    """Return the peak resident memory of a process in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def openssl() -> float:
    """Return the CPU seconds of one SHA-256 pass over a GiB, by ``openssl speed``."""
    command = ["openssl", "speed", "-seconds", "1", "-bytes", str(MIB), "-evp", "sha256"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    rate = float(re.search(r"sha256\s+([\d.]+)k", said.stdout, re.IGNORECASE)[1])
    return (1 << 30) / (rate * 1000)


def hashlib_pass() -> float:
    """Return the CPU seconds of one pass over a GiB by hashlib, a MiB at a time."""
    data, started = bytes(MIB), time.process_time()
    for _ in range(1024):
        hashlib.sha256(data).digest()
    return time.process_time() - started


def file_pass(folder: Path) -> float:
    """Return the CPU seconds that this machine takes to write a GiB to files at all."""
    data, started = memoryview(os.urandom(PART)), time.process_time()
    for number in range(64):
        with (folder / f"file-{number}").open("wb", buffering=0) as file:
            for start in range(0, PART, 1 << 16):
                file.write(data[start : start + (1 << 16)])
    return time.process_time() - started


class Raw:
    """Requests without boto3, whose own cost would hide the server's."""

    def __init__(self, url: str) -> None:
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"))
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __call__(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given["x-amz-glacier-version"] = "2012-06-01"
        given["Authorization"] = SCOPE
        self.connection.request(method, path, body, given)
        response = self.connection.getresponse()
        text = response.read()
        assert response.status < 300, text
        return text


def upload_cost(found: Emulator, gib: float) -> tuple[float, float]:
    """Upload 16 MiB parts on four connections; return server CPU and real seconds a GiB."""
    client = found.client()
    client.create_vault(vaultName="parts")
    upload = client.initiate_multipart_upload(vaultName="parts", partSize=str(PART))["uploadId"]
    data = os.urandom(PART)
    hashes = {
        "x_amz_content_sha256": hashlib.sha256(data).hexdigest(),
        "x_amz_sha256_tree_hash": treehash.tree_hash(data),
    }
    numbers = iter(range(int(gib * 64)))
    lock = threading.Lock()

    def work() -> None:
        send = Raw(found.url)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            where = f"bytes {number * PART}-{(number + 1) * PART - 1}/*"
            path = f"/-/vaults/parts/multipart-uploads/{upload}"
            send("PUT", path, data, Content_Range=where, **hashes)

    pid = emulator.find(found.folder).pid
    cpu, started = cpu_seconds(pid), time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(work) for _ in range(4)]:
            future.result()
    return (cpu_seconds(pid) - cpu) / gib, (time.perf_counter() - started) / gib


def download_cost(found: Emulator, gib: int) -> tuple[float, float]:
    """Download a stored archive; return server CPU and real seconds a GiB."""
    client = found.client()
    upload = client.list_multipart_uploads(vaultName="parts")["UploadsList"][0]
    key = {"vaultName": "parts", "uploadId": upload["MultipartUploadId"]}
    hashes = [
        bytes.fromhex(part["SHA256TreeHash"])
        for page in client.get_paginator("list_parts").paginate(**key)
        for part in page["Parts"]
    ]
    size, digest = len(hashes) * PART, treehash.combine(hashes).hex()
    stored = client.complete_multipart_upload(**key, archiveSize=str(size), checksum=digest)
    asked = {"Type": "archive-retrieval", "ArchiveId": stored["archiveId"]}
    job = client.initiate_job(vaultName="parts", jobParameters=asked)["jobId"]
    found.advance(hours=4)
    pid = emulator.find(found.folder).pid
    cpu, started = cpu_seconds(pid), time.perf_counter()
    body = client.get_job_output(vaultName="parts", jobId=job)["body"]
    while body.read(MIB):
        pass
    return (cpu_seconds(pid) - cpu) / gib, (time.perf_counter() - started) / gib


def reads_a_second(url: str, path: str, seconds: float = 2.0, threads: int = 1) -> float:
    """Return how many times a second *path* is answered."""
    counts = []

    def work() -> None:
        ask, count, ends = Raw(url), 0, time.perf_counter() + seconds
        while time.perf_counter() < ends:
            ask("GET", path)
            count += 1
        counts.append(count)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / seconds


@contextmanager
def moto(command: str):
    port = socket.create_server(("127.0.0.1", 0))
    number = port.getsockname()[1]
    port.close()
    server = subprocess.Popen(
        [command, "-p", str(number)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{number}"
    try:
        for _ in range(200):
            try:
                Raw(url).connection.close()
                break
            except OSError:
                time.sleep(0.05)
        yield url, server.pid
    finally:
        server.terminate()
        server.wait()


def against_moto(command: str) -> None:
    data = os.urandom(PART)
    hashes = {
        "x_amz_content_sha256": hashlib.sha256(data).hexdigest(),
        "x_amz_sha256_tree_hash": treehash.tree_hash(data),
    }
    rates, costs = {}, {}
    with (
        tempfile.TemporaryDirectory() as folder,
        moto(command) as (url, pid),
        running(Path(folder), extra=["--no-auth"]) as found,
    ):
        ours = emulator.find(found.folder).pid
        for name, where, process in (("emulator", found.url, ours), ("moto", url, pid)):
            send = Raw(where)
            send("PUT", "/-/vaults/v")
            rates[name] = reads_a_second(where, "/-/vaults/v")
            cpu = cpu_seconds(process)
            for _ in range(16):
                send("POST", "/-/vaults/v/archives", data, **hashes)
            costs[name] = (cpu_seconds(process) - cpu) * 4
    ratio = rates["emulator"] / rates["moto"]
    print(f"DescribeVault a second: {rates['emulator']:.0f}, moto {rates['moto']:.0f}", end="")
    print(f" ({ratio:.1f} x)")
    print(f"UploadArchive, CPU s/GiB: {costs['emulator']:.2f}, moto {costs['moto']:.2f}", end="")
    print(" (moto hashes once and keeps everything in memory)")


def transfers(folder: Path, gib: int) -> None:
    limit = 2 * openssl()
    print(f"two SHA-256 passes, CPU s/GiB: openssl {limit:.2f}, hashlib {2 * hashlib_pass():.2f}")
    print(f"writing 16 MiB files, CPU s/GiB: {file_pass(folder):.2f}")
    for name, extra in (("--discard", ["--discard"]), ("in files", [])):
        with running(folder / name, extra=["--no-auth", *extra]) as found:
            cpu, real = upload_cost(found, gib)
            print(f"16 MiB parts, {name}, server CPU s/GiB: {cpu:.2f}; {1 / real:.2f} GiB/s")
            show(Limit(f"parts, {name}, CPU of two passes of openssl", cpu / limit, most=1.5))
            if not extra:
                cpu, real = download_cost(found, gib)
                print(f"download, server CPU s/GiB: {cpu:.2f}; {1 / real:.2f} GiB/s")
            peak = memory(emulator.find(found.folder).pid)
            show(Limit(f"peak resident memory, {name}", peak, "MiB", most=200))


def records(folder: Path, archives: int) -> None:
    with running(folder / "records", extra=["--no-auth"]) as found:
        found.client().create_vault(vaultName="empty")
        started = time.perf_counter()
        emulator.seed(found.folder, "full", archives)
        seconds = time.perf_counter() - started
        show(Limit("seeding, a million archives", seconds * 1e6 / archives, "s", most=60))
        for path in ("/-/vaults/{}", "/-/vaults/{}/jobs"):
            empty, full = (reads_a_second(found.url, path.format(name)) for name in ("empty", "full"))
            print(f"GET {path} a second in an empty vault: {empty:.0f}")
            show(Limit(f"GET {path} in a full one", full, "/s", least=1000))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moto", help="the moto_server command to compare with")
    parser.add_argument("--gib", type=int, default=2, help="how much to upload")
    parser.add_argument("--archives", type=int, default=1_000_000, help="how many to seed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        transfers(Path(folder), given.gib)
        records(Path(folder), given.archives)
    if given.moto:
        against_moto(given.moto)


if __name__ == "__main__":
    main()
