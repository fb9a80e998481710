"""A catalogue on PostgreSQL: what only a server can do wrong, and the SQL that it is given."""

import ast
import importlib
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.base.session_limits import Limits
from glacier_magic.catalogue import Catalogue, JobRecord, Scope
from glacier_magic.catalogue.storage import schema
from glacier_magic.catalogue.storage.owners import is_dead, new_owner
from glacier_magic.errors import CatalogueError, InputError, LocalError, Unavailable
from tests import postgres_server
from tests.catalogue import archive_record as record
from tests.catalogue import mark_deleted, wanted

psycopg = pytest.importorskip("psycopg")

from glacier_magic.catalogue.storage.postgres import glob, values  # noqa: E402 - after importorskip
from glacier_magic.catalogue.storage.postgres import postgres_server as server_side  # noqa: E402 - after importorskip

HERE = Scope("111111111111", "eu-west-1")
PASSWORD = postgres_server.PASSWORD


@contextmanager
def opened(url):
    catalogue = Catalogue(url, HERE)
    try:
        yield catalogue
    finally:
        catalogue.close()


@pytest.fixture
def catalogue(database_url):
    with opened(database_url) as catalogue:
        yield catalogue


@pytest.fixture
def stopped(postgres):
    """Stop the server; it runs again at the end."""
    yield postgres.stop
    if not postgres.runs:
        postgres.start()


# Passwords


def everything_said(error):
    """Return the messages of an error, its cure and its causes."""
    said = []
    while error is not None:
        said += [str(error), repr(error), getattr(error, "cure", "")]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return " ".join(said)


def test_a_password_is_used_and_never_shown(postgres, database_url):
    """Neither in the place, nor in the object, nor in the tables."""
    options = re.search(r"search_path%3D(\w+)", database_url)[1]
    url = postgres.url("guarded", password=PASSWORD, options=f"-csearch_path={options},public")
    with opened(url) as catalogue:
        catalogue.archives.record(record())
        assert catalogue.place.startswith("postgresql://guarded@/team?host=/")
        for shown in (catalogue.place, repr(catalogue.database._url), str(vars(catalogue))):
            assert PASSWORD not in shown
            assert "s3cr" not in shown
        for table in ("settings", "vaults", "archive_rows"):
            assert "s3cr" not in str([tuple(r) for r in catalogue.database.rows(f"SELECT * FROM {table}")])


def test_a_wrong_password_is_reported_without_it(postgres):
    """The cure says how to give the right one."""
    with pytest.raises(CatalogueError, match="guarded") as caught:
        Catalogue(postgres.url("guarded", password="wr0ng/one"), HERE)
    assert "pgpass" in caught.value.cure
    assert "wr0ng" not in everything_said(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:se%ZZcret@host/db",
        "postgresql://me:se@cret@host/db",
        "postgresql://me:secret@host:port/db",
        "postgresql://me:secret@host/db?sslmoode=x",
        "postgres://me:secret@[::1/db",
    ],
)
def test_a_url_that_is_not_understood_is_not_repeated(url):
    """It may contain a password, and the driver's message a part of it."""
    with pytest.raises((InputError, Unavailable)) as caught:
        Catalogue(url, HERE)
    assert "cret" not in everything_said(caught.value)


def test_another_kind_of_database_is_refused(tmp_path, monkeypatch):
    """No folder of that name is created."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="mysql://") as caught:
        Catalogue("mysql://me:secret@host/db", HERE)
    assert "secret" not in everything_said(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_driver_is_imported_only_where_it_is_needed(tmp_path):
    """A user of a file does not wait for the import."""
    script = (
        "import sys, glacier_magic.client.session, glacier_magic.catalogue as c; "
        f"c.Catalogue({str(tmp_path / 'c.sqlite')!r}, c.Scope('1', 'r')).close(); "
        "sys.exit('psycopg' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_without_the_driver_the_cure_is_to_install_it(monkeypatch):
    """Not an ImportError."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match="psycopg") as caught:
        Catalogue("postgresql://host/db", HERE)
    assert "pip install 'glacier_magic[postgres]'" in caught.value.cure


