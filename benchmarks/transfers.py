"""How fast bytes are hashed, sent and fetched, each against its peers; run by hand.

    python benchmarks/transfers.py [hash] [upload] [download] [small] [memory]
        [--gib 1] [--runs 5] [--folder DIR] [--boto2 PYTHON] [--aws COMMAND]

Every sub-benchmark prints one table of medians; the runs of all that it compares are interleaved.
Transfers run in a fresh process each, which is timed without its imports and its connection; CPU
is that process's (user and system), the peak its resident memory with all imports.  The server is
the emulator: uploads with ``--trust --discard``, so that it neither hashes nor keeps, downloads of
generated content.  All run on one machine, so throughput is shared with the server.

Ours goes through the public API.  A download is timed from ``restore(...).run()`` of a job that
has finished already until the verified and synced file has its final name.

boto 2.49 and the AWS CLI are compared where the interpreter that has boto (3.11 or older), and the
command, are given.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import itertools
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from limits import Limit
from limits import show as show_limits

MIB, GIB = 1 << 20, 1 << 30
PART = 16 * MIB
MOST_MEMORY = 120
"""MiB of memory that an upload of any size may have resident, with all imports."""
FILES, FILE_SIZE = 1000, 64 << 10
AWAY = 20  # milliseconds to the nearest region and back, and for its answer
VAULT, REGION = "bench", "us-east-1"

Task = dict[str, Any]
"""What a client is told: url, folder, path, size and the like."""


# Measuring


def measured(action: Callable[[], object]) -> dict[str, float]:
    """Carry *action* out; return its real and CPU seconds, its children's too, and the peak."""
    cpu, began = sum(os.times()[:4]), time.perf_counter()
    action()
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "cpu": sum(os.times()[:4]) - cpu, "peak": peak()}


def peak() -> float:
    """Return the most MiB of memory that this process, or a child of it, ever had resident."""
    import resource

    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    status = Path("/proc/self/status")
    if status.exists():  # getrusage also counts what the process was before it was this program
        found = re.search(r"VmHWM:\s+(\d+)", status.read_text())
        return max(children, int(found[1]) / 1024 if found else 0.0)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return max(children, own / (MIB if sys.platform == "darwin" else 1024))


@dataclass
class Row:
    """What one client did in all runs."""

    name: str
    runs: list[dict[str, float]]
    why_not: str = ""

    def median(self, key: str) -> float:
        """Return the median of one measure."""
        return statistics.median(run[key] for run in self.runs)

    def times(self, other: Row) -> float:
        """Return how many times as fast this is: the ratio of the medians."""
        return other.median("seconds") / self.median("seconds")

    def best(self, key: str = "seconds") -> float:
        """Return the least of one measure: what is left where others use the machine as well."""
        return min(run[key] for run in self.runs)


def interleaved(clients: dict[str, Callable[[], dict[str, float]] | str], runs: int) -> dict[str, Row]:
    """Run each in turn, *runs* times, every other time backwards.

    One that is a text is not run, and that is why.
    """
    rows = {
        name: Row(name, [], client if isinstance(client, str) else "") for name, client in clients.items()
    }
    for number in range(runs):
        order = list(clients.items())
        for name, client in reversed(order) if number % 2 else order:
            row = rows[name]
            if row.why_not or isinstance(client, str):
                continue
            try:
                row.runs.append(client())
            except Exception as error:
                row.why_not, row.runs = f"failed: {error}", []
            if sys.stderr.isatty():
                print(f"\r  run {number + 1} of {runs}: {name}\x1b[K", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    return rows


def faster(ours: Row, theirs: Row, what: str, least: float) -> Limit:
    """Return how many times as fast one is as another, which must be *least*."""
    best = theirs.best() / ours.best()
    return Limit(f"throughput, x {what}", ours.times(theirs), least=least, best=best)


def show(title: str, rows: dict[str, Row], size: int, limits: Sequence[Limit]) -> None:
    """Print the table of one sub-benchmark."""
    print(f"\n{title}")
    print(f"  {'':<44} {'s':>7} {'GB/s':>6} {'CPU s':>6} {'peak MiB':>8}  all runs, s")
    for row in rows.values():
        if not row.runs:
            print(f"  {row.name:<44} not run: {row.why_not}")
            continue
        seconds = row.median("seconds")
        every = " ".join(f"{run['seconds']:.2f}" for run in row.runs)
        print(
            f"  {row.name:<44} {seconds:7.2f} {size / seconds / 1e9:6.2f} "
            f"{row.median('cpu'):6.2f} {row.median('peak'):8.0f}  {every}"
        )
    show_limits(*limits)


# Clients: each runs in a process of its own


def client_of_boto3(task: Task) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "glacier",
        endpoint_url=task["url"],
        region_name=REGION,
        aws_access_key_id="emulator",
        aws_secret_access_key="emulator",
        config=Config(retries={"max_attempts": 0}, max_pool_connections=32),
    )


