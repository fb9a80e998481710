"""Every test in a home of its own, without AWS settings; sessions on one real emulator."""

import functools
import gc
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import botocore.loaders
import pytest
from hypothesis import settings

import glacier_magic as gm
from glacier_magic import emulator as emulation
from glacier_magic.base.session_limits import Limits
from glacier_magic.base.units import parse_time
from glacier_magic.client.connect import connection_for
from glacier_magic.emulator import testing
from glacier_magic.errors import steps
from glacier_magic.jobs.fetching import Fetcher
from glacier_magic.packs.encryption import Identity
from tests import packed, postgres_server
from tests.finishing import finish
from tests.intercepting import Calls
from tests.leaks import Leaks

settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

# All boto3 sessions of this process share botocore's descriptions of AWS, which take 90 ms to parse.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)

# Without bytecode, each process that a test starts compiles the package anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

MIB = 1 << 20
PATIENCE = 30.0
"""Real seconds after which a wait of a test has failed; nothing is measured by it."""

_regions = itertools.count(1)
_leaks = Leaks()
_leaks.watch()


@pytest.fixture(scope="session", autouse=True)
def no_leaks(tmp_path_factory):
    """At the end, look for the secrets that were used in all output, and in the files that tests share."""
    yield
    _leaks.read_files(tmp_path_factory.getbasetemp())
    assert sorted(_leaks.found) == []


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Return one more than there are cores: many tests wait for virtual hours and for processes."""
    return 1 + (os.cpu_count() or 1)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Keep the garbage collector from what lives as long as the process: the collected tests."""
    gc.disable()
    result = yield
    gc.freeze()
    gc.enable()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Read what a test has printed."""
    report = yield
    for title, content in report.sections:
        _leaks.read(f"{title} of {item.nodeid}", content)
    return report


@pytest.fixture(autouse=True)
def home(tmp_path_factory, tmp_path, monkeypatch):
    """Point every place that a user's own files or settings could be in to an empty folder."""
    folder = tmp_path_factory.mktemp("home")
    for name in [n for n in os.environ if n.startswith(("AWS_", "BOTO", "GLACIER_MAGIC_"))]:
        if not name.startswith("GLACIER_MAGIC_TEST_"):
            monkeypatch.delenv(name)
    for name, place in {
        "HOME": "",
        "USERPROFILE": "",
        "LOCALAPPDATA": "local",
        "XDG_DATA_HOME": "share",
        "GLACIER_MAGIC_HOME": "own",
        "GLACIER_MAGIC_EMULATOR": "emulator",
        "AWS_CONFIG_FILE": "missing/config",
        "AWS_SHARED_CREDENTIALS_FILE": "missing/credentials",
    }.items():
        monkeypatch.setenv(name, str(folder / place))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield folder
    steps.spell_as(None)
    _leaks.use_settings(os.environ)  # those that child processes were given
    finish("glacier-explore")  # it reads a catalogue, whose folder is removed
    for written in (folder, tmp_path):
        _leaks.read_files(written)
    shutil.rmtree(folder, ignore_errors=True)  # as pytest does with tmp_path: together they take 14 GB


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """The one emulator of these tests; its clock stands still until a test moves it."""
    with testing.running(tmp_path_factory.mktemp("service")) as found:
        yield found


@pytest.fixture
def own_emulator(tmp_path):
    """An emulator of this test alone, to stop and to speed up."""
    with testing.running(tmp_path / "own-service") as found:
        yield found


@pytest.fixture
def region():
    """A region that no other test uses: vaults and jobs of others are not seen in it."""
    return f"test-{next(_regions)}"


@pytest.fixture
def client(emulator, region):
    """A boto3 client beside the session: what somebody else does in the same account."""
    return emulator.client(region)


@pytest.fixture(scope="session")
def stock_tools():
    """The programs that open a pack without this package; without them a test is skipped, but not by CI."""
    missing = [name for name in ("age", "age-keygen", "zstd", "tar") if shutil.which(name) is None]
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no {missing[0]} on this computer")


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server of these tests; without its programs they are skipped, but not by CI."""
    missing = [
        what
        for what, there in (
            ("PostgreSQL's server", postgres_server.programs()),
            ("psycopg", importlib.util.find_spec("psycopg")),
        )
        if not there
    ]
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no {missing[0]} on this computer")
    with postgres_server.running() as server:
        yield server


@pytest.fixture
def database_url(postgres):
    """The URL of an empty schema on the server."""
    with postgres.schema() as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def backend(request):
    """What the catalogue is kept in; a test that uses this, or ``place``, runs with each."""
    if request.param == "postgres":
        request.getfixturevalue("postgres")
    return request.param


@pytest.fixture(scope="session")
def new_place(backend, request, tmp_path_factory):
    """Make places for new catalogues: in a folder that is not there yet, or in a schema."""
    with ExitStack() as stack:

        def new_place():
            if backend == "postgres":
                return stack.enter_context(request.getfixturevalue("postgres").schema())
            return tmp_path_factory.mktemp("place") / "new folder" / "catalogue.sqlite"

        yield new_place


@pytest.fixture
def place(backend, request, tmp_path):
    """The place of this test's catalogue."""
    if backend == "postgres":
        return request.getfixturevalue("database_url")
    return tmp_path / "new folder" / "catalogue.sqlite"