def test_both_names_of_the_scheme_are_taken(database_url):
    """As libpq does."""
    with opened(database_url.replace("postgresql://", "postgres://")) as catalogue:
        catalogue.archives.record(record())
    with opened(database_url) as catalogue:
        assert catalogue.archives.count("photos") == 1


# Servers that will not do


def test_a_server_that_is_down_is_unavailable():
    """At once: a new URL is often misspelled."""
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        Catalogue("postgresql://me:secret@127.0.0.1:1/db", HERE)
    assert "secret" not in everything_said(caught.value)


@pytest.mark.parametrize(
    ("user", "database", "what", "cure"),
    [
        ("team", "nowhere", "does not exist", "createdb"),
        ("nobody_at_all", "team", "does not exist", "createuser"),
        ("stranger", "team", "permission denied", "GRANT"),
    ],
)
def test_what_the_server_refuses_says_what_to_do(postgres, user, database, what, cure):
    """A missing database or role, a schema without the permission to write."""
    with pytest.raises(CatalogueError, match=what) as caught:
        Catalogue(postgres.url(user, database), HERE)
    assert cure in caught.value.cure


def test_a_user_who_may_only_read_gets_an_error_for_a_write(postgres, catalogue, database_url):
    """And reads, which need no permission to write."""
    name = re.search(r"search_path%3D(\w+)", database_url)[1]
    postgres.sql(
        f"GRANT USAGE ON SCHEMA {name} TO stranger; GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO stranger",
        "team",
    )
    catalogue.archives.record(record())
    with opened(database_url.replace("//team@", "//stranger@")) as theirs:
        assert [a.name for a in theirs.archives.matching("photos")] == ["a.txt"]
        with pytest.raises(CatalogueError, match="permission denied") as caught:
            theirs.archives.record(record("b", 2))
        assert "GRANT" in caught.value.cure


def test_a_database_that_is_not_utf8_is_refused(postgres):
    """It could not hold every name."""
    postgres.sql("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(CatalogueError, match="LATIN1") as caught:
        Catalogue(postgres.url("root", "latin"), HERE)
    assert "UTF8" in caught.value.cure


def test_tables_of_another_program_are_refused_unchanged(postgres, database_url):
    """A schema with a table whose name the catalogue needs."""
    with psycopg.connect(database_url, autocommit=True) as raw:
        raw.execute("CREATE TABLE jobs(title text)")
        with pytest.raises(CatalogueError, match="another program: jobs") as caught:
            Catalogue(database_url, HERE)
        tables = raw.execute("SELECT count(*) FROM pg_tables WHERE schemaname=current_schema()")
        assert tables.fetchone() == (1,)
    assert "search_path" in caught.value.cure


def test_a_search_path_without_a_schema_is_refused(postgres):
    """The cure says what to create."""
    with pytest.raises(CatalogueError, match="no schema"):
        Catalogue(postgres.url(options="-csearch_path=nothing_there"), HERE)


def test_a_newer_version_is_refused_unchanged(database_url):
    """An older program must not touch what it does not understand."""
    Catalogue(database_url, HERE).close()
    with psycopg.connect(database_url, autocommit=True) as raw:
        raw.execute("UPDATE glacier_magic SET version=99")
        with pytest.raises(CatalogueError, match="newer version") as caught:
            Catalogue(database_url, HERE)
        assert raw.execute("SELECT version FROM glacier_magic").fetchone() == (99,)
    assert "pip install" in caught.value.cure


def test_it_works_without_trigrams(postgres):
    """A server without the extension searches names one by one."""
    postgres.sql("CREATE DATABASE plain OWNER team")
    postgres.sql("GRANT CREATE ON SCHEMA public TO stranger", "plain")
    postgres.sql("REVOKE CREATE ON DATABASE plain FROM public", "plain")
    with opened(postgres.url("stranger", "plain")) as catalogue:
        assert not catalogue.database.searchable
        catalogue.archives.record(record("some/where.txt"))
        assert len(catalogue.archives.query("photos", text="HERE.t").records) == 1
    with opened(postgres.url("root", "plain")) as catalogue:  # who may, makes them
        assert catalogue.database.searchable
        assert len(catalogue.archives.query("photos", text="HERE.t").records) == 1


# Connections that are lost


def break_connections(postgres):
    """End all connections but the one that asks, as a restart does."""
    postgres.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname='team' AND pid<>pg_backend_pid()"
    )


