"""What many small files cost beyond their requests: statements and commits, which are counted."""

import re

import pytest

from glacier_magic.catalogue.storage.sqlite_file import SqliteFile
from glacier_magic.transfer.store import AT_ONCE

COUNT = 40
STATEMENTS, COMMITS = 14, 2
"""A file's, at most: its intent and its archive are a transaction each."""


@pytest.fixture
def statements(session):
    """The statements of the session's catalogue from now on."""
    database = session.catalogue.database
    if not isinstance(database, SqliteFile):
        pytest.skip("only SQLite names its statements")
    found = []
    database._connection.set_trace_callback(found.append)
    yield found
    database._connection.set_trace_callback(None)


@pytest.mark.limits(workers=1)  # more workers share their commits
def test_a_small_file_takes_few_statements_and_two_commits(vault, files, statements):
    """Besides those of the whole upload, which are as many for any number of files."""
    costs = []
    for folder, count in (("few", 1), ("many", COUNT + 1)):
        for number in range(count):
            files(f"{folder}/{number}", b"x" * (number + 1))
        statements.clear()
        assert len(vault.upload_all([folder], recursive=True)) == count
        costs.append((len(statements), statements.count("COMMIT")))
    (few, few_commits), (many, many_commits) = costs
    assert many - few <= COUNT * STATEMENTS
    assert many_commits - few_commits <= COUNT * COMMITS


def test_the_plan_of_many_files_asks_the_catalogue_once(vault, files, statements):
    """As many statements as for one file."""
    files("0", b"x")
    vault.upload_plan(["0"])
    one = len(statements)
    for number in range(COUNT):
        files(f"many/{number}", b"x" * (number + 1))
    statements.clear()
    assert vault.upload_plan(["many"], recursive=True).requests == COUNT <= AT_ONCE
    assert len(statements) <= one


def test_each_file_beyond_one_statement_is_known(vault, files):
    """Also those behind the first that one statement asks about."""
    for number in range(AT_ONCE + 2):
        files(f"many/{number:04}", b"x")
    vault.upload("many/0000")
    vault.upload(f"many/{AT_ONCE + 1:04}")
    plan = vault.upload_plan(["many"], recursive=True)
    assert (plan.requests, len(plan.sending.before.rows)) == (AT_ONCE, 2)


def test_earlier_uploads_are_found_by_an_index(vault, files, session, statements):
    """Whatever the number of rows: by path, or by archive id."""
    for number in range(3):
        files(f"many/{number}", b"x")
    vault.upload_all(["many"], recursive=True)
    database = session.catalogue.database
    database._connection.set_trace_callback(None)
    asked = [text for text in statements if re.match(r"SELECT .* FROM uploads WHERE \+?account", text)]
    assert any("doubt=1" in text for text in asked)
    for text in asked:
        plan = " ".join(row["detail"] for row in database.rows(f"EXPLAIN QUERY PLAN {text}"))
        assert "path=?" in plan or "archive_id=?" in plan
