"""Killed at any moment, in both directions: gone on with, nothing confirmed moved again."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from glacier_magic import cli
from glacier_magic.errors import LocalError

MIB = 1 << 20
PATIENCE = 30.0
SIZE = 12 * MIB + 100
COUNT = 13
RATE = 12 * MIB

KILLS = int(os.environ.get("GLACIER_MAGIC_KILLS", "6"))
"""Kills in each direction; each at a moment of its own, the same in every run."""

MOST_AT_ONCE = 4

MOMENTS = [random.Random(number).uniform(0, 1.2) for number in range(KILLS)]

UPLOADER = """
    import sys
    import threading
    import glacier_magic as gm
    from glacier_magic.service import Service
    folder, region, catalogue, rate, wait = sys.argv[1:]
    lock = threading.Lock()
    def say(text):
        with lock:
            sys.stdout.write(text + chr(10))
            sys.stdout.flush()
    original = Service.upload_part
    def upload_part(service, vault, upload_id, start, body):
        say(f"sends {start}")
        told = original(service, vault, upload_id, start, body)
        say(f"sent {start}")
        return told
    Service.upload_part = upload_part
    sizes = {"single_request": 1 << 20, "smallest_part": 1 << 20}
    session = connect(folder, region, catalogue, workers=4, **sizes)
    session.engine.budget.max_rate = float(rate)
    say("ready")
    if wait == "wait":
        sys.stdin.readline()
    try:
        session.vault("photos").upload("large")
        say("done")
    except gm.GlacierError as error:
        say(f"{type(error).__name__}: {error}")
    say("ended")
"""

FETCHER = """
    import sys
    import threading
    import glacier_magic as gm
    from glacier_magic.transfer import download
    folder, region, catalogue, rate, wait = sys.argv[1:]
    lock = threading.Lock()
    def say(text):
        with lock:
            sys.stdout.write(text + chr(10))
            sys.stdout.flush()
    original = download._PieceFetcher.run
    def run(piece):
        say(f"fetches {piece.number}")
        result = original(piece)
        say(f"fetched {piece.number}")
        return result
    download._PieceFetcher.run = run
    session = connect(folder, region, catalogue, tick=0.05, emulator_idle=0.05, piece=1 << 20, workers=4)
    session.engine.budget.max_rate = float(rate)
    say("ready")
    if wait == "wait":
        sys.stdin.readline()
    try:
        session.jobs().wait(60)
        say("done")
    except gm.GlacierError as error:
        say(f"{type(error).__name__}: {error}")
    say("ended")
    session.close()