def test_a_lost_connection_is_reopened(postgres, database_url):
    """By a read, by a write, and by the beginning of a transaction."""
    with opened(database_url) as catalogue:
        catalogue.archives.record(record("a", 1))
        break_connections(postgres)
        assert catalogue.archives.count("photos") == 1
        break_connections(postgres)
        catalogue.archives.record(record("b", 2))
        break_connections(postgres)
        catalogue.settings.put("key", "value")
        assert catalogue.archives.count("photos") == 2


def test_a_lost_transaction_is_reported_and_leaves_nothing(postgres, database_url):
    """Later statements work."""
    with opened(database_url) as catalogue:

        def write():
            with catalogue.database.transaction():
                catalogue.archives.record(record("a", 1))
                break_connections(postgres)
                catalogue.archives.record(record("b", 2))

        with pytest.raises(Unavailable, match="lost") as caught:
            write()
        assert "Nothing is lost" in caught.value.cure
        assert catalogue.archives.matching("photos") == []
        catalogue.archives.record(record("c", 3))


def test_the_outcome_of_an_upload_survives_a_lost_connection(postgres, database_url):
    """The archive is paid for and stored: its id must not be lost with the transaction."""
    with opened(database_url) as catalogue:
        begun = catalogue.uploads.begin(
            vault="photos",
            path="/a",
            size=7,
            mtime_ns=1,
            name="a",
            description="a",
            part_size=None,
            owner="me",
        )
        original, times = catalogue.archives.record, []

        def breaking(*arguments, **named):
            times.append(1)
            if len(times) == 1:
                break_connections(postgres)
            original(*arguments, **named)

        catalogue.uploads._archives.record = breaking
        catalogue.uploads.done(begun.id, record("a"))
        assert len(times) == 2
        assert catalogue.uploads.get(begun.id).state == "done"
        assert catalogue.archives.count("photos") == 1


def test_a_deletion_that_the_service_accepted_survives_a_lost_connection(postgres, database_url, monkeypatch):
    """Otherwise the archive would be requested, and not found."""
    from glacier_magic.catalogue.archives.folders import FolderChanges

    with opened(database_url) as catalogue:
        catalogue.archives.record(record("a"))
        original, times = FolderChanges.write, []

        def breaking(*arguments):
            times.append(1)
            if len(times) == 1:
                break_connections(postgres)
            original(*arguments)

        monkeypatch.setattr(FolderChanges, "write", breaking)
        mark_deleted(catalogue, f"{1:0138}", now=5)
        assert len(times) == 2
        assert catalogue.archives.count("photos") == 0


@pytest.mark.parametrize("kept", [True, False])
def test_whether_an_unanswered_end_was_committed_is_queried(postgres, database_url, kept):
    """It is written once, whichever way the connection broke."""
    with opened(database_url) as catalogue:
        database = catalogue.database
        runs = []

        class Breaking:
            """A connection that breaks right before or after a COMMIT arrives."""

            def __init__(self, real):
                self._real = real

            def execute(self, statement, *arguments):
                if statement == "COMMIT" and len(runs) == 1:
                    if kept:
                        self._real.execute(statement)
                    break_connections(postgres)
                return self._real.execute(statement, *arguments)

            def __getattr__(self, name):
                return getattr(self._real, name)

        def write():
            runs.append(1)
            database.execute("INSERT INTO settings(key, value) VALUES('once', '1')")

        database._connection = Breaking(database._connection)
        database.together(write)
        assert len(runs) == (1 if kept else 2)
        assert catalogue.settings.get("once") == "1"


