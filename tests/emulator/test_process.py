"""The server's process: start, find, stop, and what survives a kill."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from glacier_magic import emulator
from glacier_magic.base.treehash import tree_hash
from glacier_magic.emulator.holders import Holders
from glacier_magic.emulator.testing import Emulator, running

MIB = 1 << 20


def kill(found):
    os.kill(found.pid, signal.SIGKILL)
    while emulator.find(found.folder):
        time.sleep(0.01)


@pytest.fixture
def folder(tmp_path):
    """A data folder whose server is stopped at the end."""
    yield tmp_path / "glacier"
    emulator.stop(tmp_path / "glacier")


def test_starting_twice_finds_the_same_server(folder):
    """And applies the speed to it."""
    first = emulator.start(folder, speed=60)
    second = emulator.start(folder, speed=120)
    assert first == second == emulator.find(folder)
    assert emulator.status(folder)["speed"] == 120


def test_two_starters_at_once_get_one_server(folder):
    """The folder's lock decides; the loser waits for the winner."""
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: emulator.start(folder), range(4)))
    assert len(found) == 1


def test_stopping_removes_the_announcement_and_is_false_the_second_time(folder):
    """server.json is there exactly while the server is."""
    emulator.start(folder)
    assert (folder / "server.json").exists()
    assert emulator.stop(folder) is True
    assert not (folder / "server.json").exists()
    assert emulator.find(folder) is None
    assert emulator.stop(folder) is False


