"""The tables, and the steps from each version of them to the next.

Times are whole milliseconds since 1970 UTC (INTEGER); sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import CatalogueError

APPLICATION_ID = 0x676C6163
"""Written into the header of an SQLite file, so that a stranger's database is never taken for ours."""

SCHEMA = """
CREATE TABLE settings(
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE uploads(
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL, region TEXT NOT NULL, vault TEXT NOT NULL,
    path TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    name TEXT NOT NULL, description TEXT NOT NULL,
    part_size INTEGER,            -- null: one request
    upload_id TEXT,
    state TEXT NOT NULL,          -- sending, completing, unsettled, done, failed, aborted
    doubt INTEGER NOT NULL DEFAULT 0, -- sent again after a lost answer: may be stored twice
    archive_id TEXT, tree_hash TEXT, error TEXT,
    owner TEXT, lease_until REAL,
    started INTEGER NOT NULL, updated INTEGER NOT NULL
);
CREATE INDEX uploads_open ON uploads(account, region, vault, state, path);
CREATE INDEX uploads_by_archive ON uploads(archive_id);

CREATE TABLE inventories(
    account TEXT NOT NULL, region TEXT NOT NULL, vault TEXT NOT NULL, job_id TEXT NOT NULL,
    made INTEGER,                 -- the inventory's own date
    loaded INTEGER NOT NULL,
    archives INTEGER NOT NULL, bytes INTEGER NOT NULL,
    ordinal INTEGER,              -- null for one that is older than what was known already
    whole INTEGER NOT NULL DEFAULT 1,
    added INTEGER, gone INTEGER,
    PRIMARY KEY(account, region, vault, job_id)
) WITHOUT ROWID;

CREATE TABLE jobs(
    account TEXT NOT NULL, region TEXT NOT NULL, vault TEXT NOT NULL, job_id TEXT NOT NULL,
    action TEXT NOT NULL,         -- ArchiveRetrieval, InventoryRetrieval, Select
    archive_id TEXT, byte_range TEXT, tier TEXT, description TEXT,
    status TEXT NOT NULL,         -- InProgress, Succeeded, Failed
    message TEXT, parameters TEXT,
    size INTEGER, tree_hash TEXT,
    created INTEGER, completed INTEGER,
    gone INTEGER NOT NULL DEFAULT 0, -- the service does not know it any more
    ours INTEGER NOT NULL DEFAULT 0, -- requested from this catalogue
    output_hash TEXT,             -- the tree hash of the output
    PRIMARY KEY(account, region, vault, job_id)
) WITHOUT ROWID;
CREATE INDEX jobs_by_archive ON jobs(account, region, vault, archive_id);

CREATE TABLE downloads(
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL, region TEXT NOT NULL, vault TEXT NOT NULL,
    batch TEXT NOT NULL,          -- one restore request of the user
    archive_id TEXT NOT NULL, name TEXT NOT NULL,
    size INTEGER, tree_hash TEXT, mtime INTEGER,
    tier TEXT NOT NULL, root TEXT NOT NULL, target TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,   -- our job description: finds a job whose answer was lost
    state TEXT NOT NULL,          -- planned, asking, waiting, ready, downloading, verified, failed,
                                  -- unverified (a part that no hash covers), expired, forgotten
    job_id TEXT, asked INTEGER, ended INTEGER,
    error TEXT, failure TEXT,     -- in words, and the class of the error
    done INTEGER NOT NULL DEFAULT 0,
    piece_size INTEGER, pieces TEXT, -- verified pieces so far: JSON {index: tree hash}
    part_path TEXT,
    owner TEXT, lease_until REAL,
    home TEXT,                    -- the data folder of its user, where several share the catalogue
    due INTEGER,                  -- not requested before; null: at once
    limits TEXT,                  -- of its batch: JSON [[bytes, milliseconds], ...]
    moves INTEGER NOT NULL DEFAULT 0, -- refusals in a row that moved it
    renewal TEXT,                 -- description of the job that keeps its output longer
    renewed REAL,                 -- when that job was requested: seconds, by our clock
    part TEXT, cover TEXT         -- ranges, first-last in bytes: what the user wants, and what is
                                  -- requested; null: the whole archive
);
CREATE INDEX downloads_by_state ON downloads(account, region, state);
CREATE INDEX downloads_by_job ON downloads(account, region, vault, job_id);
CREATE INDEX downloads_by_archive ON downloads(account, region, vault, archive_id);
CREATE INDEX downloads_by_due ON downloads(account, region, state, due);
CREATE INDEX downloads_by_batch ON downloads(batch, due);
CREATE INDEX downloads_by_bytes ON downloads(tree_hash, size);

CREATE TABLE vaults(
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL, region TEXT NOT NULL, vault TEXT NOT NULL,
    current INTEGER NOT NULL DEFAULT 0, -- ordinal of the last inventory that was read to its end
    UNIQUE(account, region, vault)
);

CREATE TABLE archive_rows(
    id INTEGER PRIMARY KEY,
    vault_id INTEGER NOT NULL,
    id_key INTEGER NOT NULL,      -- the archive id in two numbers: see identity.py
    id_check INTEGER NOT NULL,
    archive_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,             -- null: it is the name
    format TEXT NOT NULL, mtime INTEGER, size INTEGER, created INTEGER,
    tree_hash BLOB,
    origin INTEGER NOT NULL,      -- 0 an inventory, 1 uploaded here, 2 another tool's record
    listed INTEGER,               -- ordinal of the first inventory with it
    unlisted INTEGER,             -- ordinal of the first whole inventory without it since
    deleted INTEGER               -- when the service accepted its deletion
);
CREATE UNIQUE INDEX archive_rows_by_key ON archive_rows(vault_id, id_key, id_check);
CREATE INDEX archive_rows_by_name ON archive_rows(vault_id, name, created);
CREATE INDEX archive_rows_by_size ON archive_rows(vault_id, size);
CREATE INDEX archive_rows_by_created ON archive_rows(vault_id, created);
CREATE INDEX archive_rows_by_listed ON archive_rows(vault_id, listed);
CREATE INDEX archive_rows_by_unlisted ON archive_rows(vault_id, unlisted)
    WHERE unlisted IS NOT NULL;
CREATE INDEX archive_rows_by_deleted ON archive_rows(vault_id, deleted) WHERE deleted IS NOT NULL;

CREATE TABLE absences(            -- of archives that were listed again later
    archive INTEGER NOT NULL, vault_id INTEGER NOT NULL,
    since INTEGER NOT NULL, until INTEGER NOT NULL, -- ordinals
    PRIMARY KEY(vault_id, since, archive)
) WITHOUT ROWID;

CREATE TABLE folders(             -- rolled up: all that is below, of archives that are there
    vault_id INTEGER NOT NULL,
    parent TEXT NOT NULL, name TEXT NOT NULL, -- each ends in a slash; both empty: the whole vault
    archives INTEGER NOT NULL, bytes INTEGER NOT NULL,
    oldest INTEGER, newest INTEGER,
    stale INTEGER NOT NULL DEFAULT 0, -- oldest or newest has left: they are bounds only
    PRIMARY KEY(vault_id, parent, name)
) WITHOUT ROWID;

CREATE TABLE loads(               -- inventories that are being read at this moment
    vault_id INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL, owner TEXT NOT NULL, touched REAL NOT NULL,
    broken INTEGER NOT NULL DEFAULT 0 -- an earlier one stopped half-way
);

CREATE TABLE pages(               -- limited inventories, of which the next page is still to come
    vault_id INTEGER PRIMARY KEY,
    marker TEXT NOT NULL,         -- that the next page goes on from
    made INTEGER,                 -- the earliest date of a page
    archives INTEGER NOT NULL, bytes INTEGER NOT NULL,
    seen BLOB NOT NULL            -- a bit for each row id that was listed, compressed
);

CREATE VIEW archives AS SELECT
    a.id, v.account, v.region, v.vault, a.archive_id, a.name,
    COALESCE(a.description, a.name) AS description, a.format, a.mtime, a.size, a.created,
    CASE WHEN length(a.tree_hash)=32 THEN lower(hex(a.tree_hash)) END AS tree_hash,
    CASE WHEN a.deleted IS NOT NULL THEN 'deleted' WHEN a.unlisted<=v.current THEN 'gone'
        WHEN a.listed<=v.current THEN 'listed' WHEN a.origin=1 THEN 'uploaded'
        WHEN a.origin=2 THEN 'unknown' END AS state
    FROM archive_rows a JOIN vaults v ON v.id=a.vault_id;

-- plans that were run: what was promised, and what came of it
CREATE TABLE plans(
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL, region TEXT NOT NULL, vault TEXT NOT NULL,
    kind TEXT NOT NULL,           -- restore, delete, drop
    made INTEGER NOT NULL, run INTEGER NOT NULL,
    promised TEXT NOT NULL,       -- JSON
    happened TEXT,                -- JSON; of a restore what its downloads say counts
    error TEXT, ended INTEGER     -- both null: under way, or stopped with its process
);
CREATE INDEX plans_by_run ON plans(account, region, run);

CREATE TABLE plan_downloads(
    plan INTEGER NOT NULL, download INTEGER NOT NULL,
    asking INTEGER NOT NULL,      -- 1: the plan promised to ask for it, 0: to fetch it only
    size INTEGER,
    job_id TEXT,                  -- the job that this plan paid for
    outcome TEXT,                 -- verified, failed, expired, forgotten; null: still to come
    ended INTEGER, error TEXT,
    PRIMARY KEY(plan, download)
);
CREATE INDEX plan_downloads_open ON plan_downloads(download, outcome);

-- deletions: queues of archives to delete, and vaults to empty and drop
CREATE TABLE deletions(
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL, region TEXT NOT NULL, vault TEXT NOT NULL,
    what TEXT NOT NULL,           -- the plan in one sentence
    archives INTEGER NOT NULL, bytes INTEGER NOT NULL,
    promised TEXT NOT NULL,       -- what the plan said: JSON
    state TEXT NOT NULL,          -- open, done, forgotten
    deleted INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
    last INTEGER,                 -- the service's time when it accepted the latest deletion
    error TEXT,                   -- why it stopped
    owner TEXT, lease_until REAL,
    created INTEGER NOT NULL, ended INTEGER,
    plan INTEGER                  -- its number in the history
);
CREATE INDEX deletions_by_state ON deletions(account, region, state);
CREATE TABLE deletion_items(
    deletion INTEGER NOT NULL,
    number INTEGER NOT NULL,      -- of the row in archive_rows; below 0 for one that has none
    archive_id TEXT NOT NULL, name TEXT NOT NULL, size INTEGER,
    created INTEGER NOT NULL,     -- 0 if not known
    state TEXT NOT NULL,          -- queued, deleted, failed
    error TEXT,
    PRIMARY KEY(deletion, number)
) WITHOUT ROWID;
CREATE INDEX deletion_items_by_age ON deletion_items(deletion, state, created, number);
CREATE TABLE drops(
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL, region TEXT NOT NULL, vault TEXT NOT NULL,
    vault_created INTEGER,        -- tells it from a later vault of the same name
    state TEXT NOT NULL,          -- listing, confirming, deleting, proving, dropped, stopped,
                                  -- forgotten
    job_id TEXT,                  -- of the inventory that lists what is to be deleted
    listed INTEGER,               -- the date of that inventory
    deletion INTEGER,             -- the queue that was confirmed
    after INTEGER,                -- an inventory later than this can prove the vault empty
    next_check INTEGER,           -- the service's time
    note TEXT, error TEXT,
    owner TEXT, lease_until REAL,
    created INTEGER NOT NULL, ended INTEGER
);
CREATE INDEX drops_by_state ON drops(account, region, state);

-- what is set on vaults and accounts: locks under way, capacity bought, ways to a queue
CREATE TABLE vault_locks(         -- the lock id is told once, and completes the lock
    account TEXT NOT NULL, region TEXT NOT NULL, vault TEXT NOT NULL,
    lock_id TEXT NOT NULL, policy TEXT NOT NULL,
    started INTEGER NOT NULL, expires INTEGER NOT NULL,
    PRIMARY KEY(account, region, vault)
);
CREATE TABLE purchases(
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL, region TEXT NOT NULL,
    known TEXT NOT NULL,          -- units that there were before: JSON list of ids
    state TEXT NOT NULL,          -- asking, done, failed
    capacity_id TEXT, asked INTEGER NOT NULL
);
CREATE UNIQUE INDEX purchases_open ON purchases(account, region) WHERE state='asking';
CREATE TABLE routes(
    account TEXT NOT NULL, region TEXT NOT NULL, vault TEXT NOT NULL,
    topic TEXT NOT NULL, queue TEXT NOT NULL, url TEXT NOT NULL, subscription TEXT NOT NULL,
    token TEXT NOT NULL,          -- the tag of a topic or queue made from here
    state TEXT NOT NULL,          -- making, ready
    heard INTEGER NOT NULL,       -- when a message came this way last; 0: never
    PRIMARY KEY(account, region, vault)
);

CREATE TABLE listings(            -- what was found inside zips and tars
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL, region TEXT NOT NULL, vault TEXT NOT NULL, archive_id TEXT NOT NULL,
    kind TEXT NOT NULL,           -- zip, tar, tar.gz
    listed INTEGER NOT NULL,      -- when
    complete INTEGER NOT NULL,    -- whether these are all members
    notes TEXT NOT NULL,          -- JSON: sentences about what is odd or missing
    source TEXT NOT NULL,         -- where it was read from, in words
    paid TEXT NOT NULL,           -- JSON {tier: [requests, bytes]}
    most_bytes INTEGER NOT NULL, most_rounds INTEGER NOT NULL, -- the limits it was read under
    members INTEGER NOT NULL,     -- how many are kept
    UNIQUE(account, region, vault, archive_id)
);
CREATE TABLE members(
    listing INTEGER NOT NULL, number INTEGER NOT NULL,
    name TEXT NOT NULL, kind TEXT NOT NULL,
    size INTEGER, packed INTEGER, start INTEGER, mtime INTEGER,
    written TEXT NOT NULL, target TEXT NOT NULL, encrypted INTEGER NOT NULL,
    PRIMARY KEY(listing, number)
)
"""