def test_a_restart_is_waited_for(postgres, database_url, stopped):
    """A server that is back within half a minute is not noticed."""
    with opened(database_url) as catalogue:
        catalogue.archives.record(record("a", 1))
        stopped()
        again = threading.Timer(0.5, postgres.start)
        again.start()
        catalogue.archives.record(record("b", 2))
        again.join()
        assert catalogue.archives.count("photos") == 2


def test_a_server_that_stays_away_is_unavailable(postgres, database_url, stopped):
    """The error has a cure; the catalogue works again with the server."""
    with opened(database_url) as catalogue:
        catalogue.database.limits = Limits(server_patience=0.3)
        stopped()
        for act in (lambda: catalogue.archives.record(record()), catalogue.jobs.known):
            with pytest.raises(Unavailable, match="cannot be reached"):
                act()
        postgres.start()
        catalogue.archives.record(record())


def test_a_closed_session_says_so(catalogue):
    """As with a file."""
    catalogue.close()
    with pytest.raises(CatalogueError, match="closed"):
        catalogue.jobs.known()


# Several at once


def test_a_writer_waits_and_gives_up_with_a_typed_error(catalogue, database_url):
    """Readers do not wait at all."""
    catalogue.database.limits = Limits(lock_wait=0.2)
    with opened(database_url) as other, other.database.transaction():
        other.archives.record(record("a"))
        assert catalogue.archives.matching("photos") == []
        with pytest.raises(LocalError, match="lock timeout"):
            catalogue.archives.record(record("b", 2))
    catalogue.archives.record(record("b", 2))