@contextmanager
def our_vault(task: Task) -> Iterator[Any]:
    """Give our vault, with a catalogue that knows nothing."""
    import glacier_magic as gm

    with tempfile.TemporaryDirectory(dir=task["folder"]) as folder:
        catalogue = Path(folder) / "catalogue.sqlite"
        with gm.connect(region=REGION, emulator=task["emulator"], catalogue=catalogue) as session:
            yield session.vault(VAULT)


def upload_ours(task: Task) -> dict[str, float]:
    with our_vault(task) as vault:
        return measured(lambda: vault.upload(task["path"], part_size=PART))


def upload_shell(task: Task) -> dict[str, float]:
    """Upload with the command of a shell, from a file or from standard input."""
    words = [sys.executable, "-m", "glacier_magic.cli", "upload", "--vault", VAULT, "--again"]
    words += ["--stdin", "--name", "stream"] if task["stream"] else [task["path"]]
    with Path(task["path"]).open("rb") as source:
        return measured(
            lambda: subprocess.run(words, check=True, capture_output=True, stdin=source, env=shell_of(task))
        )


def shell_of(task: Task) -> dict[str, str]:
    """Return the environment of a shell whose catalogue is in the folder of a benchmark."""
    return os.environ | {"GLACIER_MAGIC_CATALOGUE": str(Path(task["folder"]) / "shell.sqlite")}


def upload_boto3(task: Task) -> dict[str, float]:
    import boto3

    facts = {"endpoint_url": task["url"], "region_name": REGION}
    keys = {"aws_access_key_id": "emulator", "aws_secret_access_key": "emulator"}
    vault = boto3.resource("glacier", **facts, **keys).Vault("-", VAULT)
    with Path(task["path"]).open("rb") as file:
        return measured(lambda: vault.upload_archive(body=file))


class _Body:
    """A part in memory, as a file that botocore does not read before it sends it."""

    def __init__(self, view: memoryview) -> None:
        self._view, self._position = view, 0

    def __len__(self) -> int:
        return len(self._view)

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, whence: int = 0) -> int:
        self._position = position + (len(self._view) if whence == 2 else 0)
        return self._position

    def read(self, size: int = -1) -> memoryview:
        end = len(self._view) if size is None or size < 0 else self._position + max(size, 256 << 10)
        piece = self._view[self._position : end]
        self._position += len(piece)
        return piece