LATE_INDEXES = {
    "archive_rows_by_name": "archive_rows(vault_id, name, created)",
    "archive_rows_by_size": "archive_rows(vault_id, size)",
    "archive_rows_by_created": "archive_rows(vault_id, created)",
}
"""Indexes that are created faster after most rows are new than kept while these are written."""

MIGRATIONS: tuple[str, ...] = (SCHEMA,)
"""Step n brings a catalogue from version n to n + 1; version 0 is an empty database."""

UNRELEASED = 3
"""Earlier versions, which were never released; a database keeps its version plus this number."""


def mark() -> int:
    """Return the number that a database of the current version keeps; an empty one keeps 0."""
    return UNRELEASED + len(MIGRATIONS)


def upgrade(kept: int, place: object) -> Iterator[str]:
    """Return the statements that bring a database to the current version.

    :param kept: the number that the database keeps.
    :param place: where it is, as it may be shown.
    :raises CatalogueError: it is from a newer version, or from one that was never released.
    """
    if kept > mark():
        raise CatalogueError(
            f"The catalogue {place} was written by a newer version of glacier_magic",
            cure="Upgrade with: pip install -U glacier_magic",
        )
    if 0 < kept <= UNRELEASED:
        raise CatalogueError(
            f"The catalogue {place} was written by a version of glacier_magic that was never released",
            cure="Move it aside and connect again; an inventory brings the archives back.",
        )
    steps = MIGRATIONS[kept - UNRELEASED if kept else 0 :]
    return (statement for step in steps for statement in step.split(";\n"))
