"""Archives become objects, in part and whole: written once, proven, paid once."""

import base64
import hashlib
import itertools
import os
import pickle
import pickletools
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context

import pytest

from glacier_magic.base.crc import Crc64Nvme
from glacier_magic.base.native_crc import native_crc
from glacier_magic.base.session_limits import USUAL
from glacier_magic.base.treehash import part_ranges, part_size_for
from glacier_magic.errors import InputError, IntegrityError, JobExpired, Refused, Unavailable
from glacier_magic.transfer.migrate.part_checks import combined
from tests.transfer.migrate.conftest import MIB, proofs

PATIENCE = 30.0
ARCHIVES = int(os.environ.get("GLACIER_MAGIC_ARCHIVES", "60"))
PLAIN = {"Connection", "ObjectToWrite", "RangeTask", "STANDARD"}
"""The classes in a pickled task, and the storage class."""
PART = 8 * MIB
NEEDS_CRT = pytest.mark.skipif(find_spec("awscrt") is None, reason="the extra crt is not installed")

pytestmark = pytest.mark.limits(object_part=PART, first_pause=0.01, longest_pause=0.05)


@pytest.fixture
def moved(vault, ready, to):
    """Move archives by a plan; return the batch."""

    def moved(*words, **options):
        plan = vault.migrate(*words or ("*",), to=to, storage_class="STANDARD", tier="Standard", **options)
        return ready(plan.run())

    return moved


@pytest.mark.each_backend
def test_archives_of_every_size_become_objects(archives, moved, objects, requests, session, bucket, jobs_of):
    """One request, or parts; the checksums of S3 are ours; a second plan has nothing to do."""
    sizes = {"one": 1, "mib": MIB, "more": MIB + 1, "whole": PART, "parts": PART + 1, "many": 3 * PART}
    contents = archives(**sizes)
    batch = moved()
    assert objects() == {f"in/{name}": content for name, content in contents.items()}
    assert {row.file for row in batch.snapshot.rows} == {f"s3://{bucket}/in/{name}" for name in contents}
    assert set(proofs(session, bucket).values()) == {("proven", 2)}
    assert len(jobs_of()) == len(contents) == len(set(jobs_of()))
    assert (requests("s3:PutObject"), requests("s3:UploadPart")) == (4, 2 + 3)
    assert session.vault("photos").migrate("*", to=f"s3://{bucket}/in", storage_class="standard").empty
    assert session.past_plan(1).record.state == "done"


@pytest.mark.limits(object_part=USUAL.object_part)
def test_an_archive_above_one_part_of_the_usual_size(archives, moved, objects, requests, session, bucket):
    """It is moved whole, in two parts."""
    contents = archives(large=USUAL.object_part + 1)
    moved()
    assert objects() == {"in/large": contents["large"]}
    assert proofs(session, bucket) == {"in/large": ("proven", 2)}
    assert (requests("s3:PutObject"), requests("s3:UploadPart")) == (0, 2)


@NEEDS_CRT
@pytest.mark.parametrize("checksum", ["sha256", "crc64nvme"])
def test_the_check_of_a_whole_object_is_known(
    archives, vault, moved, requests, session, s3, bucket, checksum
):
    """It is combined from those of its parts; S3 has it if it is the checksum of the move."""
    contents = archives(tiny=MIB, whole=PART, parts=2 * PART + 1)
    moved(checksum=checksum)
    assert set(proofs(session, bucket).values()) == {("proven", 2)}
    assert (requests("s3:PutObject"), requests("s3:UploadPart")) == (2, 3)
    manifest = vault.migrations().table.set_index("name")
    for name, content in contents.items():
        check = Crc64Nvme()
        check.update(content)
        assert manifest.crc64nvme[name] == base64.b64encode(check.digest()).decode()
        head = s3.head_object(Bucket=bucket, Key=f"in/{name}", ChecksumMode="ENABLED")
        algorithm = "SHA256" if name == "tiny" else checksum.upper()  # the tree hash is the SHA-256
        assert head[f"Checksum{algorithm}"] == manifest.checksum[name]
    assert set(manifest.checksum_type[["tiny", "whole"]]) == {"FULL_OBJECT"}
    assert (manifest.checksum["parts"] == manifest.crc64nvme["parts"]) == (checksum == "crc64nvme")
    assert vault.migrations().prove(2).run().verdicts[0].error is None


@NEEDS_CRT
def test_other_processes_send_the_same_checksum(archives, moved, session, bucket):
    """Each computes it of its ranges."""
    archives(parts=PART + 1)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        moved(checksum="crc64nvme", executor=pool)
    assert proofs(session, bucket) == {"in/parts": ("proven", 2)}


