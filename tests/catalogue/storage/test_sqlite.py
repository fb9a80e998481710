"""The search table of a file after an inventory of many archives."""

import threading
from contextlib import contextmanager

import pyarrow as pa
import pytest

from glacier_magic.catalogue import Catalogue, Scope
from glacier_magic.catalogue.storage.database import literal
from glacier_magic.catalogue.storage.sqlite import CHUNK

MANY = CHUNK + 2  # more than are added to the search table with the rows
THREAD = "glacier_magic names"


def batch(count):
    return pa.record_batch(
        {
            "archive_id": [f"{number:0138}" for number in range(count)],
            "description": [f"{number}.txt" for number in range(count)],
            "created": pa.array([0] * count, pa.timestamp("ms", "UTC")),
            "size": [1] * count,
            "tree_hash": ["0" * 64] * count,
        }
    )


@pytest.fixture
def opened(tmp_path):
    made = []

    def opened():
        made.append(Catalogue(tmp_path / "catalogue.sqlite", Scope("111111111111", "eu-west-1")))
        return made[-1]

    yield opened
    for each in made:
        each.close()


def load(catalogue, count):
    with catalogue.inventories.loading("photos", "j") as reading:
        reading.add(batch(count))
        reading.finish(0)


@contextmanager
def statements(catalogue):
    found = []
    catalogue.database._connection.set_trace_callback(found.append)
    yield found
    catalogue.database._connection.set_trace_callback(None)


def indexed(seen):
    return any(statement.startswith("INSERT INTO archive_names") for statement in seen)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == THREAD]


@pytest.mark.parametrize("value", [None, -3, "plain", "it's", '"', "'; DROP TABLE archive_rows; --"])
def test_a_value_written_into_a_statement_is_the_value(opened, value):
    """Quotes included."""
    assert opened().database.rows(f"SELECT {literal(value)}")[0][0] == value


def test_many_names_are_indexed_after_the_load(opened):
    """By a thread, so that a search adds none of them; and it does not return once it is done."""
    catalogue = opened()
    with statements(catalogue) as seen:
        load(catalogue, MANY)
        (thread,) = threads()
        thread.join()
    assert sum(statement.startswith("INSERT INTO archive_names") for statement in seen) == 2
    with statements(catalogue) as seen:
        (found,) = catalogue.archives.query("photos", text=f"{MANY - 1}.t").records
    assert found.name == f"{MANY - 1}.txt"
    assert not indexed(seen)
    load(catalogue, 3)
    assert threads() == []


def test_the_thread_ends_with_the_catalogue_and_the_next_search_finds_all(opened):
    """Nothing is lost by a process that ends at once."""
    catalogue = opened()
    load(catalogue, MANY)
    catalogue.close()
    assert threads() == []
    catalogue = opened()
    assert len(catalogue.archives.query("photos", text="123.t").records) == 20


def test_few_names_are_indexed_with_their_rows(opened):
    """Without a thread."""
    catalogue = opened()
    with statements(catalogue) as seen:
        load(catalogue, 10)
    assert indexed(seen)
    assert threads() == []