def holder(folder):
    """Start a process that holds the server of *folder* until its input ends."""
    code = (
        "import sys; from pathlib import Path; from glacier_magic import emulator; "
        "emulator.start(Path(sys.argv[1]), hold=True, extra=sys.argv[2:]); "
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(folder)]

    def start(*extra):
        process = subprocess.Popen([*command, *extra], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout.readline().strip() == b"held"
        return process

    return start


def test_a_server_that_is_held_ends_with_its_last_process(folder):
    """Also if that is killed; a process that ends by itself waits for the server's end."""
    start = holder(folder)
    first = start("--until-unused")
    second = start()
    first.communicate(timeout=30)
    assert emulator.find(folder)
    second.communicate(timeout=30)
    assert not (folder / "server.json").exists()
    third = start("--until-unused")
    third.kill()
    third.communicate()
    while emulator.find(folder):
        time.sleep(0.01)


def test_a_server_that_is_never_held_ends():
    """The process that started it may have been killed before it held it."""
    never, held = threading.Event(), threading.Event()
    Holders(never, first=0.01)
    assert never.wait(30)
    holders = Holders(held, first=1)
    here, there = socket.socketpair()
    response = holders.hold()
    delivery = threading.Thread(target=response.deliver, args=(there, b"", response))
    delivery.start()
    assert here.recv(1024)  # it is held
    assert not held.wait(2)
    here.close()
    delivery.join(30)
    assert held.is_set()
    there.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_child_does_not_release_what_its_parent_holds(folder):
    code = (
        "import os, sys; from pathlib import Path; from glacier_magic import emulator; "
        "emulator.start(Path(sys.argv[1]), hold=True, extra=['--until-unused']); "
        "child = os.fork(); child or sys.exit(0); os.waitpid(child, 0); "
        "print(emulator.find(Path(sys.argv[1])) is not None, flush=True)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == b"True"
    assert emulator.find(folder) is None


def test_another_server_stays_when_its_processes_end(folder):
    """That of a shell lasts until its next command."""
    holder(folder)().communicate(timeout=30)
    assert emulator.find(folder)


def test_a_termination_signal_stops_cleanly_and_quickly(folder):
    """Within seconds, and ``server.json`` is removed."""
    found = emulator.start(folder)
    started = time.monotonic()
    os.kill(found.pid, signal.SIGTERM)
    while (folder / "server.json").exists():
        assert time.monotonic() - started < 15  # a second on an idle machine
        time.sleep(0.01)


def test_a_stale_announcement_is_no_server(folder):
    """Neither a dead process nor a port that somebody else has now."""
    found = emulator.start(folder)
    kill(found)
    assert (folder / "server.json").exists()
    assert emulator.find(folder) is None
    with running(folder.with_name("other")) as other:
        state = json.loads((folder / "server.json").read_text()) | {"url": other.url}
        (folder / "server.json").write_text(json.dumps(state))
        assert emulator.find(folder) is None


def test_a_second_server_on_the_folder_says_why_it_does_not_start(folder):
    """Exit code 3 and one sentence."""
    emulator.start(folder)
    command = [sys.executable, "-m", "glacier_magic.emulator", "--data", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 3
    assert "is being served already" in done.stderr


def test_a_server_that_cannot_start_is_an_error_with_its_last_word(folder):
    """The log's last line is in the sentence."""
    with pytest.raises(emulator.EmulatorError, match="twelve digits"):
        emulator.start(folder, extra=["--account", "1"])


def test_an_open_address_is_warned_about(folder):
    """In the log, before anything else."""
    found = emulator.start(folder, extra=["--host", "0.0.0.0"])
    assert found.url.startswith("http://127.0.0.1:")
    log = (folder / "emulator.log").read_text()
    assert log.startswith("WARNING: listening on 0.0.0.0: the network can reach this server.")


def test_a_vault_can_be_filled_before_serving(folder):
    """With the option of the command line."""
    emulator.start(folder, extra=["--seed", "photos=25"])
    status = emulator.status(folder)
    assert (status["vaults"], status["archives"]) == (1, 25)


def test_asking_an_emulator_that_does_not_run_says_so(folder):
    """One sentence, with what to do."""
    with pytest.raises(emulator.EmulatorError, match="start one first"):
        emulator.status(folder)


def test_the_folder_keeps_files_that_are_not_the_emulators(folder):
    """A catalogue beside the store is left alone, and the folder is private."""
    folder.mkdir()
    (folder / "catalogue.sqlite").write_bytes(b"mine")
    for name in ("holiday.txt", "ab/diary.txt"):
        (folder / "archives" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "archives" / name).write_bytes(b"mine")
    emulator.start(folder)
    emulator.stop(folder)
    assert (folder / "catalogue.sqlite").read_bytes() == b"mine"
    assert (folder / "archives" / "holiday.txt").read_bytes() == b"mine"
    assert (folder / "archives" / "ab" / "diary.txt").read_bytes() == b"mine"


@pytest.mark.parametrize("mode", [None, 0o755])
def test_a_folder_is_private(folder, mode):
    """A new one, and one that others could read."""
    if mode is not None:
        folder.mkdir()
        folder.chmod(mode)
    emulator.start(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_shared_folder_is_refused_and_left_as_it_is(folder):
    """Whether a process is to start the server, or to be it."""
    folder.mkdir()
    folder.chmod(0o1777)
    with pytest.raises(PermissionError, match="belongs to another user or is shared"):
        emulator.start(folder)
    command = [sys.executable, "-m", "glacier_magic.emulator", "--data", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("the folder belongs to another user or is shared.\n")
    assert folder.stat().st_mode & 0o7777 == 0o1777
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root changes owners")
def test_a_folder_of_another_user_is_refused(folder):
    folder.mkdir()
    os.chown(folder, 12345, -1)
    with pytest.raises(PermissionError, match="belongs to another user"):
        emulator.start(folder)


def test_an_account_may_begin_with_zero(folder):
    """It is text everywhere: in the path, in answers and after the next start."""
    found = Emulator(emulator.start(folder, extra=["--account", "012345678901"]))
    made = found.client().create_vault(vaultName="v", accountId="012345678901")
    assert made["location"] == "/012345678901/vaults/v"
    emulator.stop(folder)
    assert emulator.start(folder).account == "012345678901"
    described = Emulator(emulator.find(folder)).client().describe_vault(vaultName="v")
    assert ":012345678901:" in described["VaultARN"]


def test_the_account_is_drawn_once_and_kept(folder):
    """Twelve digits, the first not 0."""
    first = emulator.start(folder).account
    emulator.stop(folder)
    assert emulator.start(folder).account == first
    assert len(first) == 12
    assert first[0] != "0"


def test_clock_and_speed_survive_a_clean_restart_to_the_millisecond(folder):
    """The time stands still while nobody serves."""
    emulator.start(folder, speed=0)
    emulator.set_speed(folder, 3600)
    emulator.pause(folder)
    before = emulator.advance(folder, 1000)
    emulator.stop(folder)
    time.sleep(0.05)
    emulator.start(folder)
    after = emulator.status(folder)
    assert (after["time"], after["speed"], after["paused"]) == (before["time"], 3600, True)
    assert emulator.resume(folder)["paused"] is False


def test_the_clock_never_runs_backwards_through_kills(folder):
    """And is at most about a second of running ahead."""
    emulator.start(folder, speed=1000)
    for _ in range(3):
        found = emulator.find(folder)
        last = emulator.status(folder)["time"]
        kill(found)
        emulator.start(folder)
        status = emulator.status(folder)
        assert status["time"] >= last
        assert status["speed"] == 1000


def test_every_answer_carries_the_virtual_time_and_speed(folder):
    """In headers of the emulator's own; Date is real, because clients correct their clocks by it."""
    found = Emulator(emulator.start(folder, speed=1440))
    emulator.advance(folder, 400 * 86400)
    before = int(time.time())
    headers = found.client().list_vaults()["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-emulator-speed"] == "1440"
    assert int(headers["x-emulator-time"][:4]) > time.gmtime().tm_year
    assert before <= parsedate_to_datetime(headers["date"]).timestamp() <= time.time()
    emulator.pause(folder)
    headers = found.client().list_vaults()["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-emulator-speed"] == "0"


def test_speed_lets_virtual_time_pass(folder):
    """A thousand virtual seconds pass per real second, however long the requests take."""
    from datetime import datetime

    def status():
        before = time.monotonic()
        shown = datetime.fromisoformat(emulator.status(folder)["time"])
        return before, shown, time.monotonic()

    emulator.start(folder, speed=1000)
    began, first, answered = status()
    time.sleep(0.3)
    asked, second, ended = status()
    passed = (second - first).total_seconds()
    assert 1000 * (asked - answered) - 1 <= passed <= 1000 * (ended - began) + 1


class Crowd:
    """Uploads from several threads until the server dies, remembering what was acknowledged."""

    def __init__(self, found):
        self.found = found
        self.archives = {}
        self.parts = {}
        self.sizes = iter(range(1, 10_000_000, 4_111))

    def archive(self, client):
        data = os.urandom(next(self.sizes) % (3 * MIB) + 1)
        answer = client.upload_archive(vaultName="crash", body=data)
        self.archives[answer["archiveId"]] = (tree_hash(data), len(data))

    def upload(self, client):
        key = {"vaultName": "crash"}
        key |= {"uploadId": client.initiate_multipart_upload(**key, partSize=str(MIB))["uploadId"]}
        data = os.urandom(2 * MIB + 5)
        for start in range(0, len(data), MIB):
            piece = data[start : start + MIB]
            where = f"bytes {start}-{start + len(piece) - 1}/*"
            client.upload_multipart_part(**key, range=where, body=piece)
            self.parts.setdefault(key["uploadId"], set()).add(tree_hash(piece))
        size, digest = str(len(data)), tree_hash(data)
        done = client.complete_multipart_upload(**key, archiveSize=size, checksum=digest)
        del self.parts[key["uploadId"]]
        self.archives[done["archiveId"]] = (digest, len(data))

    def run(self, work):
        client = self.found.client()
        with_errors = (BotoCoreError, ClientError)
        try:
            while True:
                work(client)
        except with_errors:
            return


def crash(folder, seconds):
    """Kill a server under load; return (acknowledged archives, those found, listed archives)."""
    found = emulator.start(folder, speed=0)
    crowd = Crowd(Emulator(found))
    crowd.found.client().create_vault(vaultName="crash")
    works = [crowd.archive, crowd.archive, crowd.upload]
    threads = [threading.Thread(target=crowd.run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    kill(found)
    for thread in threads:
        thread.join()
    again = Emulator(emulator.start(folder))
    return crowd, again


def test_a_kill_in_the_middle_of_uploads_loses_nothing_and_invents_nothing(folder):
    """Every acknowledged archive and part is there; no file is left that no row knows."""
    crowd, again = crash(folder, 0.6)
    client = again.client()
    again.advance(days=1)
    job = client.initiate_job(vaultName="crash", jobParameters={"Type": "inventory-retrieval"})["jobId"]
    again.advance(hours=4)
    text = client.get_job_output(vaultName="crash", jobId=job)["body"].read()
    listed = {
        item["ArchiveId"]: (item["SHA256TreeHash"], item["Size"]) for item in json.loads(text)["ArchiveList"]
    }
    assert crowd.archives
    assert crowd.archives.items() <= listed.items()
    # An upload may have been stored and not answered: at most one for each of three threads.
    assert len(listed) <= len(crowd.archives) + 3
    for archive in list(crowd.archives)[-3:]:
        fetched = retrieve(again, client, archive)
        assert tree_hash(fetched) == crowd.archives[archive][0]


def retrieve(again, client, archive):
    parameters = {"Type": "archive-retrieval", "ArchiveId": archive}
    job = client.initiate_job(vaultName="crash", jobParameters=parameters)["jobId"]
    again.advance(hours=4)
    return client.get_job_output(vaultName="crash", jobId=job)["body"].read()


def test_parts_survive_a_kill_and_stray_files_do_not(folder):
    """Files without a row are swept at the next start."""
    found = emulator.start(folder, speed=0)
    client = Emulator(found).client()
    client.create_vault(vaultName="crash")
    upload = client.initiate_multipart_upload(vaultName="crash", partSize=str(MIB))["uploadId"]
    key = {"vaultName": "crash", "uploadId": upload}
    client.upload_multipart_part(**key, range="bytes 0-3/*", body=b"part")
    kill(found)
    stray = folder / "archives" / "ab" / ("ab" * 16)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"never acknowledged")
    half = folder / "incoming" / ("cd" * 16)
    half.write_bytes(b"half")
    client = Emulator(emulator.start(folder)).client()
    (part,) = client.list_parts(**key)["Parts"]
    assert part["SHA256TreeHash"] == hashlib.sha256(b"part").hexdigest()
    assert not stray.exists()
    assert not half.exists()
