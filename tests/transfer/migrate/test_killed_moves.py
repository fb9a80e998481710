"""Killed before and after each request of a move: gone on with, nothing paid or sent twice."""

import os
import signal
import time

import pytest

from tests.transfer.migrate.conftest import MIB, proofs

PATIENCE = 30.0
PART = 8 * MIB
SIZES = {"small": 10, "parts": 2 * PART + 1}

pytestmark = pytest.mark.limits(object_part=PART, lost_request=0, request_interval=0.02)

MOVER = """
    import os
    import signal
    import sys
    from glacier_magic.service import Service
    from glacier_magic.service.object_store import ObjectStore
    folder, region, catalogue, to, kind, name, when, size = sys.argv[1:]
    kinds = {"service": Service, "objects": ObjectStore}
    original = getattr(kinds[kind], name)
    armed = name == "start_retrieval"  # not yet in the trial of the bucket
    def call(*arguments):
        def end():
            lengths = [len(each) for each in arguments if hasattr(each, "sha256")]
            if armed and (not int(size) or int(size) in lengths):
                sys.stdout.flush()
                os.kill(os.getpid(), signal.SIGKILL)
        if when == "before":
            end()
        found = original(*arguments)
        if when == "after":
            end()
        return found
    setattr(kinds[kind], name, call)
    limits = {"tick": 0.02, "emulator_idle": 0.05, "object_part": 8 << 20, "workers": 1}
    session = connect(folder, region, catalogue, **limits)
    session.vault("photos").migrate("*", to=to, storage_class="STANDARD", tier="Standard").run()
    armed = True
    print("requested", flush=True)
    sys.stdin.readline()
    session.service.account()
    session.jobs().wait(60)
"""

PLACES = [
    # The request, when, the size of its body, and the parts that are sent again.
    ("service", "start_retrieval", "before", 0, 3),
    ("service", "start_retrieval", "after", 0, 3),
    ("service", "open_output", "after", 0, 3),
    ("objects", "start", "before", 0, 3),
    ("objects", "start", "after", 0, 3),
    ("objects", "send", "before", PART, 3),
    ("objects", "send", "after", PART, 2),
    ("objects", "send", "before", 1, 1),
    ("objects", "send", "after", 1, 0),
    ("objects", "complete", "before", 0, 0),
    ("objects", "complete", "after", 0, 0),
    ("objects", "put", "before", 10, None),
    ("objects", "put", "after", 10, None),
    ("objects", "stored", "before", 0, None),
]


@pytest.mark.parametrize(("kind", "name", "when", "size", "left"), PLACES)
def test_a_killed_move_goes_on(
    emulator,
    region,
    session_place,
    archives,
    session,
    connect,
    child,
    later,
    to,
    bucket,
    objects,
    uploads,
    jobs_of,
    requests,
    kind,
    name,
    when,
    size,
    left,
):
    """Every object is there once and proven; one request an archive; no upload is left open."""
    contents = archives(**SIZES)
    session.close()
    other = child(MOVER, emulator.folder, region, session_place, to, kind, name, when, size)
    if name != "start_retrieval":
        other.until("requested")
        later(hours=4.1)
        other.go_on()
    assert other.end() == -9
    requests.again()
    session = connect()
    batch = session.vault("photos").migrate("*", to=to, storage_class="STANDARD", tier="Standard").run()
    if name == "start_retrieval":
        while batch.snapshot.count("requested"):
            time.sleep(0.02)
        later(session, hours=4.1)
    batch.wait(PATIENCE)
    assert objects() == {f"in/{each}": content for each, content in contents.items()}
    assert set(proofs(session, bucket).values()) == {("proven", 2)}
    assert sorted(jobs_of()) == sorted(set(jobs_of()))
    assert len(jobs_of()) == 2
    assert uploads() == []
    if left is not None:
        assert requests("s3:UploadPart") == left


DRIVER = """
    import multiprocessing
    import os
    import signal
    import sys
    import time
    from concurrent.futures import ProcessPoolExecutor
    from glacier_magic.catalogue.records.moved_records import MovedObjects
    folder, region, catalogue, to = sys.argv[1:]
    original, recorded = MovedObjects.put_part, []
    def put_part(records, download, number, part):
        original(records, download, number, part)
        recorded.append(number)
        if len(recorded) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    MovedObjects.put_part = put_part
    limits = {"tick": 0.02, "emulator_idle": 0.05, "object_part": 8 << 20, "workers": 2}
    pool = ProcessPoolExecutor(2)
    list(pool.map(time.sleep, [0.1, 0.1]))
    session = connect(folder, region, catalogue, **limits)
    vault = session.vault("photos")
    vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard", executor=pool).run()
    print(*(worker.pid for worker in multiprocessing.active_children()), flush=True)
    print("requested", flush=True)
    sys.stdin.readline()
    session.service.account()
    session.jobs().wait(60)
"""


def test_a_killed_driver_of_other_processes(
    archives,
    bucket,
    child,
    connect,
    emulator,
    jobs_of,
    later,
    objects,
    region,
    requests,
    session,
    session_place,
    to,
    uploads,
):
    """What its workers had sent and it had recorded is adopted: nothing of that is fetched again."""
    contents = archives(large=5 * PART)
    session.close()
    driver = child(DRIVER, emulator.folder, region, session_place, to)
    workers = driver.until("requested")[-1].split()
    assert workers
    later(hours=4.1)
    driver.go_on()
    assert driver.end() == -9
    for worker in workers:  # they wait for tasks of a process that is gone
        os.kill(int(worker), signal.SIGKILL)
    requests.again()
    session = connect()
    batch = session.vault("photos").migrate("*", to=to, storage_class="STANDARD", tier="Standard").run()
    batch.wait(PATIENCE)
    assert objects() == {"in/large": contents["large"]}
    assert proofs(session, bucket) == {"in/large": ("proven", 2)}
    assert (requests("s3:UploadPart"), requests("GetJobOutput")) == (3, 3)
    assert (len(jobs_of()), uploads()) == (1, [])