def pytest_generate_tests(metafunc):
    """Run tests with the mark ``each_backend`` with a catalogue of each kind."""
    marked = metafunc.definition.get_closest_marker("each_backend")
    if marked and "session_place" in metafunc.fixturenames:
        metafunc.parametrize("session_place", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def session_place(request, tmp_path):
    """The place of the catalogue of this test's sessions."""
    kind = getattr(request, "param", os.environ.get("GLACIER_MAGIC_TEST_BACKEND", "sqlite"))
    if kind == "postgres":
        return request.getfixturevalue("database_url")
    return tmp_path / "catalogue.sqlite"


CHANGES = {
    "quick": {"first_pause": 0.01, "longest_pause": 0.01, "give_up": 1.0},
    "patient": {"give_up": PATIENCE},
    "small_parts": {"single_request": MIB, "smallest_part": MIB, "stream_part": MIB, "piece": MIB},
    "one_at_a_time": {"workers": 1},
    "soon": {"request_interval": 0.02, "idle": 0.1, "rate_settles": 0.0},
}
"""What fixtures of these names change of the limits of a test's sessions."""


@pytest.fixture
def limits(request):
    """The limits of this test's sessions; the mark ``limits`` changes them further.

    Their trackers look ten times as often as in real life.
    """
    changes = {"tick": 0.02, "emulator_idle": 0.1}
    for name, values in CHANGES.items():
        if name in request.fixturenames:
            changes |= values
    for mark in reversed(list(request.node.iter_markers("limits"))):
        changes |= mark.kwargs
    return Limits(**changes)


@pytest.fixture
def calls():
    """The calls to the service of this test's sessions, to replace or to watch."""
    return Calls()


@pytest.fixture
def connect(emulator, region, session_place, limits, calls):
    """Make sessions that are closed at the end, all on one catalogue unless another is given."""
    opened = []

    def connect(*, catalogue=session_place, limits=limits, **options):
        connection = connection_for(**({"emulator": emulator.folder, "region": region} | options))
        opened.append(gm.Session(connection, catalogue=catalogue, limits=limits, service=calls.service))
        return opened[-1]

    yield connect
    for session in opened:
        session.close()


@pytest.fixture
def session(connect):
    """A session on the emulator."""
    return connect()


@pytest.fixture
def vault(session):
    """An empty vault of the session."""
    return session.create_vault("photos")


@pytest.fixture
def s3(emulator):
    """A boto3 client of S3 beside the session."""
    return emulator.s3_client()


@pytest.fixture
def bucket(s3):
    """The name of an empty bucket of this test."""
    name = f"cold-{next(_regions)}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def listed_bucket(connect, bucket):
    """A function that lists the folder ``scans`` of the bucket, and returns it as a vault."""
    session = connect(region="us-east-1")

    def listed_bucket():
        found = session.vault(f"s3://{bucket}/scans")
        found.inventory()
        return found

    return listed_bucket


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The working folder of this test, and a function that makes a file in it."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def make(name, content=b"content", mtime=1_600_000_000):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(content) if isinstance(content, int) else content)
        os.utime(path, (mtime, mtime))
        return path

    make.folder = folder
    return make


@pytest.fixture
def filled(vault, files):
    """A vault with three archives; the local files are gone."""
    for name in ("scans/a.tif", "scans/b.tif", "c.txt"):
        path = files(name, name.encode() * 100)
        vault.upload(name)
        path.unlink()
    return vault


@pytest.fixture
def later(emulator):
    """Let virtual hours pass, and the given sessions notice."""

    def later(*sessions, hours=0.0, days=0.0):
        emulator.advance(hours=hours, days=days)
        for session in sessions:
            session.service.account()
            session.tracker.wake()

    return later


@pytest.fixture
def without_crt(tmp_path_factory, monkeypatch):
    """Processes started in the test have no awscrt, of which botocore imports 7 MiB where it is installed."""
    folder = tmp_path_factory.mktemp("without_crt")
    (folder / "awscrt.py").write_text("raise ImportError('The extra crt is not installed')\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))


@pytest.fixture
def held(monkeypatch):
    """Let no download begin while this is not empty."""
    held, original = [True], Fetcher.start_ready

    def start_ready(fetcher):
        if not held:
            original(fetcher)

    monkeypatch.setattr(Fetcher, "start_ready", start_ready)
    return held


@pytest.fixture
def disk(monkeypatch):
    """Let every disk have so many bytes left from now on."""

    def disk(free):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))

    return disk


