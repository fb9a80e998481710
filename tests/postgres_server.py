"""A PostgreSQL server for the tests: made in a temporary folder, reached by a socket in it."""

import itertools
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "s3cr/t p@ss"
PATIENCE = 30.0

_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "50",
}
_numbers = itertools.count(1)


def programs():
    """Return the folder of the server's programs, or None."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    places = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(places, key=lambda p: float(p.parents[1].name), default=None)
    return newest and newest.parent


class Server:
    """A running server; schemas of its database ``team`` are catalogues of their own.

    The role ``team`` owns the database and needs no password, ``guarded`` needs one, ``stranger``
    may do nothing.
    """

    def __init__(self, folder):
        self.folder, self._programs, self._process = folder, programs(), None
        self._as = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            user = "postgres" if _exists("postgres") else "nobody"
            shutil.chown(folder, user)
            self._as = {"user": user, "extra_groups": []}
        self._call(
            "initdb",
            "-D",
            folder / "data",
            "-U",
            "root",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            *self._locale(),
        )
        hba = "local all guarded scram-sha-256\nlocal all all trust\n"
        (folder / "data" / "pg_hba.conf").write_text(hba)

    def _locale(self):
        told = subprocess.check_output([self._programs / "postgres", "--version"], text=True)
        if float(told.split()[2].split(".")[0]) < 15:
            return ["--locale=C"]
        # an order of letters that is not that of their bytes
        return ["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"]

    def _call(self, program, *words):
        subprocess.run(
            [self._programs / program, *map(str, words)],
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            timeout=PATIENCE,
            **self._as,
        )

    def start(self):
        """Start it and wait until it answers."""
        words = [word for pair in _SETTINGS.items() for word in ("-c", "=".join(pair))]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", "data", "-k", str(self.folder), *words],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **self._as,
            )
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self.sql("SELECT 1")
            except Exception:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    @property
    def runs(self):
        """Whether it was started and not stopped since."""
        return self._process is not None and self._process.poll() is None

    def stop(self):
        """End it at once, as a crash would."""
        self._process.send_signal(3)
        self._process.wait(PATIENCE)

    def sql(self, text, database="postgres"):
        """Run statements as the server's superuser; return the rows of a query."""
        import psycopg

        with psycopg.connect(self.url("root", database), autocommit=True) as connection:
            cursor = connection.execute(text)
            return cursor.fetchall() if cursor.description else []

    def url(self, user="team", database="team", options="", password=""):
        """Return the URL of a database."""
        from urllib.parse import quote

        who = user + (f":{quote(password, safe='')}" if password else "")
        tail = f"&options={quote(options)}" if options else ""
        return f"postgresql://{who}@/{database}?host={self.folder}{tail}"

    @contextmanager
    def schema(self):
        """Give the URL of an empty schema."""
        name = f"t{next(_numbers)}"
        self.sql(f"CREATE SCHEMA {name} AUTHORIZATION team", "team")
        yield self.url(options=f"-csearch_path={name},public")
        self.sql(f"DROP SCHEMA {name} CASCADE", "team")


def _exists(user):
    import pwd

    try:
        return pwd.getpwnam(user)
    except KeyError:
        return None


@contextmanager
def running():
    """Run a server with the database ``team``."""
    folder = Path(tempfile.mkdtemp(prefix="glacier-pg-"))
    try:
        server = Server(folder)
        server.start()
        try:
            quoted = PASSWORD.replace("'", "''")
            server.sql(
                "CREATE ROLE team LOGIN; CREATE ROLE stranger LOGIN; "
                f"CREATE ROLE guarded LOGIN PASSWORD '{quoted}'"
            )
            server.sql("CREATE DATABASE team OWNER team")
            server.sql("CREATE EXTENSION pg_trgm; GRANT team TO guarded", "team")
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