def upload_unhashed(task: Task) -> dict[str, float]:
    """Send the parts with made-up hashes, from two threads: what boto3 itself costs."""
    from glacier_magic.base.treehash import aligned_buffer

    client, made_up = client_of_boto3(task), "0" * 64

    def add_hash(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["x-amz-content-sha256"] = made_up

    client.meta.events.register_first("before-call.glacier.UploadMultipartPart", add_hash)
    upload = client.initiate_multipart_upload(vaultName=VAULT, partSize=str(PART))["uploadId"]
    descriptor, local = os.open(task["path"], os.O_RDONLY), threading.local()

    def send(start: int) -> None:
        if not hasattr(local, "buffer"):
            local.buffer = aligned_buffer(PART)
        count = os.preadv(descriptor, [local.buffer], start)
        client.upload_multipart_part(
            vaultName=VAULT,
            uploadId=upload,
            body=_Body(local.buffer[:count]),
            checksum=made_up,
            range=f"bytes {start}-{start + count - 1}/*",
        )

    def send_all() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(send, range(0, task["size"], PART)))

    found = measured(send_all)
    client.abort_multipart_upload(vaultName=VAULT, uploadId=upload)
    return found


def two_hash_passes(task: Task) -> dict[str, float]:
    """Hash so many bytes for the tree and for the signature, from memory, in one thread."""
    from glacier_magic.base.treehash import aligned_buffer

    part = aligned_buffer(MIB)
    part[:] = os.urandom(len(part))

    def both() -> None:
        linear = hashlib.sha256()
        for _ in range(0, task["size"], MIB):
            hashlib.sha256(part).digest()
            linear.update(part)

    return measured(both)


BOTO2 = """
import sys
from boto.glacier.concurrent import ConcurrentUploader
from boto.glacier.layer1 import Layer1
from boto.regioninfo import RegionInfo
host, port, vault, path, part = sys.argv[1:]
layer = Layer1("emulator", "emulator", account_id="-", is_secure=False, port=int(port),
               region=RegionInfo(name="us-east-1", endpoint=host))
layer.create_vault(vault)
ConcurrentUploader(layer, vault, part_size=int(part), num_threads=10).upload(path, "x")
"""


def upload_boto2(task: Task) -> dict[str, float]:
    """Run boto 2.49's uploader with its own settings, 10 threads with parts of 4 MiB."""
    host, port = task["url"].removeprefix("http://").split(":")
    words = [host, port, VAULT, task["path"], str(4 * MIB)]
    return measured(lambda: command([task["boto2"], "-c", BOTO2, *words]))


def upload_aws(task: Task) -> dict[str, float]:
    """Call the AWS CLI for the start, for every part, cut out by ``dd``, and for the end."""
    from glacier_magic.base.treehash import tree_hash

    def aws(*words: str) -> dict[str, str]:
        fixed = ["--account-id=-", f"--vault-name={VAULT}", f"--endpoint-url={task['url']}"]
        keys = {"AWS_ACCESS_KEY_ID": "emulator", "AWS_SECRET_ACCESS_KEY": "emulator"}
        said = command([task["aws"], "glacier", *words, *fixed, f"--region={REGION}"], keys)
        return dict(json.loads(said))

    def upload() -> None:
        size, part = task["size"], Path(task["folder"]) / "part"
        started = aws("initiate-multipart-upload", f"--part-size={PART}", "--archive-description=x")
        for start in range(0, size, PART):
            cut = [f"if={task['path']}", f"of={part}", f"bs={PART}", f"skip={start // PART}"]
            command(["dd", *cut, "count=1", "status=none"])
            span = f"bytes {start}-{min(start + PART, size) - 1}/*"
            words = (f"--body={part}", f"--range={span}", f"--upload-id={started['uploadId']}")
            aws("upload-multipart-part", *words)
        whole = (f"--checksum={tree_hash(task['path'])}", f"--archive-size={size}")
        aws("complete-multipart-upload", f"--upload-id={started['uploadId']}", *whole)

    return measured(upload)


def command(words: Sequence[str], more: dict[str, str] | None = None) -> str:
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=os.environ | (more or {}))
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise RuntimeError(f"{Path(words[0]).name} ended with {done.returncode}: {last}")
    return done.stdout