@pytest.fixture
def jobs_of(client):
    """List the archive jobs that the service has of a vault, by archive id."""

    def jobs_of(vault="photos", action="ArchiveRetrieval"):
        pages = client.get_paginator("list_jobs").paginate(vaultName=vault)
        found = [job for page in pages for job in page["JobList"] if job["Action"] == action]
        return [job.get("ArchiveId") for job in found]

    return jobs_of


@pytest.fixture
def ready(later, session):
    """Let the hours of a batch pass once the tracker, too, has asked for all of it; return it."""

    def ready(batch, hours=4.1):
        end = time.monotonic() + PATIENCE
        while batch.snapshot.count("requested") and time.monotonic() < end:
            time.sleep(0.02)
        later(session, hours=hours)
        return batch.wait(PATIENCE)

    return ready


@pytest.fixture
def ranges_of(client):
    """List the ranges that the service was asked for, in order."""

    def ranges_of(vault="photos"):
        jobs = client.list_jobs(vaultName=vault)["JobList"]
        jobs.sort(key=lambda job: job["CreationDate"])
        return [job["RetrievalByteRange"] for job in jobs]

    return ranges_of


@pytest.fixture
def put(client):
    """Store an archive the way another program does; return its id."""

    def put(description, content=b"content", vault="photos"):
        answer = client.upload_archive(vaultName=vault, body=content, archiveDescription=description)
        return answer["archiveId"]

    return put


@pytest.fixture
def counted(calls):
    """Count the calls of the service's operations that send bytes."""
    counts = {"upload_archive": 0, "upload_part": 0, "complete_upload": 0, "start_upload": 0}
    for name in counts:

        def count(*_, name=name):
            counts[name] += 1

        calls.watch(name, count)
    return counts


@pytest.fixture
def stored(client, emulator):
    """Retrieve an archive as somebody else; return its bytes and its description."""

    def stored(archive_id, vault="photos"):
        parameters = {"Type": "archive-retrieval", "ArchiveId": archive_id}
        job = client.initiate_job(vaultName=vault, jobParameters=parameters)["jobId"]
        emulator.advance(hours=4.1)
        answer = client.get_job_output(vaultName=vault, jobId=job)
        return answer["body"].read(), answer.get("archiveDescription")

    return stored


@pytest.fixture
def archives_in(client, later):
    """Count the archives of a vault by the inventory that is made after a day."""

    def archives_in(vault="photos"):
        later(days=1.2)
        return client.describe_vault(vaultName=vault)["NumberOfArchives"]

    return archives_in


@pytest.fixture
def listed(later, session):
    """Read the inventory that is made after a day into the catalogue."""

    def listed(vault):
        later(days=1.2)
        job = vault.refresh_inventory()
        later(session, hours=4.1)
        return job.result(PATIENCE)

    return listed


@pytest.fixture
def quick(monkeypatch):
    """Let repeated calls follow each other without the pauses of real life."""
    import botocore.retries.standard as retries

    monkeypatch.setattr(retries.ExponentialBackoff, "delay_amount", lambda *_: 0)


@pytest.fixture
def patient(quick):
    """Repeat without pauses, for as long as a test can take."""


@pytest.fixture
def small_parts():
    """Cut what is uploaded and downloaded into pieces of 1 MiB."""


@pytest.fixture
def one_at_a_time():
    """Let parts, pieces and requests go one after the other."""


class ChangedStream:
    """A range of output whose bytes pass through ``change(offset, bytes)`` on their way."""

    def __init__(self, stream, change, *, told=True):
        self._stream, self._change, self._at = stream, change, 0
        self.total = stream.total
        self.tree_hash = stream.tree_hash if told else None

    def read(self, most):
        """Return what arrived, changed."""
        data = self._stream.read(most)
        changed = self._change(self._at, data)
        self._at += len(data)
        return changed

    def readinto(self, buffer):
        """Fill the buffer with what arrived, changed."""
        changed = self.read(len(buffer))
        buffer[: len(changed)] = changed
        return len(changed)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._stream.__exit__(*error)


@pytest.fixture
def changed_stream():
    """Make a stream of output whose bytes are changed on their way."""
    return ChangedStream


CONNECT = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell without jobs lets its children ignore it
def connect(folder, region, catalogue, **limits):
    from glacier_magic import Session
    from glacier_magic.base.session_limits import Limits
    from glacier_magic.client.connect import connection_for
    connection = connection_for(emulator=folder, region=region)
    return Session(connection, catalogue=catalogue, limits=Limits(**limits))
def stop(*_, **__):
    print("stopped", flush=True)
    sys.stdin.readline()
