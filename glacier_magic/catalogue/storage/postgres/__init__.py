"""A team's catalogue in a database of a PostgreSQL server (13 or later), by psycopg 3.

The catalogue uses SQL that both databases accept.  In statements only the placeholders of values
differ: :func:`.values.marked` replaces them.  In definitions the words in braces of :mod:`..schema`
differ.  SQLAlchemy is not used: it takes a quarter of a second to import, and does not cover COPY,
trigrams, FTS5 or leases.

As in SQLite, one process writes at a time: each transaction takes the lock of the catalogue before it
reads.  Writes are short, and readers do not wait.  Leases and the order of uploads depend on the
server's clock, not on those of the computers that share the catalogue.
"""

from .postgres_database import PostgresDatabase

__all__ = ["PostgresDatabase"]