def without_crt():
    """Let the library be missing in this process."""
    os.environ["BOTO_DISABLE_CRT"] = "true"
    sys.modules["awscrt.checksums"] = None


@NEEDS_CRT
def test_a_worker_without_the_library_is_refused(archives, vault, to, jobs_of):
    """Before anything is requested."""
    archives(parts=PART + 1)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=without_crt) as pool:
        plan = vault.migrate("*", to=to, checksum="crc64nvme", executor=pool)
        with pytest.raises(InputError, match="awscrt"):
            plan.run()
    assert jobs_of() == []


def test_checksums_that_cannot_be_sent(archives, vault, to, requests, monkeypatch):
    """An unknown one, and one whose library is not installed, are refused with the next step."""
    archives(one=1)
    monkeypatch.setitem(sys.modules, "awscrt.checksums", None)
    native_crc.cache_clear()
    with pytest.raises(InputError, match="awscrt") as missing:
        vault.migrate("*", to=to, checksum="crc64nvme")
    native_crc.cache_clear()
    assert "glacier_magic[crt]" in missing.value.cure
    with pytest.raises(InputError, match="no checksum"):
        vault.migrate("*", to=to, checksum="md5")
    assert requests("s3:PutObject") == 0


def test_the_check_of_parts_is_that_of_the_whole():
    """By the check value of the catalogue of parametrised CRC algorithms."""
    checks = [Crc64Nvme(), Crc64Nvme()]
    checks[0].update(b"1234")
    checks[1].update(b"56789")
    first, second = (base64.b64encode(check.digest()).decode() for check in checks)
    known = base64.b64encode(bytes.fromhex("ae8b14860a799888")).decode()
    assert combined([(4, first), (5, second)]) == known
    assert combined([(4, first), (5, None)]) is None


@pytest.mark.limits(object_in_memory=MIB, object_spool=2 * PART, workers=4)
def test_parts_that_are_not_held_in_memory(archives, vault, to, ready, objects, session, bucket, requests):
    """Each is in a temporary file until it is sent; the plan says how much room they take."""
    contents = archives(large=5 * PART + 1, whole=2 * MIB)
    plan = vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard")
    assert "up to 16 MiB in" in dict(plan.facts)["temporary files"]
    requests.again()
    ready(plan.run())
    assert objects() == {f"in/{name}": content for name, content in contents.items()}
    assert proofs(session, bucket) == {"in/large": ("proven", 2), "in/whole": ("proven", 2)}
    assert (requests("s3:UploadPart"), requests("s3:PutObject")) == (6, 1)


GIB, TIB = 1 << 30, 1 << 40