def stop_at(when, owner, name, number=1):
    original, calls = getattr(owner, name), []
    def call(*arguments, **options):
        calls.append(name)
        stops = len(calls) == number
        if stops and when == "before":
            stop()
        result = original(*arguments, **options)
        if stops and when == "after":
            stop()
        return result
    setattr(owner, name, call)
"""


class Child:
    """Another process of ours: runs a script until it prints a line, then is killed or left.

    The script has ``connect(folder, region, catalogue, **limits)`` to open a session, ``stop()`` to
    print "stopped" and wait for a line, and ``stop_at(when, owner, name, number)`` to stop "before" or
    "after" the call of a function that has this number.
    """

    def __init__(self, script, *arguments):
        self._process = subprocess.Popen(
            [sys.executable, "-c", CONNECT + textwrap.dedent(script), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._watch()

    def _watch(self):
        self._watchdog = threading.Timer(2 * PATIENCE, self._process.kill)
        self._watchdog.start()

    def until(self, word):
        """Read its lines up to the one that is *word*; return those before it."""
        lines = []
        for line in self._process.stdout:
            if line.strip() == word:
                return lines
            lines.append(line.strip())
        raise AssertionError(f"the process ended without {word!r}: {lines}")

    def kill_and_read(self):
        """End it as a power cut would; return what it has printed since."""
        self._process.kill()
        lines = [line.strip() for line in self._process.stdout]
        self.end()
        return lines

    def interrupt(self):
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def go_on(self):
        """Let a script that reads a line from its standard input go on."""
        self.say("")

    def say(self, line):
        """Write a line to its standard input; it has as long again."""
        self._watchdog.cancel()
        self._watch()
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def kill_when_stopped(self):
        """End it where the script stops."""
        self.until("stopped")
        self.kill()

    def kill(self):
        """End it as a power cut would: with SIGKILL."""
        self._process.kill()
        return self.end()

    def end(self):
        """Wait until it has ended; return its exit code."""
        code = self._process.wait(PATIENCE)
        self._watchdog.cancel()
        self._process.stdin.close()
        self._process.stdout.close()
        return code


@pytest.fixture
def child():
    """Start other processes; those that still run at the end are killed."""
    started = []

    def start(script, *arguments):
        started.append(Child(script, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def stopped_emulators():
    """Stop the emulators in these folders at the end, whoever started them."""
    folders: list[Path] = []
    yield folders
    for folder in folders:
        emulation.stop(folder)


@pytest.fixture(scope="session")
def moto():
    """The address of a moto server: SNS, SQS and the rest of AWS."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def empty_moto(moto):
    """Forget what other tests have made in moto."""
    request = urllib.request.Request(f"{moto}/moto-api/reset", method="POST")
    urllib.request.urlopen(request).close()


@pytest.fixture
def soon():
    """Let the tracker request and poll as soon as something is due."""


def wait_until(condition):
    """Wait for what a thread does; return what the condition returned."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)
    return found


@pytest.fixture
def until():
    """Wait for what a thread does."""
    return wait_until


@pytest.fixture
def settle(until):
    """Wait until all is done of a batch that can be at this moment of the emulator's."""

    def settled(snapshot):
        rows = [r for r in snapshot.rows if r.state == "in progress"]
        late = [r for r in rows if r.expected is None or r.expected <= snapshot.now]
        return not late and snapshot.count("requested", "ready", "downloading") == 0

    return lambda batch: until(lambda: settled(batch.snapshot))


@pytest.fixture
def policy(client):
    """Set the account's data retrieval policy; at the end there is none."""

    def policy(strategy, allowed=None):
        rule = {"Strategy": strategy} | ({} if allowed is None else {"BytesPerHour": allowed})
        client.set_data_retrieval_policy(Policy={"Rules": [rule]})

    yield policy
    policy("None")


@pytest.fixture
def asked(client):
    """Return when each archive was asked for, by the service: (milliseconds, archive id)."""

    def asked(vault="photos"):
        pages = client.get_paginator("list_jobs").paginate(vaultName=vault)
        return sorted(
            (parse_time(job["CreationDate"]), job["ArchiveId"]) for page in pages for job in page["JobList"]
        )

    return asked


@pytest.fixture(scope="session")
def key():
    """A key that opens packs."""
    return Identity.new()


@pytest.fixture
def key_file(key, tmp_path):
    """The file of the key of the set."""
    file = tmp_path / "set.key"
    file.write_text(key.file())
    return file


@pytest.fixture
def backup(session, vault, emulator, region, key, tmp_path):
    """A set of the folder ``disk``, which has nothing yet, in the vault ``photos``."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "scratch").mkdir()
    service = packed.Service(emulator.folder, region)
    return packed.Backup(session, service, tmp_path / "disk", key, tmp_path / "scratch")