def download_ours(task: Task) -> dict[str, float]:
    with our_vault(task) as vault, tempfile.TemporaryDirectory(dir=task["folder"]) as folder:
        plan = vault.restore(f"id:{task['archive']}", to=folder)

        def fetch() -> None:
            batch, failed = plan.run(), ("failed", "expired")
            for look in itertools.count(1):
                if any(not path.name.startswith(".") for path in Path(folder).iterdir()):
                    return
                # Rarely: a snapshot of the board costs more than the look at the folder.
                if look % 100 == 0 and any(row.state in failed for row in batch.snapshot.rows):
                    raise RuntimeError(str(batch))
                time.sleep(0.01)

        found = measured(fetch)
        (file,) = Path(folder).iterdir()
        assert file.stat().st_size == task["size"]
        return found


def stream(task: Task, path: Path) -> None:
    from boto3 import resource

    facts = {"endpoint_url": task["url"], "region_name": REGION}
    keys = {"aws_access_key_id": "emulator", "aws_secret_access_key": "emulator"}
    job = resource("glacier", **facts, **keys).Job("-", VAULT, task["job"])
    with path.open("wb") as file:
        shutil.copyfileobj(job.get_output()["body"], file, MIB)


def download_boto3(task: Task) -> dict[str, float]:
    path = Path(task["folder"]) / "output"
    client_of_boto3(task)  # what is imported and read only once
    try:
        return measured(lambda: stream(task, path))
    finally:
        path.unlink()


def download_boto3_hashed(task: Task) -> dict[str, float]:
    from botocore.utils import calculate_tree_hash

    path = Path(task["folder"]) / "output"
    client_of_boto3(task)

    def fetch() -> None:
        stream(task, path)
        with path.open("rb") as file:
            assert calculate_tree_hash(file) == task["tree_hash"]
            if task.get("sync"):
                os.fsync(file.fileno())

    try:
        return measured(fetch)
    finally:
        path.unlink()


def download_boto3_synced(task: Task) -> dict[str, float]:
    """Do all that ours does: the file is whole, and on the disk."""
    return download_boto3_hashed(task | {"sync": True})


def write_and_sync(task: Task) -> dict[str, float]:
    """Write so many bytes and wait for the disk: what no verified download can do without."""
    path, data = Path(task["folder"]) / "output", os.urandom(MIB)

    def write() -> None:
        with path.open("wb", buffering=0) as file:
            for _ in range(0, task["size"], MIB):
                file.write(data)
            os.fsync(file.fileno())

    try:
        return measured(write)
    finally:
        path.unlink()


def small_ours(task: Task) -> dict[str, float]:
    import pandas as pd

    with our_vault(task) as vault:
        pd.DataFrame({"what is imported late": [1]})
        return measured(lambda: vault.upload_all([task["path"]], recursive=True))


def small_boto3(task: Task) -> dict[str, float]:
    client = client_of_boto3(task)

    def upload() -> None:
        for path in sorted(Path(task["path"]).iterdir()):
            with path.open("rb") as file:
                client.upload_archive(vaultName=VAULT, archiveDescription=path.name, body=file)

    return measured(upload)


CLIENTS: dict[str, Callable[[Task], dict[str, float]]] = {
    client.__name__: client
    for client in (
        upload_ours,
        upload_shell,
        upload_boto3,
        upload_unhashed,
        two_hash_passes,
        upload_boto2,
        upload_aws,
        download_ours,
        download_boto3,
        download_boto3_hashed,
        download_boto3_synced,
        write_and_sync,
        small_ours,
        small_boto3,
    )
}


def fresh(client: Callable[[Task], dict[str, float]], task: Task) -> Callable[[], dict[str, float]]:
    """Return what runs a client in a process of its own and says what it measured."""
    words = [sys.executable, __file__, "--client", client.__name__, json.dumps(task)]
    server = task.get("server")

    def run() -> dict[str, float]:
        os.sync()  # what one leaves to be written is not the next one's to wait for
        before = server_cpu(server)
        told: dict[str, float] = json.loads(command(words).splitlines()[-1])
        return told | {"server": server_cpu(server) - before}

    return run