def test_one_archive_is_requested_once_though_many_try(database_url):
    """The statement that claims it sees what the others have claimed before."""
    with opened(database_url) as first:
        ids = first.downloads.want([wanted(token=str(n)) for n in range(6)])
    barrier, claimed = threading.Barrier(6), []

    def claim(number):
        with opened(database_url) as catalogue:
            barrier.wait()
            claimed.append(catalogue.downloads.claim_asking(number, f"owner {number}"))

    threads = [threading.Thread(target=claim, args=(number,)) for number in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [False] * 5 + [True]


def test_a_process_of_another_computer_of_the_same_name_is_not_taken_for_dead():
    """Containers often share a host name, and small process ids."""
    ours = new_owner()
    assert not is_dead(ours)
    dead = re.sub(r":\d+:", ":4194303:", ours)
    assert is_dead(dead)
    assert not is_dead(re.sub(r"/\w+:", "/00000000:", dead))


def test_leases_go_by_the_servers_clock(catalogue, monkeypatch):
    """A computer with a wrong clock neither takes over leases nor loses its own."""
    (row,) = catalogue.downloads.want([wanted(state="ready")])
    assert catalogue.downloads.claim(row, "me", ("ready",), "downloading")
    real, wrong = time.time, [0]
    monkeypatch.setattr(time, "time", lambda: real() + wrong[0])
    for wrong[0] in (3_600, -3_600):
        assert not catalogue.downloads.claim(row, "you", ("downloading",), "downloading")
        assert not catalogue.downloads.get(row).free_for("you")
        catalogue.downloads.renew("me")
    wrong[0] = 0
    assert not catalogue.downloads.get(row).free_for("you")


def test_the_clock_is_read_again_only_after_a_while_or_a_step():
    """Not with every lease."""
    asked, wall, steady = [], [1000.0], [50.0]

    def ask():
        asked.append(1)
        return wall[0] + 7

    ours = server_side.Clock(ask, wall=lambda: wall[0], steady=lambda: steady[0])
    for _ in range(5):
        assert ours.skew() == 7
        wall[0] += 1
        steady[0] += 1
    assert len(asked) == 1
    wall[0] += 100  # slept, or set
    ours.skew()
    assert len(asked) == 2
    wall[0] += server_side.CLOCK_SECONDS + 1
    steady[0] += server_side.CLOCK_SECONDS + 1
    ours.skew()
    assert len(asked) == 3


def test_a_snapshot_shows_one_time(catalogue):
    """Whatever other processes write meanwhile."""
    catalogue.archives.record(record("a", 1))
    with catalogue.database.snapshot() as view:
        assert view.rows("SELECT count(*) FROM archive_rows") == [(1,)]
        catalogue.archives.record(record("b", 2))
        names = list(view.stream("SELECT name FROM archive_rows WHERE size=?", (7,), 10))
        assert names == [[("a",)]]


def test_the_index_of_names_can_be_rebuilt(catalogue):
    """Invalid indexes are reported."""
    catalogue.archives.record(record("some/where.txt"))
    catalogue.database.reindex_names()
    assert catalogue.database.searchable
    assert catalogue.database.integrity() == []
    assert len(catalogue.archives.query("photos", text="here.t").records) == 1


# Texts


ODD = ["\\N", "a\tb\nc\\", "nul\0inside", "\0", "\x01\x02", "half \ud800 pair", "\udcff", "plain", "ä😀", ""]


@given(st.lists(st.text(st.characters(exclude_categories=[])), min_size=2, max_size=4))
def test_every_text_comes_back_and_sorts_as_before(texts):
    """NUL and halves of surrogate pairs, which PostgreSQL refuses, included."""
    kept = [values.escape(text) for text in texts]
    assert [values.unescape(text) for text in kept] == texts
    assert not re.search("[\0\ud800-\udfff]", "".join(kept))
    whole = [text for text in texts if not re.search("[\ud800-\udfff]", text)]
    assert sorted(whole) == sorted(whole, key=values.escape)


def test_odd_descriptions_load_and_are_shown(catalogue):
    """As they were, one by one and in bulk."""
    import pyarrow as pa

    loadable = [text for text in ODD if not re.search("[\ud800-\udfff]", text)]
    ids = [f"{number:0138}" for number in range(len(loadable))]
    columns = {
        "archive_id": ids,
        "description": loadable,
        "created": pa.array([5] * len(ids), pa.timestamp("ms", "UTC")),
        "size": pa.array([1] * len(ids), pa.int64()),
        "tree_hash": ["0" * 64] * len(ids),
    }
    with catalogue.inventories.loading("photos", "j") as load:
        load.add(pa.record_batch(columns))
        load.finish(9)
    found = {a.archive_id: a.description for a in catalogue.archives.query("photos").records}
    assert found == dict(zip(ids, loadable, strict=True))
    frame = catalogue.archives.frame("photos")
    assert dict(zip(frame["archive_id"], frame["description"], strict=True)) == found
    for text in ODD:
        catalogue.settings.put("odd", text)
        assert catalogue.settings.get("odd") == text


def test_names_sort_by_their_bytes_whatever_the_servers_language(postgres, catalogue):
    """A prefix is a range of them, in any case and script."""
    names = ["a", "B", "b", "A", "ä", "a-b", "a b", "ab", "Z", "é", "~", "😀", "a/b", "a\x01"]
    for number, name in enumerate(names):
        catalogue.archives.record(record(name, number))
    found = [a.name for a in catalogue.archives.query("photos").records]
    assert found == sorted(names, key=str.encode)
    assert catalogue.archives.names_with_prefix("photos", "a") == sorted(
        n for n in names if n.startswith("a")
    )
    down = [a.name for a in catalogue.archives.query("photos", sort="-name").records]
    assert down == found[::-1]


def test_what_is_missing_sorts_first_as_in_sqlite(catalogue):
    """First in ascending order, last in descending order."""
    for number, size in enumerate((3, None, 1)):
        catalogue.archives.record(record(str(number), number, size=size))
    for sort, sizes in (("size", [None, 1, 3]), ("-size", [3, 1, None])):
        assert [a.size for a in catalogue.archives.query("photos", sort=sort).records] == sizes


@given(pattern=st.text("ab*?[]^-%_\\c.", max_size=9), name=st.text("abc-^]%_\\.*", max_size=6))
def test_a_glob_is_translated_as_sqlite_matches_it(postgres, pattern, name):
    """Sets, ranges, unclosed brackets, and the wildcards of LIKE."""
    import sqlite3

    with sqlite3.connect(":memory:") as lite:
        (wanted,) = lite.execute("SELECT ? GLOB ?", (name, pattern)).fetchone()
    lite.close()
    found = glob.translate(pattern)
    told = False
    if found is not None:
        with psycopg.connect(postgres.url()) as raw:
            asked = f'SELECT %s::text COLLATE "C" {found[0]} %s'
            (told,) = raw.execute(asked, (name, found[1])).fetchone()
    assert told == bool(wanted)


# The SQL


@pytest.mark.parametrize(
    ("lite", "theirs"),
    [
        (
            "SELECT '?', \"a?b\" FROM t WHERE a=? AND b=:name",
            "SELECT '?', \"a?b\" FROM t WHERE a=%s AND b=%(name)s",
        ),
        ("SELECT a % 2, 'x%' -- ?\n", "SELECT a %% 2, 'x%%' -- ?\n"),
        (
            "SELECT id FROM archive_rows ORDER BY id LIMIT ?",
            "SELECT id FROM archive_rows ORDER BY id LIMIT %s",
        ),
    ],
)
def test_marks_of_values_are_those_of_the_driver(lite, theirs):
    """Outside of texts, names and comments."""
    assert values.marked(lite) == theirs


def statements():
    """Yield the SQL of the catalogue's modules that can be read off them, with its place."""
    folder = Path(schema.__file__).parents[1]
    for path in sorted(folder.rglob("*.py")):
        if (
            path.stem in ("backup", *(f"sqlite{end}" for end in ("", "_file", "_snapshot")))
            or path.parent.name == "postgres"
        ):
            continue  # of one database alone
        place = ".".join(path.relative_to(folder).with_suffix("").parts)
        names = vars(importlib.import_module(f"glacier_magic.catalogue.{place}"))
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Constant | ast.JoinedStr):
                continue
            text = _text(node, names)
            whole = re.match(r"(SELECT .* FROM|INSERT INTO|UPDATE|DELETE FROM|WITH) ", text, re.S)
            if whole and not text.endswith("ORDER BY "):  # else it is a part of one
                yield f"{path.name}:{node.lineno}", text


