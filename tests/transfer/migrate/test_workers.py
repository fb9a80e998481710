"""Other processes and a Dask cluster copy: asked who they are first, replaced when they are lost."""

import os
import pickletools
import signal
import sys
import threading
import time
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool

import dask
import pytest
from distributed import LocalCluster, Security
from distributed.protocol import pickle

from glacier_magic.errors import InputError, LocalError, Refused, Unavailable
from glacier_magic.transfer.budget import Stopped
from glacier_magic.transfer.migrate.moving import held
from glacier_magic.transfer.migrate.workers import SUBMITTED, dismiss, greet, hello, open_workers, run_on
from tests.transfer.migrate.conftest import MIB, proofs
from tests.transfer.migrate.test_mover import PATIENCE, PLAIN

PART = 8 * MIB
PARTS = 6

pytestmark = pytest.mark.limits(object_part=PART, fetch_retry=0.05)


@pytest.fixture
def cluster():
    """A scheduler without TLS, and two processes; a call whose worker is lost has failed at once."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(
            n_workers=2,
            threads_per_worker=2,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as found,
    ):
        yield found


@pytest.fixture
def dask_workers(cluster):
    """The executor for the cluster, connected as a user connects."""
    executor = open_workers(cluster.scheduler_address.replace("tcp:", "dask:"))
    yield executor
    executor._client.close()


@pytest.fixture
def plan(vault, to):
    """Return a plan whose bytes an executor copies."""
    return lambda executor=None: vault.migrate(
        "*", to=to, storage_class="STANDARD", tier="Standard", executor=executor
    )


@pytest.fixture
def under_way(session, later, emulator, requests):
    """Let the jobs of a batch end, and so many ranges be fetched, slowly."""

    def under_way(batch, count):
        while batch.snapshot.count("requested"):
            time.sleep(0.02)
        emulator.fault("trickle", "GetJobOutput", probability=1, rate=6 * MIB)
        requests.again()
        later(session, hours=4.1)
        end = time.monotonic() + PATIENCE
        while requests("GetJobOutput") < count and time.monotonic() < end:
            time.sleep(0.02)
        assert requests("GetJobOutput") >= count

    return under_way


def test_a_worker_of_a_cluster_is_killed(
    dask_workers, cluster, archives, plan, under_way, emulator, requests, objects, jobs_of, session, bucket
):
    """What it had under way is fetched again, and nothing else; what it was sent has no keys."""
    contents = archives(large=PARTS * PART)
    sent, submit = [], dask_workers.submit

    def recording(*call):
        sent.append(pickle.dumps(call))
        return submit(*call)

    dask_workers.submit = recording
    connection = session.service.connection
    assert greet(dask_workers, connection, account=session.account, region=session.region) == 4
    batch = plan(dask_workers).run()
    under_way(batch, 4)
    busy = dask_workers._client.processing()
    nanny = next(nanny for nanny in cluster.workers.values() if busy[nanny.worker_address])
    os.kill(nanny.pid, signal.SIGKILL)
    emulator.clear_faults()
    batch.wait(PATIENCE)
    assert objects() == {f"in/{name}": content for name, content in contents.items()}
    assert proofs(session, bucket) == {"in/large": ("proven", 2)}
    assert len(jobs_of()) == 1
    assert PARTS < requests("GetJobOutput") <= PARTS + 2  # its threads
    assert requests("s3:UploadPart") == PARTS
    assert len(sent) == requests("GetJobOutput")
    words = {what for task in sent for code, what, _ in pickletools.genops(task) if "UNICODE" in code.name}
    assert {what for what in words if what[:1].isupper() and what.isalpha()} <= PLAIN
    assert not any("secret" in what or "token" in what.casefold() for what in words)
    assert max(map(len, sent)) < 1500


def test_a_thread_keeps_the_memory_of_its_ranges():
    """New pages for each range would cost as much as to hash it."""
    large, small = held(3 * MIB), held(MIB)
    assert small.obj is large.obj
    assert held(4 * MIB).obj is not large.obj
    assert [len(room) for room in (large, small)] == [3 * MIB, MIB]


def test_a_process_of_a_pool_is_killed(
    archives, plan, under_way, emulator, requests, objects, jobs_of, session, bucket, uploads
):
    """The move ends with an error, and the next start goes on from its parts."""
    contents = archives(large=3 * PART)
    executor = open_workers("processes:1")
    batch = plan(executor).run()
    under_way(batch, 1)
    download = session.catalogue.downloads.recent()[0].id
    while not session.catalogue.moved.parts(download):
        time.sleep(0.02)
    next(iter(executor._processes.values())).kill()
    emulator.clear_faults()
    with pytest.raises(LocalError, match="workers are lost"):
        batch.wait(PATIENCE)
    left = 3 - len(session.catalogue.moved.parts(download))
    requests.again()
    plan().run().wait(PATIENCE)
    assert objects() == {f"in/{name}": content for name, content in contents.items()}
    assert proofs(session, bucket) == {"in/large": ("proven", 2)}
    assert (len(jobs_of()), uploads()) == (1, [])
    assert requests("s3:UploadPart") == left < 3
    # One more at most: what the killed process has sent may arrive late.
    assert left <= requests("GetJobOutput") <= left + 1


class Ended(Executor):
    """An executor whose calls end so, one by one, and then as they do."""

    def __init__(self, *ends):
        self.ends, self.calls = list(ends), 0

    def submit(self, call, *given):
        self.calls += 1
        future = Future()
        end = self.ends.pop(0) if self.ends else call(*given)
        (future.set_exception if isinstance(end, Exception) else future.set_result)(end)
        return future


def test_a_lost_call_is_submitted_again():
    """Not for ever, not to a broken executor, and not where the call itself has failed."""
    lost = [CancelledError()] * SUBMITTED
    assert run_on(Ended(*lost[1:]), len, "abc") == 3
    for errors, calls in (([*lost, *lost], SUBMITTED), ([BrokenProcessPool("dead"), *lost], 1)):
        executor = Ended(*errors)
        with pytest.raises(LocalError, match=r"workers are lost.*goes on from them"):
            run_on(executor, len, "abc")
        assert executor.calls == calls
    with pytest.raises(Refused, match="mine"):
        run_on(Ended(Refused("mine")), len, "abc")


def test_a_stop_ends_the_wait_for_a_worker():
    """As one that hangs."""
    stop, executor = threading.Event(), Ended()
    executor.submit = lambda *_: Future()
    stop.set()
    with pytest.raises(Stopped):
        run_on(executor, len, "abc", stop=stop)


def test_a_session_ends_the_workers_that_were_opened_for_it(session, until):
    """It does not wait for what they copy; those of a user go on."""
    ours, theirs = open_workers("processes:1"), Ended()
    for executor in (None, theirs, ours):
        session.tracker.actions.copy_with(executor)
    (process,) = ours._processes.values()
    session.close()
    until(lambda: process.exitcode is not None)  # the pool waits for it, too, and may be told first
    assert process.exitcode == -signal.SIGTERM
    dismiss(ours)
    dismiss(theirs)
    assert run_on(theirs, len, "abc") == 3


def test_a_worker_that_is_another_is_refused(archives, plan, requests, session):
    """Before the bucket is tried and anything is paid."""
    archives(small=10)
    answer = hello(session.service.connection)
    for told, said in (
        ({"version": "0.0.1"}, r"has glacier_magic 0\.0\.1.*pip install glacier_magic=="),
        ({"account": "999988887777"}, r"signs for the account \*{8}7777, and .* \*{8}\d{4}\. Give it"),
        ({"region": "mars-1"}, r"uses the region mars-1"),
    ):
        with pytest.raises(Refused, match=said) as caught:
            plan(Ended(answer | told)).run()
        assert "999988887777" not in str(caught.value)
    assert (requests("InitiateJob"), requests("s3:CreateMultipartUpload")) == (0, 0)


def test_a_worker_that_cannot_connect_is_refused(archives, plan, requests):
    """Such as one without the package, or without the profile of the connection."""
    archives(small=10)
    executor = Ended(*[ModuleNotFoundError("No module named 'glacier_magic'")] * SUBMITTED)
    with pytest.raises(Refused, match=r"cannot copy: .*No module named 'glacier_magic'.*It needs"):
        plan(executor).run()
    assert requests("InitiateJob") == 0


def test_an_address_with_a_password_names_no_workers():
    """Dask has none, and would tell it in its error."""
    with pytest.raises(InputError, match="No workers") as caught:
        open_workers("dask://me:hunter2@127.0.0.1:1")
    assert "hunter2" not in str(caught.value)


def test_a_scheduler_without_workers_is_refused(archives, plan, requests):
    """It would keep all calls until there are some."""
    archives(small=10)
    with (
        LocalCluster(
            n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
        ) as found,
        pytest.raises(Unavailable, match="no workers"),
    ):
        plan(open_workers(found.scheduler_address)).run()
    assert requests("InitiateJob") == 0


def test_the_loop_of_the_client_collects_the_executor(dask_workers, until):
    """A client that is closed from its own loop would wait for itself."""
    client = dask_workers._client
    client.loop.add_callback(dismiss, dask_workers)
    until(lambda: client.status == "closed")


@pytest.mark.parametrize(
    "text",
    [
        *("processes:0", "processes:62", "processes:-1", "processes:two", "processes:", "processes"),
        *("dask://", "dask://host", "dask://host:", "dask://:8786", "dask://host:port", "dask://host:99999"),
        *("dask://[host:1", "dask://host:8786/path", "ray://host:1", "", "8786"),
    ],
)
def test_what_names_no_workers(text):
    """It is said what does."""
    with pytest.raises(InputError):
        open_workers(text)


def test_a_scheduler_with_tls(tmp_path):
    """The certificates are those of Dask's configuration, and without TLS it does not answer."""
    security = Security.temporary()
    names = {"ca-file": "tls_ca_file", "client.cert": "tls_client_cert", "client.key": "tls_client_key"}
    files = {}
    for name, part in names.items():
        files[f"distributed.comm.tls.{name}"] = str(tmp_path / f"{part}.key")
        (tmp_path / f"{part}.key").write_text(getattr(security, part))
    with LocalCluster(
        n_workers=1, processes=False, protocol="tls", security=security, dashboard_address="127.0.0.1:0"
    ) as found:
        address = found.scheduler_address
        assert address.startswith("tls://")
        with dask.config.set(files):
            executor = open_workers(address)
        assert run_on(executor, len, "abc") == 3
        executor._client.close()
        with pytest.raises(Unavailable, match="a tls:// address"):
            open_workers(address.replace("tls:", "dask:"), patience=1)


def test_no_scheduler_answers():
    """It is not waited for without an end; without certificates there is no TLS."""
    with pytest.raises(Unavailable, match=r"No Dask scheduler answers at tcp://127.0.0.1:1: "):
        open_workers("dask://127.0.0.1:1", patience=0.2)
    with pytest.raises(InputError, match="names no certificates"):
        open_workers("tls://127.0.0.1:1")


def test_dask_is_not_installed(monkeypatch):
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'glacier_magic\[dask\]'"):
        open_workers("dask://127.0.0.1:1")