def alike(
    before: Callable[[], object], client: Callable[[], dict[str, float]]
) -> Callable[[], dict[str, float]]:
    """Return *client* with *before* carried out each time: a file system remembers the last one."""

    def run() -> dict[str, float]:
        before()
        return client()

    return run


def server_cpu(pid: int | None) -> float:
    stat = Path(f"/proc/{pid}/stat")
    if pid is None or not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def emulated(folder: Path, *extra: str) -> Iterator[tuple[Any, Task]]:
    """Serve an empty vault; give the emulator, and what clients are told."""
    from glacier_magic import emulator
    from glacier_magic.emulator.testing import running

    with running(folder / "emulator", extra=extra) as found:
        found.client(REGION).create_vault(vaultName=VAULT)
        known = emulator.find(found.folder)
        yield (
            found,
            {
                "url": found.url,
                "emulator": str(found.folder),
                "server": known.pid if known else None,
                "folder": str(folder),
            },
        )


def random_file(path: Path, size: int) -> Path:
    """Make a file, and leave it in the page cache."""
    with path.open("wb") as file:
        for start in range(0, size, MIB):
            file.write(os.urandom(min(MIB, size - start)))
        os.fsync(file.fileno())
    return path


# Sub-benchmarks


def hash_speed(given: argparse.Namespace, folder: Path) -> None:
    """Ours, botocore's and the rate at which all cores together hash a buffer in their caches."""
    from botocore.utils import calculate_tree_hash

    from glacier_magic.base.treehash import aligned_buffer, tree_hash

    size, cores = int(given.gib * GIB), len(os.sched_getaffinity(0))
    path = random_file(folder / "data", size)

    def botocore() -> None:
        with path.open("rb") as file:
            calculate_tree_hash(file)

    def read() -> None:
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass

    buffer = aligned_buffer(MIB)
    clients: dict[str, Callable[[], dict[str, float]] | str] = {
        "tree_hash(path)": lambda: measured(lambda: tree_hash(path)),
        "botocore.utils.calculate_tree_hash": lambda: measured(botocore),
        "openssl speed": lambda: openssl_speed(size, cores),
        "only reading it, one thread": lambda: measured(read),
    }
    if shutil.which("openssl") is None:
        clients["openssl speed"] = "there is no openssl on PATH"
    rows = interleaved(clients, given.runs)
    ours, theirs, limit, copying = rows.values()
    limits = [faster(ours, theirs, "botocore", 1.9)]
    if limit.runs:
        limits.append(faster(ours, limit, "openssl on all cores", 0.85))
    show(f"Tree hash of {given.gib:g} GiB in the page cache, {cores} cores", rows, size, limits)
    cost = copying.median("cpu") / ours.median("cpu")
    print(f"  copying out of the page cache is {cost:.0%} of our CPU time; the rest is hashlib")


def openssl_speed(size: int, cores: int) -> dict[str, float]:
    """Return the seconds that OpenSSL on all cores takes for so many bytes, as the clock goes."""
    words = ["openssl", "speed", "-elapsed", "-evp", "sha256", "-bytes", "16384", "-seconds", "1"]
    said = command([*words, *(["-multi", str(cores)] if cores > 1 else [])])
    found = re.findall(r"(?im)^(?:evp|sha256)\s+([\d.]+)k", said)
    seconds = size / (float(found[-1]) * 1000)
    return {"seconds": seconds, "cpu": seconds * cores, "peak": 0.0}