def _text(node, names):
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    parts = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(part.value)
            continue
        try:
            parts.append(str(eval(ast.unparse(part.value), dict(names))))
        except Exception:
            return ""  # put together from what is known only when it runs
    return "".join(parts)


def test_every_statement_of_the_catalogue_is_one_for_postgresql(catalogue):
    """They are prepared on a server, which refuses the words that only SQLite knows."""
    found, wrong = list(statements()), []
    with psycopg.connect(catalogue_url(catalogue), autocommit=True) as raw:
        for place, text in found:
            try:
                spelled, number = [], 0
                for piece in re.split(r"(%s|%\(\w+\)s)", values.marked(text)):
                    number += piece.startswith("%") and piece != "%%"
                    spelled.append(f"${number}" if piece.startswith("%") else piece)
                raw.execute(f"PREPARE one AS {''.join(spelled).replace('%%', '%')}")
                raw.execute("DEALLOCATE one")
            except psycopg.Error as error:
                if error.sqlstate != "42601" or "end of input" not in str(error):  # a part of one
                    wrong.append(f"{place}: {error}")
    assert wrong == []
    assert len(found) > 40


def catalogue_url(catalogue):
    return psycopg.conninfo.make_conninfo(**catalogue.database._url.options)


def test_a_catalogue_on_a_server_has_no_file(catalogue):
    """Commands that need a file report that."""
    with pytest.raises(CatalogueError, match="no file"):
        _ = catalogue.path


def test_truth_and_sums_come_back_as_numbers(catalogue):
    """As from SQLite."""
    catalogue.jobs.record([JobRecord(vault="v", job_id="j", action="A", gone=True)], ours=True)
    row = catalogue.database.row("SELECT ours, sum(gone) AS gone, count(*) AS n FROM jobs GROUP BY ours")
    assert (row["ours"], row["gone"], row["n"]) == (1, 1, 1)
    assert {type(value) for value in row} == {int}
    assert dict(row) == {"ours": 1, "gone": 1, "n": 1}