@pytest.mark.parametrize(
    ("size", "part", "count"),
    [
        (1, 64 * MIB, 1),
        (MIB, 64 * MIB, 1),
        (MIB + 1, 64 * MIB, 1),
        (64 * MIB, 64 * MIB, 1),
        (64 * MIB + 1, 64 * MIB, 2),
        (625 * GIB, 64 * MIB, 10_000),
        (625 * GIB + 1, 128 * MIB, 5_001),
        (5 * TIB + 1, GIB, 5_121),  # 5 TiB was the largest object until 2025
        (40_000 * GIB, 4 * GIB, 10_000),  # the largest archive of a vault
    ],
)
def test_the_parts_of_archives_of_any_size(size, part, count):
    """Each is a node of the archive's tree, and a part that S3 allows."""
    assert part_size_for(size, smallest=USUAL.object_part) == part
    spans = list(part_ranges(size, part))
    assert len(spans) == count <= 10_000
    assert spans[0][0] == 0
    assert spans[-1][1] == size
    assert all(start % part == 0 and 0 < end - start <= part for start, end in spans)
    assert 5 * MIB <= part <= 5 * GIB
    assert (part // MIB).bit_count() == 1


def test_many_small_archives_take_few_requests_and_hardly_wait_for_the_disk(
    archives, vault, to, ready, requests, session, bucket
):
    """One request each way and one for the proof; what S3 tells again may be lost in a power failure.

    The bytes follow their headers: no answer is awaited in between.
    """
    count = len(archives(**{f"small-{number}": 100 + number for number in range(24)}))
    batch = vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard").run()
    requests.again()
    statements, heads = [], []
    client = session.tracker._fetcher.mover.objects(session.service.region)._client
    client.meta.events.register(
        "before-send.s3.PutObject", lambda request, **_: heads.append(request.headers)
    )
    session.catalogue.database._connection.set_trace_callback(statements.append)
    ready(batch)
    session.catalogue.database._connection.set_trace_callback(None)
    assert set(proofs(session, bucket).values()) == {("proven", 2)}
    asked = {name: requests(name) for name in ("GetJobOutput", "s3:PutObject", "s3:GetObjectAttributes")}
    assert set(asked.values()) == {count}
    assert requests("s3:HeadObject") == 0
    assert len(heads) == count
    assert not any("Expect" in head for head in heads)
    transactions, waited = waits(statements)
    assert waited < count / 2  # of the sweeps, none of an archive
    assert transactions <= 4 * count + waited
    assert len({text for text in statements if text.startswith("UPDATE moved_objects")}) == 2 * count
    assert not any("FROM moved_parts" in text for text in statements)


def waits(statements):
    """Return how many transactions there were, and how many that waited for the disk."""
    safe, inside, transactions, waited = True, False, 0, 0
    for statement in statements:
        if statement.startswith("PRAGMA synchronous="):
            safe = statement.endswith("FULL")
        alone = statement.startswith(("INSERT", "UPDATE", "DELETE")) and not inside
        if statement == "COMMIT" or alone:
            transactions, waited = transactions + 1, waited + safe
        inside = statement.startswith("BEGIN") or (inside and statement != "COMMIT")
    return transactions, waited


def test_what_is_written_on_an_object(archives, moved, s3, bucket, session):
    """Class and metadata: with them the object tells which archive it was."""
    archives(parts=PART + 1, small=3)
    session.vault("photos").migrate("*", to=f"s3://{bucket}/in")  # a plan alone does nothing
    moved()
    known = {archive.name: archive for archive in session.vault("photos").select("*")}
    for name in ("parts", "small"):
        found = s3.head_object(Bucket=bucket, Key=f"in/{name}")["Metadata"]
        assert found["gm-archive-id"] == known[name].archive_id
        assert (found["gm-vault"], found["gm-tree-hash"]) == ("photos", known[name].tree_hash)
        assert float(found["mtime"]) == 1_600_000_000


def test_equal_archives_are_requested_once(vault, files, to, moved, objects, jobs_of):
    """One of another name is an object of its own; one of the same name is the same object."""
    for name in ("a/one", "b/two"):
        files(name, b"equal")
        vault.upload(name)
    vault.upload("a/one", again=True)
    plan = vault.migrate("*", to=to, tier="Standard")
    assert (plan.bytes, plan.asking.out) == (5, 10)  # each object takes its bytes out of the region
    moved()
    assert objects() == {"in/a/one": b"equal", "in/b/two": b"equal"}
    assert len(jobs_of()) == 1


def test_a_file_with_the_bytes_is_no_object(archives, vault, to, ready, later, files, moved, objects):
    """Neither a restored file, whose output has expired, nor one whose path looks like the object."""
    contents = archives(restored=10, local=20)
    ready(vault.restore("restored", to="back", tier="Standard").run())
    later(vault.session, days=2)
    files(f"{to.replace('//', '/')}/local", contents["local"])
    moved()
    assert objects() == {f"in/{name}": content for name, content in contents.items()}


def test_another_object_stays_as_it_is(
    archives, ready, s3, bucket, objects, uploads, jobs_of, vault, to, session
):
    """One that is there before the plan is not requested; one that comes later is not overwritten."""
    contents = archives(early=10, late=10, large=PART + 1)
    s3.put_object(Bucket=bucket, Key="in/early", Body=b"other")
    plan = vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard")
    assert plan.table.set_index("name").action["early"] == "its key has another object"
    batch = plan.run()
    for key in ("in/late", "in/large"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"other")
    with pytest.raises(Refused, match="exists with other bytes"):
        ready(batch)
    assert len(jobs_of()) == 2
    assert objects() == {"in/early": b"other", "in/late": b"other", "in/large": b"other"}
    assert set(proofs(session, bucket).values()) == {("conflict", 0), ("conflict", 1)}
    assert uploads() == []
    ready(vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard", suffix="_2").run())
    assert len(jobs_of()) == 3  # that of the early one, which was not requested before
    others = {f"in/{name}_2": content for name, content in contents.items()}
    assert objects() == others | dict.fromkeys(("in/early", "in/late", "in/large"), b"other")


def test_the_same_object_written_by_another_is_ours(archives, ready, s3, bucket, vault, to, session):
    """Its checksum tells: nothing is written, and it is proven."""
    contents = archives(small=10)
    batch = vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard").run()
    s3.put_object(Bucket=bucket, Key="in/small", Body=contents["small"], ChecksumAlgorithm="SHA256")
    ready(batch)
    assert proofs(session, bucket) == {"in/small": ("proven", 2)}


def test_a_second_computer_asks_for_nothing_and_replaces_nothing(
    archives, vault, to, later, ready, connect, tmp_path, listed, requests, s3, bucket, objects
):
    """It takes over the jobs of the first one, whose objects it finds when it writes; a new plan is empty."""
    contents = archives(a=10, b=20)
    there = connect(catalogue=tmp_path / "there.sqlite").vault("photos")
    listed(there)
    requests.again()
    batch = vault.migrate("*", to=to, storage_class="STANDARD").run()
    other = there.migrate("*", to=to, storage_class="STANDARD")
    assert other.requests == 0
    second = other.run()
    ready(batch)
    written = s3.list_objects_v2(Bucket=bucket)["Contents"]
    later(there.session)
    second.wait(30)
    assert proofs(there.session, bucket) == proofs(vault.session, bucket)
    assert s3.list_objects_v2(Bucket=bucket)["Contents"] == written
    assert objects() == {f"in/{name}": content for name, content in contents.items()}
    puts = requests("s3:PutObject")
    assert there.migrate("*", to=to, storage_class="STANDARD").empty
    assert (requests("InitiateJob"), requests("s3:PutObject")) == (2, puts)


@NEEDS_CRT
def test_two_computers_that_move_with_different_checksums(
    archives, vault, to, later, ready, connect, tmp_path, listed, requests, objects
):
    """The second object is refused and nothing is paid twice; the error says how to learn of the first."""
    contents = archives(a=MIB + 1)
    there = connect(catalogue=tmp_path / "there.sqlite").vault("photos")
    listed(there)
    requests.again()
    batch = vault.migrate("*", to=to, storage_class="STANDARD").run()
    second = there.migrate("*", to=to, storage_class="STANDARD", checksum="crc64nvme").run()
    ready(batch)
    later(there.session)
    with pytest.raises(Refused, match=r"another checksum.*recover_migrations\('s3://"):
        second.wait(30)
    assert objects() == {"in/a": contents["a"]}
    there.recover_migrations(to).run()
    assert [each.moved.proof for each in there.migrations().prove(4).run().verdicts] == [4]
    assert requests("InitiateJob") == 1


def test_damage_on_the_way_never_reaches_s3(archives, moved, calls, changed_stream, objects, requests):
    """A flipped byte is found before anything is sent, and the range is fetched again."""
    contents = archives(small=10, parts=PART + 1)
    original, flips = calls.of("open_output"), itertools.count()

    def open_output(service, *place):
        stream = original(service, *place)
        flip = next(flips) < 2
        return changed_stream(
            stream, lambda _, data: bytes([data[0] ^ 1]) + data[1:] if flip and data else data
        )

    calls.replace("open_output", open_output)
    moved()
    assert objects() == {f"in/{name}": content for name, content in contents.items()}
    assert (requests("s3:PutObject"), requests("s3:UploadPart")) == (1, 2)


def test_an_archive_that_is_not_what_the_inventory_says_is_not_stored(
    archives, ready, vault, to, session, objects, uploads
):
    """Its ranges have the hashes that the service sends, and the whole has another than was stored."""
    archives(parts=PART + 1)
    batch = vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard").run()
    row = session.catalogue.downloads.recent()[0]
    session.catalogue.downloads.update(row.id, tree_hash=hashlib.sha256(b"other").hexdigest())
    with pytest.raises(IntegrityError, match="instead of"):
        ready(batch)
    assert objects() == {}
    assert uploads() == []


@pytest.mark.parametrize("kind", ["500", "slow-down", "reset-after"])
@pytest.mark.parametrize(
    "operation",
    ["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "GetObjectAttributes"],
)
def test_a_failed_request_is_repeated(
    archives, vault, to, ready, emulator, objects, uploads, jobs_of, session, bucket, kind, operation
):
    """Whether it was carried out or not: there is one object, and at most a report of an empty upload."""
    contents = archives(small=10, parts=PART + 1)
    batch = vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard").run()
    emulator.fault(kind, f"s3:{operation}")
    ready(batch)
    emulator.clear_faults()
    assert objects() == {f"in/{name}": content for name, content in contents.items()}
    assert set(proofs(session, bucket).values()) == {("proven", 2)}
    assert len(jobs_of()) == 2
    assert uploads() == []


def test_an_upload_of_no_use_is_made_anew(archives, moved, emulator, objects, uploads, requests, jobs_of):
    """After a conflict, or where a rule of the bucket has aborted it, from the same job."""
    contents = archives(parts=PART + 1)
    emulator.fault("complete-conflict", "s3:CompleteMultipartUpload")
    moved()
    assert objects() == {"in/parts": contents["parts"]}
    assert requests("s3:CreateMultipartUpload") == 1 + 2  # the first is that of the trial
    assert uploads() == []
    assert len(jobs_of()) == 1


@pytest.mark.parametrize("checksum", ["sha256", pytest.param("crc64nvme", marks=NEEDS_CRT)])
def test_an_output_that_expires_half_way_is_asked_for_again(
    archives, later, vault, to, session, calls, requests, objects, uploads, ready, checksum
):
    """Only when the user asks; the parts that S3 has are not fetched again."""
    contents = archives(parts=3 * PART)
    batch = vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard", checksum=checksum).run()
    original = calls.of("open_output")

    def first_alone(service, vault, job, start, size):
        if start:
            raise Unavailable("not now")
        return original(service, vault, job, start, size)

    calls.replace("open_output", first_alone)
    later(session, hours=4.1)
    while not uploads() or requests("s3:UploadPart") < 1:
        session.service.account()
    later(session, hours=30)
    calls.restore("open_output")
    with pytest.raises(JobExpired, match=r"migrations.*resume") as expired:
        batch.wait(PATIENCE)
    assert "restore" not in str(expired.value)
    assert "resume" in batch.snapshot.note
    requests.again()
    assert "goes on with what is stuck (1: " in repr(vault.migrations())
    plan = vault.migrations().resume()
    assert (plan.requests, plan.storage_class, plan.tier) == (1, "STANDARD", "Standard")
    ready(plan.run())
    with pytest.raises(InputError, match="stuck"):
        vault.migrations().resume()
    assert objects() == {"in/parts": contents["parts"]}
    assert (requests("s3:UploadPart"), requests("s3:CreateMultipartUpload")) == (2, 1)  # of the trial


def test_other_processes_copy(archives, moved, objects, requests, session, bucket):
    """Any executor does; what it is sent is small, and has no keys."""
    sent = []

    class Pool(ProcessPoolExecutor):
        def submit(self, *call):
            sent.append(pickle.dumps(call))
            return super().submit(*call)

    contents = archives(small=10, parts=2 * PART)
    with Pool(2) as pool:
        moved(executor=pool)
    assert objects() == {f"in/{name}": content for name, content in contents.items()}
    assert set(proofs(session, bucket).values()) == {("proven", 2)}
    assert len(sent) == 1 + 3  # the first says hello
    assert max(map(len, sent)) < 1500
    kinds = {what for task in sent for code, what, _ in pickletools.genops(task) if "UNICODE" in code.name}
    assert {what for what in kinds if what[:1].isupper() and what.isalpha()} <= PLAIN
    assert not any("secret" in what or "token" in what.casefold() for what in kinds)


@pytest.mark.limits(give_up=PATIENCE, fetch_retry=0.01, list_retry=0, lost_request=0, request_interval=0.02)
@pytest.mark.limits(first_pause=0.001, longest_pause=0.01)
def test_many_archives_through_faults_of_every_kind(
    archives, vault, to, later, emulator, objects, uploads, jobs_of, session, bucket
):
    """Each request, of both services, fails one time in twenty, in each of the ways that it can."""
    contents = archives(
        **{f"n{n}": 100 + n for n in range(ARCHIVES - 3)}, one=PART + 1, two=2 * PART, mib=MIB
    )
    plan = vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard")
    cut = ["reset-before", "reset-during", "reset-after", "truncate"]

    def break_all():
        for seed, kind in enumerate([*cut, "408", "500", "503", "throttling", "slow-down"]):
            emulator.fault(kind, probability=0.05, seed=seed)
        emulator.fault("flip", "GetJobOutput", probability=0.05, seed=1)
        emulator.fault("complete-error-in-200", probability=0.2, seed=1)
        emulator.fault("complete-conflict", probability=0.2, seed=2)

    break_all()
    batch = plan.run()
    emulator.fault("expired-token", probability=0.05, seed=9)  # to who has just run a plan, it is an error
    end = time.monotonic() + max(PATIENCE, ARCHIVES)
    while batch.snapshot.count("requested"):
        assert time.monotonic() < end
        time.sleep(0.05)
    emulator.clear_faults()
    later(session, hours=4.1)
    break_all()
    emulator.fault("expired-token", probability=0.05, seed=9)
    batch.wait(max(PATIENCE, ARCHIVES))
    emulator.clear_faults()
    assert objects() == {f"in/{name}": content for name, content in contents.items()}
    assert set(proofs(session, bucket).values()) == {("proven", 2)}
    assert len(jobs_of()) == len(set(jobs_of())) == ARCHIVES
    assert uploads() == []