def upload_speed(given: argparse.Namespace, folder: Path) -> None:
    """Ours against boto3, and against what hashing and boto3 cost apart."""
    size = int(given.gib * GIB)
    path = str(random_file(folder / "data", size))
    # Without signatures too: boto 2.49 reads the region out of the host's name.
    with emulated(folder, "--trust", "--discard", "--no-auth") as (_, served):
        task = served | {"path": path, "size": size, "boto2": given.boto2, "aws": given.aws}
        clients: dict[str, Callable[[], dict[str, float]] | str] = {
            "vault.upload(path)": fresh(upload_ours, task),
            "boto3 vault.upload_archive(file)": fresh(upload_boto3, task),
            "two hash passes over memory, one thread": fresh(two_hash_passes, task),
            "boto3 with made-up hashes, 2 threads": fresh(upload_unhashed, task),
            "boto 2.49 ConcurrentUploader": fresh(upload_boto2, task)
            if given.boto2
            else "give an interpreter that has it: --boto2 PYTHON",
            "AWS CLI, part by part": fresh(upload_aws, task)
            if given.aws
            else "give the command: --aws COMMAND",
        }
        rows = interleaved(clients, given.runs)
    ours, boto3, hashes, unhashed, boto2, aws = rows.values()
    bound = hashes.median("cpu") + unhashed.median("cpu")
    limits = [
        faster(ours, boto3, "boto3 upload_archive", 1.7),
        Limit("client CPU, x (two hash passes + boto3 unhashed)", ours.median("cpu") / bound, most=1.05),
        Limit("peak resident MiB", ours.median("peak"), "MiB", most=MOST_MEMORY),
    ]
    limits += [faster(ours, row, row.name, 1.0) for row in (boto2, aws) if row.runs]
    show(f"Upload of {given.gib:g} GiB in parts of 16 MiB", rows, size, limits)
    print(f"  server CPU s: ours {ours.median('server'):.2f}, boto3 {boto3.median('server'):.2f}")


def prepared_job(found: Any, size: int) -> Task:
    """Let the emulator have an archive of generated content, and a job that has retrieved it."""
    from glacier_magic import emulator

    seeded = emulator.seed(found.folder, VAULT, 1, size=size, region=REGION)
    archive = seeded["archive_ids"][0]  # type: ignore[index]
    client = found.client(REGION)
    asked = {"Type": "archive-retrieval", "ArchiveId": archive}
    job = client.initiate_job(vaultName=VAULT, jobParameters=asked)["jobId"]
    found.advance(hours=4.1)
    told = client.describe_job(vaultName=VAULT, jobId=job)
    return {"archive": archive, "job": job, "size": size, "tree_hash": told["SHA256TreeHash"]}


def download_speed(given: argparse.Namespace, folder: Path) -> None:
    """Ours, verified and synced, against boto3 without either, and with the hash afterwards."""
    size = int(given.gib * GIB)
    with emulated(folder) as (found, served):
        task = served | prepared_job(found, size)
        clients = {
            "vault.restore(...).run(), verified, fsync": download_ours,
            "boto3 job.get_output to disk": download_boto3,
            "boto3 job.get_output, then its tree hash": download_boto3_hashed,
            "boto3 job.get_output, tree hash, fsync": download_boto3_synced,
            "only writing and fsync": write_and_sync,
        }
        rows = interleaved(
            {
                name: alike(fresh(write_and_sync, task), fresh(client, task))
                for name, client in clients.items()
            },
            given.runs,
        )
    ours, plain, hashed, synced, disk = rows.values()
    limits = [
        faster(ours, plain, "boto3 unverified", 1.0),
        faster(ours, hashed, "boto3 with the hash afterwards", 1.3),
        faster(ours, synced, "boto3, tree hash, fsync", 1.6),
        Limit("peak resident MiB", ours.median("peak"), "MiB", most=200),
    ]
    show(f"Download of {given.gib:g} GiB into {folder}", rows, size, limits)
    print(f"  of the time that writing and fsync alone take: {1 / ours.times(disk):.2f}")
    print(f"  server CPU s: ours {ours.median('server'):.2f}, boto3 {plain.median('server'):.2f}")


