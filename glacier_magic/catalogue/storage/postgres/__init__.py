"""A team's catalogue in a database of a PostgreSQL server (13 or later), by psycopg 3.

The rest of the catalogue writes its SQL once, as SQLite takes it.  A dozen things differ: how
values are marked, some types, where nulls sort; :mod:`.sql` translates them by rule, the tables
included, so that a new table or statement needs no second version.  What really is another way
(searching, patterns, bulk writing) is in :mod:`.database`.  SQLAlchemy Core was the other choice: it
would have had us write the same statements a third way, in Python, on top of a driver that is
needed all the same; it knows nothing of COPY, of trigrams, of FTS5 or of who holds a lease; and it
takes a quarter of a second to import, for everybody.  So the driver stands behind the seam that was
there already.

One process writes at a time, as in SQLite: each transaction takes one lock of the catalogue before
it reads.  What is written is short; nobody waits who only reads.  Leases and the order of uploads
go by the server's clock, not by those of the computers that share it.
"""

from .database import PostgresDatabase

__all__ = ["PostgresDatabase"]