"""


def numbers(lines, word):
    return [int(line.split()[1]) for line in lines if line.startswith(f"{word} ")]


@pytest.fixture(scope="module")
def tally():
    """What the kills of this run came to; printed at the end where more than usual are asked."""
    counts = []
    yield counts
    if "GLACIER_MAGIC_KILLS" in os.environ:
        for way in ("up", "down"):
            rows = [row for row in counts if row[0] == way]
            print(
                f"\n{way}: {len(rows)} kills, {sum(row[1] for row in rows)} before the end, "
                f"{sum(row[2] for row in rows)} parts moved by then, "
                f"{sum(row[3] for row in rows)} on record, {sum(row[4] for row in rows)} begun "
                f"again, at most {max((row[4] for row in rows), default=0)} at one kill"
            )


@pytest.fixture
def parts_at(client):
    """The first bytes of the parts that the service has of unfinished uploads."""

    def parts_at():
        found = client.list_multipart_uploads(vaultName="photos")["UploadsList"]
        return {
            int(part["RangeInBytes"].split("-")[0])
            for upload in found
            for part in client.list_parts(vaultName="photos", uploadId=upload["MultipartUploadId"])["Parts"]
        }

    return parts_at


@pytest.fixture
def start(emulator, region, session_place, vault, child):
    """Start a process of ours that moves bytes at a rate."""

    def start(script, rate=RATE, wait="go"):
        other = child(script, emulator.folder, region, session_place, rate, wait)
        other.until("ready")
        return other

    return start


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_upload_that_was_killed_sends_only_what_is_missing(
    vault, files, small_parts, start, starts, parts_at, stored, archives_in, tally, moment
):
    """No part that ListParts confirms is sent again: at most those in flight are."""
    path = files("large", SIZE)
    other = start(UPLOADER)
    time.sleep(moment)
    lines = other.kill_and_read()
    confirmed = parts_at()
    archive = vault.upload("large")
    assert not confirmed & set(starts)
    assert not set(numbers(lines, "sent")) & set(starts)
    twice = set(numbers(lines, "sends")) & set(starts)
    assert len(twice) <= MOST_AT_ONCE
    assert len(starts) == len(set(starts))
    assert stored(archive.id)[0] == path.read_bytes()
    assert archives_in() == 1
    sent = len(numbers(lines, "sent"))
    tally.append(("up", "done" not in lines, sent, len(confirmed), len(twice)))


@pytest.fixture
def ready(session, vault, files, small_parts, later, tmp_path):
    """A finished job of a large archive that nobody has fetched; return its bytes."""
    path = files("large", SIZE)
    vault.upload("large")
    vault.restore("large", to=tmp_path / "back").run()
    session.close()
    later(hours=4.1)
    return path.read_bytes()


def everything(folder):
    return sorted(p.name for p in folder.rglob("*")) if folder.exists() else []


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_download_that_was_killed_fetches_only_what_is_missing(
    connect, ready, start, fetched, jobs_of, tally, tmp_path, moment
):
    """No piece that is on record as verified is fetched again, and there is one file."""
    other = start(FETCHER)
    time.sleep(moment)
    lines = other.kill_and_read()
    assert ("large" in everything(tmp_path / "back")) or "done" not in lines
    session = connect()
    found = session.catalogue.downloads.recent()[0]
    recorded = set(range(COUNT)) if found.state == "verified" else set(found.verified_pieces)
    session.jobs().wait(PATIENCE)
    again = {start // MIB for start in fetched}
    assert not recorded & again
    twice = set(numbers(lines, "fetches")) & again
    assert len(twice) <= 2 * MOST_AT_ONCE  # in flight, or verified and not on record yet
    assert len(fetched) == len(set(fetched))
    assert (tmp_path / "back" / "large").read_bytes() == ready
    assert everything(tmp_path / "back") == ["large"]
    assert len(jobs_of()) == 1
    done = len(numbers(lines, "fetched"))
    tally.append(("down", "done" not in lines, done, len(recorded), len(twice)))


# Two processes at once


def outcome(child):
    """The lines of a process until it has ended by itself."""
    return child.until("ended")


@pytest.mark.each_backend
def test_two_processes_that_resume_one_upload_make_one_archive(
    vault, files, small_parts, start, parts_at, stored, archives_in, client
):
    """One goes on with it; the other is refused, or finds it stored. No part is sent by both."""
    path = files("large", SIZE)
    first = start(UPLOADER)
    while len(parts_at()) < 3:
        time.sleep(0.01)
    first.kill()
    confirmed = parts_at()
    both = [start(UPLOADER, wait="wait") for _ in range(2)]
    for other in both:
        other.go_on()
    told = [outcome(other) for other in both]
    sent = [set(numbers(lines, "sends")) for lines in told]
    assert not sent[0] & sent[1]
    assert not confirmed & (sent[0] | sent[1])
    for lines in told:
        assert "done" in lines or "another process" in lines[-1]
    assert any("done" in lines for lines in told)
    archive = vault.upload("large")
    assert stored(archive.id)[0] == path.read_bytes()
    assert client.list_multipart_uploads(vaultName="photos")["UploadsList"] == []
    assert archives_in() == 1


@pytest.mark.each_backend
def test_two_processes_that_resume_one_download_make_one_file(connect, ready, start, jobs_of, tmp_path):
    """No piece is fetched by both, and both see the end."""
    both = [start(FETCHER, wait="wait") for _ in range(2)]
    for other in both:
        other.go_on()
    told = [outcome(other) for other in both]
    fetched = [set(numbers(lines, "fetches")) for lines in told]
    assert not fetched[0] & fetched[1]
    assert fetched[0] | fetched[1] == set(range(COUNT))
    for lines in told:
        assert "done" in lines
    assert (tmp_path / "back" / "large").read_bytes() == ready
    assert everything(tmp_path / "back") == ["large"]
    assert len(jobs_of()) == 1


@pytest.mark.limits(upload_lease=1.0, lease_renewal=0.1)
def test_a_slow_part_keeps_its_hold(session, connect, vault, files, small_parts, calls):
    """Another computer does not take over an upload whose one part takes longer than the lease."""

    files("large", 2 * MIB)
    original, reached, go_on = calls.of("upload_part"), threading.Event(), threading.Event()

    def slow(*arguments):
        reached.set()
        assert go_on.wait(PATIENCE)
        return original(*arguments)

    calls.replace("upload_part", slow)
    worker = threading.Thread(target=lambda: vault.upload("large"))
    worker.start()
    try:
        assert reached.wait(PATIENCE)
        time.sleep(1.5)
        with pytest.raises(LocalError, match="another process"):
            connect().vault("photos").upload("large")
    finally:
        go_on.set()
        worker.join(PATIENCE)
    assert len(vault.archives()) == 1


# Ctrl-C

COMMAND = """
    import signal
    import sys
    from functools import partial
    from glacier_magic import Session
    from glacier_magic.base.session_limits import Limits
    from glacier_magic.service import Service
    signal.signal(signal.SIGINT, signal.default_int_handler)
    def telling(name, place):
        original = getattr(Service, name)
        def call(*arguments):
            sys.stdout.write(f"{name} {arguments[place]}" + chr(10))
            sys.stdout.flush()
            return original(*arguments)
        setattr(Service, name, call)
    telling("upload_part", 3)
    telling("open_output", 3)
    from glacier_magic.cli import main
    limits = Limits(single_request=1 << 20, smallest_part=1 << 20, piece=1 << 20, workers=4)
    sys.exit(main(sys.argv[1:], sessions=partial(Session, limits=limits)))