def small_files(given: argparse.Namespace, folder: Path) -> None:
    """A thousand small files, each a request: to a server here, and to one as far as a region."""
    many = folder / "many"
    many.mkdir()
    for number in range(FILES):
        (many / f"{number:04}").write_bytes(os.urandom(FILE_SIZE))
    for away in (0, AWAY):
        place = folder / f"away-{away}"
        with emulated(place, "--trust", "--discard", f"--latency={away}") as (_, served):
            task = served | {"path": str(many)}
            rows = interleaved(
                {
                    "vault.upload_all(folder)": fresh(small_ours, task),
                    "boto3, a loop over upload_archive": fresh(small_boto3, task),
                },
                given.runs,
            )
        ours, loop = rows.values()
        limits = [faster(ours, loop, "the loop", 9.0 if away else 1.0)]
        if not away:
            median, best = (1000 * seconds / FILES for seconds in (ours.median("cpu"), ours.best("cpu")))
            limits.append(Limit("client CPU a file", median, "ms", most=0.9, best=best))
        where = f"each answer {away} ms away" if away else "on this machine"
        show(f"{FILES:,} files of 64 KiB, {where}", rows, FILES * FILE_SIZE, limits)
        for row in rows.values():
            seconds, cpu, server = (row.median(key) for key in ("seconds", "cpu", "server"))
            print(
                f"  {row.name}: {FILES / seconds:,.0f} requests a second; one costs the client "
                f"{1000 * cpu / FILES:.2f} ms of CPU, the server {1000 * server / FILES:.2f} ms; "
                f"{(cpu + server) / seconds:.2f} cores busy"
            )


def memory_use(_: argparse.Namespace, folder: Path) -> None:
    """The peak of a transfer of 1 and of 4 GiB, either way, each in a fresh process.

    An upload of a sparse file is one of the Python interface, and two of the command of a shell, from
    the file and from standard input; that command prints its table without pandas, which alone takes
    85 MiB.
    """
    print(f"\nPeak resident memory of the client, MiB (limit of uploads {MOST_MEMORY}, of downloads 200)")
    for gib in (1, 4):
        size, path = gib * GIB, folder / "sparse"
        with path.open("wb") as file:
            file.truncate(size)
        with emulated(folder / f"up-{gib}", "--trust", "--discard") as (found, served):
            task = served | {"path": str(path), "size": size}
            up = fresh(upload_ours, task)()
            connect = ["connect", "--data", task["emulator"], "--region", REGION]
            command([sys.executable, "-m", "glacier_magic.cli", *connect], shell_of(task))
            shell, stdin = (fresh(upload_shell, task | {"stream": stream})() for stream in (False, True))
        with emulated(folder / f"down-{gib}") as (found, served):
            down = fresh(download_ours, served | prepared_job(found, size))()
        ways = {"upload": up, "upload, shell": shell, "upload, stdin": stdin, "download": down}
        peaks = ", ".join(f"{way} {run['peak']:.0f}" for way, run in ways.items())
        print(f"  {gib} GiB: {peaks}", flush=True)


BENCHMARKS = {
    "hash": hash_speed,
    "upload": upload_speed,
    "download": download_speed,
    "small": small_files,
    "memory": memory_use,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("which", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)} (default: all)")
    add("--gib", type=float, default=1.0, help="how much to hash, send and fetch")
    add("--runs", type=int, default=5, help="how often each is run")
    add("--folder", type=Path, help="where the files lie (default: the system's temporary folder)")
    add("--boto2", metavar="PYTHON", help="an interpreter that has boto 2.49")
    add("--aws", metavar="COMMAND", default=shutil.which("aws"), help="the AWS CLI")
    add("--client", nargs=2, metavar=("NAME", "JSON"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.client:
        print(json.dumps(CLIENTS[given.client[0]](json.loads(given.client[1]))))
        return
    unknown = set(given.which) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    missing = [name for name in ("boto3", "pandas") if importlib.util.find_spec(name) is None]
    if missing:
        parser.error(f"{', '.join(missing)} must be installed: pip install glacier_magic")
    for name in given.which or BENCHMARKS:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            BENCHMARKS[name](given, Path(folder))


if __name__ == "__main__":
    main()
