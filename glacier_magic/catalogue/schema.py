"""The tables, and the steps from each version of them to the next.

Times are whole milliseconds since 1970 UTC (INTEGER); sizes are bytes.
"""

from __future__ import annotations

SCHEMA_1 = """
CREATE TABLE settings(
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE archives(
    account TEXT NOT NULL, region TEXT NOT NULL, vault TEXT NOT NULL, archive_id TEXT NOT NULL,
    name TEXT NOT NULL, description TEXT NOT NULL, format TEXT NOT NULL, mtime INTEGER,
    size INTEGER, created INTEGER, tree_hash TEXT,
    state TEXT NOT NULL,          -- uploaded (by us, in no inventory yet), listed,
                                  -- deleted (by us), gone (from a later inventory)
    seen INTEGER,                 -- date of the last inventory that listed it
    PRIMARY KEY(account, region, vault, archive_id)
) WITHOUT ROWID;
CREATE INDEX archives_by_name ON archives(account, region, vault, name);

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
    ours INTEGER NOT NULL DEFAULT 0, -- asked for from this catalogue
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
                                  -- expired, forgotten
    job_id TEXT, asked INTEGER, ended INTEGER,
    error TEXT, failure TEXT,     -- in words, and the class of the error
    done INTEGER NOT NULL DEFAULT 0,
    piece_size INTEGER, pieces TEXT, -- verified pieces so far: JSON {index: tree hash}
    part_path TEXT,
    owner TEXT, lease_until REAL
);
CREATE INDEX downloads_by_state ON downloads(account, region, state);
CREATE INDEX downloads_by_job ON downloads(account, region, vault, job_id);
CREATE INDEX downloads_by_archive ON downloads(account, region, vault, archive_id);
"""

MIGRATIONS: tuple[str, ...] = (SCHEMA_1,)
"""Step n brings a catalogue from version n to n + 1; version 0 is an empty file."""