"""


class Command:
    """The command line in another process."""

    def __init__(self, *words):
        self._process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(COMMAND), *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._watchdog = threading.Timer(2 * PATIENCE, self._process.kill)
        self._watchdog.start()

    def until(self, word, times=1):
        """Wait until a line begins with *word* for so many times."""
        for line in self._process.stdout:
            times -= line.startswith(word)
            if not times:
                return
        raise AssertionError(self._process.stderr.read())

    def interrupt(self):
        """Press Ctrl-C; return the exit code and what was said."""
        self._process.send_signal(signal.SIGINT)
        return self.end()

    def end(self):
        """Return the exit code, standard output and standard error."""
        try:
            out, err = self._process.communicate(timeout=PATIENCE)
        finally:
            self._process.kill()
            self._watchdog.cancel()
        return self._process.returncode, out, err


@pytest.fixture
def command(session_place, monkeypatch):
    """Run the command line in other processes, connected to an emulator."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(session_place))

    def command(emulator, region):
        assert cli.main(["connect", "--data", str(emulator.folder), "--region", region]) == 0
        assert cli.main(["create", "photos"]) == 0
        return Command

    return command


def test_ctrl_c_stops_an_upload_and_the_same_command_goes_on(
    command, emulator, region, files, parts_at, vault, stored, capsys
):
    """Code 130, a sentence that says how, and no confirmed part is sent again."""
    path = files("large", SIZE)
    run = command(emulator, region)
    words = ("upload", "large", "--vault", "photos", "--part-size", "1MiB")
    first = run(*words, "--max-rate", "2MB/s")
    first.until("upload_part", 6)
    code, _, err = first.interrupt()
    assert code == 130
    assert "Interrupted" in err
    assert "to resume, run the same command again" in err
    assert "Traceback" not in err
    confirmed = parts_at()
    assert confirmed
    code, out, err = run(*words).end()
    assert code == 0, err
    again = numbers(out.splitlines(), "upload_part")
    assert not confirmed & set(again)
    assert len(again) + len(confirmed) == COUNT
    (archive,) = vault.archives()["archive_id"]
    assert stored(archive)[0] == path.read_bytes()


def test_ctrl_c_stops_a_restore_and_the_same_command_goes_on(
    command, emulator, region, files, vault, later, capsys, small_parts, tmp_path, session
):
    """What is verified stays; nothing is asked for twice."""
    path = files("large", SIZE)
    run = command(emulator, region)
    vault.upload("large")
    vault.restore("large", to=tmp_path / "back").run()
    session.close()
    later(hours=4.1)
    words = ("restore", "large", "--vault", "photos", "--to", tmp_path / "back", "--yes", "--wait")
    first = run(*words, "--max-rate", "2MB/s")
    first.until("open_output", 6)
    code, _, err = first.interrupt()
    assert code == 130, err
    assert "Interrupted" in err
    assert "Traceback" not in err
    assert "large" not in everything(tmp_path / "back")
    code, out, err = run(*words).end()
    assert code == 0, err
    assert len(numbers(out.splitlines(), "open_output")) < COUNT
    assert (tmp_path / "back" / "large").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("way", ["up", "down"])
def test_ctrl_c_does_not_wait_for_a_service_that_hangs(
    command, own_emulator, region, files, connect, capsys, small_parts, tmp_path, way
):
    """The emulator is stopped in the middle of its answers, as if the network had gone."""
    files("large", SIZE)
    run = command(own_emulator, region)
    words = ["upload", "large", "--vault", "photos", "--part-size", "1MiB"]
    marker = "upload_part"
    if way == "down":
        with connect(emulator=own_emulator.folder) as session:
            session.vault("photos").upload("large")
            session.vault("photos").restore("large", to=tmp_path / "back").run()
        own_emulator.advance(hours=4.1)
        words = ["restore", "large", "--vault", "photos", "--to", tmp_path / "back", "--yes"]
        words.append("--wait")
        marker = "open_output"
    server = own_emulator.status()["pid"]
    first = run(*words, "--max-rate", "2MB/s")
    first.until(marker, 5)
    os.kill(server, signal.SIGSTOP)
    try:
        time.sleep(0.5)
        code, _, err = first.interrupt()
    finally:
        os.kill(server, signal.SIGCONT)
    assert code == 130, err
    assert "Interrupted" in err
