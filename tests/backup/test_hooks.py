"""The user's commands before and after a run: real processes, their environment, and how they end."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from glacier_magic.backup.hooks import hooks_file
from glacier_magic.backup.lease import leased
from glacier_magic.base.paths import data_folder
from glacier_magic.commands.last_connection import remember
from glacier_magic.errors import InputError, LocalError, OverBudget, Unavailable
from tests.packed import on_disk, write


@pytest.fixture
def commands(tmp_path):
    """Write the commands of the set; each also tells that it ran, and its facts, in a file."""

    def commands(**given):
        told = tmp_path / "told"
        names = "$SET $STATUS $SNAPSHOT $FILES $ADDED $COST"
        usual = dict.fromkeys(("before", "after", "failed"), "true") | given
        lines = [
            f"{name} = '''echo {name} {names} >> {told}\n{text}'''" for name, text in usual.items() if text
        ]
        hooks_file().parent.mkdir(parents=True, exist_ok=True)
        (data_folder() / "prices.toml").write_text("[all]\nupload-requests = 10\nstorage = 1\n")
        hooks_file().write_text("\n".join(["[home]", *lines]))
        return lambda: [line.split() for line in told.read_text().splitlines()] if told.exists() else []

    return commands


@pytest.fixture
def sent(calls):
    """The names of the archives that were sent."""
    return calls.noted("upload_archive", 1)


def test_files_of_a_command_are_stored_and_the_next_one_gets_the_outcome(backup, commands, tmp_path):
    """Also where the folder does not exist before; a run that finds nothing new says so."""
    backup.root.rmdir()
    told = commands(
        before=f"mkdir -p {backup.root}; [ -e {backup.root}/dump ] || echo 1 > {backup.root}/dump"
    )
    plan = backup.plan()
    assert "before, after, failed" in dict(plan.facts)["commands"]
    ran = plan.run()
    assert backup.restore() == on_disk(backup.root)
    cost = told()[1][-1]
    assert float(cost) == 0.06  # a pack and a manifest, three requests each
    assert told() == [
        ["before", "home", "started"],
        ["after", "home", "done", "1", "1", str(ran.snapshot.added), cost],
    ]
    backup.run()
    assert told()[2:] == [["before", "home", "started"], ["after", "home", "unchanged", "0"]]
    backup.whole()


def test_a_failing_command_before_ends_the_run(backup, commands, sent):
    """Nothing is sent, the error has its output without secrets, and the next run stores all."""
    told = commands(before="echo the key is AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQ; exit 3")
    write(backup.root, a=b"1")
    with pytest.raises(LocalError, match="'before' of 'home' failed, exit code 3: the key is") as caught:
        backup.run()
    assert "AGE-SECRET-KEY" not in str(caught.value)
    assert caught.value.exit_code == 9
    assert [words[0] for words in told()] == ["before", "failed"]
    assert sent == []
    commands()
    backup.run()
    backup.whole()


@pytest.mark.parametrize("command", [r"a\u0000b", "x" * 200_000], ids=["null byte", "long"])
def test_a_command_that_cannot_be_started_is_told(backup, commands, sent, command):
    """As one that fails."""
    commands()
    hooks_file().write_text(f'[home]\nbefore = "{command}"')
    with pytest.raises(LocalError, match="'before' of 'home' cannot be started"):
        backup.run()
    assert sent == []


def test_a_failing_command_after_is_reported_and_the_snapshot_stays(backup, commands):
    commands(after="echo no network; exit 1")
    write(backup.root, a=b"1")
    ran = backup.run()
    assert "'after' of 'home' failed, exit code 1: no network" in repr(ran)
    assert backup.snapshots() == [1]


def test_the_limit_holds_for_files_of_a_command(backup, commands, sent):
    told = commands(before=f"for n in 1 2 3 4 5; do echo $n > {backup.root}/$n; done")
    plan = backup.plan(pack_size=1)
    with pytest.raises(OverBudget):
        plan.run(max_cost="0.01")
    assert sent == []
    assert [words[0] for words in told()] == ["before", "failed"]
    assert plan.run(max_cost="0.18").snapshot.files == 5


def test_a_process_that_does_not_have_the_set_runs_no_command(backup, commands):
    told = commands()
    write(backup.root, a=b"1")
    backup.run()
    before = told()
    write(backup.root, b=b"2")
    with leased(backup.session.engine, backup.set):
        backup.session.catalogue.database.execute("UPDATE backup_sets SET owner='other:1'")
        with pytest.raises(Unavailable):
            backup.run()
    assert told() == before


@pytest.mark.parametrize(
    "text",
    ["[home", "home = 1", "[home]\nduring = 'true'", "[home]\nbefore = 1", "[home]\nbefore = ''\n[home]\n"],
)
def test_a_file_that_is_not_valid_stops_the_plan(backup, commands, text):
    commands()
    hooks_file().write_text(text)
    with pytest.raises(InputError, match=r"backup\.toml"):
        backup.plan()


def test_a_link_to_nowhere_is_not_as_if_there_were_no_commands(backup, commands):
    commands()
    hooks_file().rename(hooks_file().with_name("moved"))
    hooks_file().symlink_to("elsewhere")
    with pytest.raises(InputError, match=r"backup\.toml"):
        backup.plan()


def test_a_pipe_in_the_place_of_the_file_is_refused(backup, commands):
    """Nobody writes to it."""
    commands()
    hooks_file().unlink()
    os.mkfifo(hooks_file())
    with pytest.raises(InputError, match="is not a file"):
        backup.plan()
    hooks_file().unlink()


def test_commands_that_all_users_can_change_are_refused(backup, commands):
    commands()
    hooks_file().chmod(0o666)
    with pytest.raises(InputError, match="All users can change"):
        backup.plan()


def ended(file, until):
    """Wait until the process whose number is in a file has ended."""
    number = int(file.read_text())
    until(lambda: not Path(f"/proc/{number}").exists() or "Z" in Path(f"/proc/{number}/stat").read_text())


def test_a_command_that_hangs_is_stopped_with_all_that_it_started(backup, commands, tmp_path, until, sent):
    """By the button of a plan."""
    told = commands(before=f"(trap '' TERM; sleep 1000) & echo $! > {tmp_path / 'started'}; wait")
    write(backup.root, a=b"1")
    plan, failures = backup.plan(), []

    def run():
        try:
            plan.run()
        except LocalError as error:
            failures.append(error.message)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: (tmp_path / "started").exists() and (tmp_path / "started").read_text().strip())
    plan.stop()
    thread.join(30)
    assert failures == ["The command 'before' was stopped"]
    ended(tmp_path / "started", until)
    assert [words[0] for words in told()] == ["before", "failed"]
    assert sent == []


RUN = """
    import sys
    folder, region, catalogue, root = sys.argv[1:]
    session = connect(folder, region, catalogue)
    print("begun", flush=True)
    try:
        session.vault("photos").backup("home", root, plain=True).run()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_a_command_that_hangs_is_interrupted(backup, commands, child, emulator, region, tmp_path, until):
    """By Ctrl-C in another process."""
    told = commands(before=f"echo $$ > {tmp_path / 'started'}; sleep 1000")
    write(backup.root, a=b"1")
    process = child(RUN, emulator.folder, region, tmp_path / "own.sqlite", backup.root)
    until(lambda: (tmp_path / "started").exists() and (tmp_path / "started").read_text().strip())
    process.interrupt()
    process.until("interrupted")
    ended(tmp_path / "started", until)
    assert [words[0] for words in told()] == ["before", "failed"]


def test_a_command_that_hangs_ends_with_a_shell_that_is_terminated(backup, commands, tmp_path, until):
    """As the stop of a service does."""
    told = commands(before=f"echo $$ > {tmp_path / 'started'}; sleep 1000")
    write(backup.root, a=b"1")
    remember(backup.session.connection)
    line = ["backup", "home", str(backup.root), "--plain", "--vault", "photos", "--yes"]
    own = os.environ | {"GLACIER_MAGIC_CATALOGUE": str(tmp_path / "own.sqlite")}
    process = subprocess.Popen([sys.executable, "-m", "glacier_magic.cli", *line], env=own)
    until(lambda: (tmp_path / "started").exists() and (tmp_path / "started").read_text().strip())
    process.terminate()
    assert process.wait(30) == 130
    ended(tmp_path / "started", until)
    assert [words[0] for words in told()] == ["before", "failed"]
