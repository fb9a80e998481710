"""A team's catalogue in a database of a PostgreSQL server (13 or later), by psycopg 3.

The catalogue writes SQL that both databases take.  In statements only the marks of values differ:
:func:`.values.marked` replaces them.  In definitions the words in braces of :mod:`..schema` differ.
SQLAlchemy was the other choice: it takes a quarter of a second to import, and does not cover COPY,
trigrams, FTS5 or leases.

One process writes at a time, as in SQLite: each transaction takes one lock of the catalogue before
it reads.  Writes are short, and readers do not wait.  Leases and the order of uploads use the
server's clock, not those of the computers that share the catalogue.
"""

from .database import PostgresDatabase

__all__ = ["PostgresDatabase"]
