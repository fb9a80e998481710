"""The tables of ``store.sqlite``.

Times are virtual milliseconds.  Rows of deleted archives and vaults remain, with the time of the
deletion: an inventory is only a time, and lists the archives that existed then.
"""

from __future__ import annotations

VERSION = 2  # in PRAGMA user_version; a file of a later version is refused

STATEMENTS = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS vaults (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    deleted INTEGER,
    changed INTEGER,
    live_count INTEGER NOT NULL DEFAULT 0,
    live_size INTEGER NOT NULL DEFAULT 0,
    inventory_date INTEGER,
    inventory_count INTEGER NOT NULL DEFAULT 0,
    inventory_size INTEGER NOT NULL DEFAULT 0,
    notification TEXT,
    access_policy TEXT,
    lock_policy TEXT,
    lock_id TEXT,
    lock_created INTEGER,
    lock_expires INTEGER
);
CREATE UNIQUE INDEX IF NOT EXISTS vaults_name ON vaults (account, region, name)
    WHERE deleted IS NULL;

CREATE TABLE IF NOT EXISTS tags (
    vault INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (vault, key)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS archives (
    id INTEGER PRIMARY KEY,
    vault INTEGER NOT NULL,
    archive_id TEXT NOT NULL,
    description TEXT NOT NULL,
    size INTEGER NOT NULL,
    tree_hash TEXT NOT NULL,
    created INTEGER NOT NULL,
    deleted INTEGER,
    payload TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS archives_archive_id ON archives (archive_id);
CREATE INDEX IF NOT EXISTS archives_vault ON archives (vault);
CREATE INDEX IF NOT EXISTS archives_garbage ON archives (deleted)
    WHERE deleted IS NOT NULL AND payload <> '';

CREATE TABLE IF NOT EXISTS pieces (
    id INTEGER PRIMARY KEY,
    payload TEXT NOT NULL,
    start INTEGER NOT NULL,
    size INTEGER NOT NULL,
    file TEXT NOT NULL,
    tree_hash TEXT NOT NULL,
    leaves BLOB
);
CREATE UNIQUE INDEX IF NOT EXISTS pieces_payload ON pieces (payload, start);

CREATE TABLE IF NOT EXISTS uploads (
    id INTEGER PRIMARY KEY,
    vault INTEGER NOT NULL,
    upload_id TEXT NOT NULL UNIQUE,
    description TEXT,
    part_size INTEGER NOT NULL,
    created INTEGER NOT NULL,
    touched INTEGER NOT NULL,
    payload TEXT NOT NULL,
    ended TEXT,
    archive_id TEXT,
    tree_hash TEXT
);
CREATE INDEX IF NOT EXISTS uploads_vault ON uploads (vault, ended);

CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY,
    vault INTEGER NOT NULL,
    job_id TEXT NOT NULL UNIQUE,
    action TEXT NOT NULL,
    archive INTEGER,
    archive_id TEXT,
    archive_size INTEGER,
    archive_hash TEXT,
    range_start INTEGER,
    range_end INTEGER,
    range_hash TEXT,
    tier TEXT,
    description TEXT,
    topic TEXT,
    parameters TEXT,
    next_marker TEXT,
    created INTEGER NOT NULL,
    completes INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    message TEXT NOT NULL,
    snapshot INTEGER,
    output TEXT,
    output_size INTEGER,
    notified INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS jobs_vault ON jobs (vault);
CREATE INDEX IF NOT EXISTS jobs_archive ON jobs (archive) WHERE archive IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_completes ON jobs (completes) WHERE notified = 0;
CREATE INDEX IF NOT EXISTS jobs_expires ON jobs (expires);

CREATE TABLE IF NOT EXISTS retrieval_policies (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    strategy TEXT NOT NULL,
    bytes_per_hour INTEGER,
    PRIMARY KEY (account, region)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS capacity (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    capacity_id TEXT NOT NULL,
    starts INTEGER NOT NULL,
    expires INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS s3_buckets (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    region TEXT NOT NULL,
    created INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS s3_documents (
    bucket INTEGER NOT NULL,
    name TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (bucket, name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS s3_objects (
    id INTEGER PRIMARY KEY,
    bucket INTEGER NOT NULL,
    key TEXT NOT NULL,
    version_id TEXT NOT NULL,
    latest INTEGER NOT NULL,
    marker INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    storage_class TEXT NOT NULL,
    headers TEXT NOT NULL,
    algorithm TEXT,
    checksum_type TEXT,
    checksum TEXT,
    parts INTEGER,
    payload TEXT NOT NULL,
    damaged INTEGER NOT NULL,
    locked_until INTEGER,
    restore_tier TEXT,
    restore_ready INTEGER,
    restore_until INTEGER
);
CREATE UNIQUE INDEX IF NOT EXISTS s3_objects_version ON s3_objects (bucket, key, version_id);
CREATE UNIQUE INDEX IF NOT EXISTS s3_objects_latest ON s3_objects (bucket, key) WHERE latest;

CREATE TABLE IF NOT EXISTS s3_uploads (
    id INTEGER PRIMARY KEY,
    bucket INTEGER NOT NULL,
    key TEXT NOT NULL,
    upload_id TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    storage_class TEXT NOT NULL,
    headers TEXT NOT NULL,
    algorithm TEXT,
    checksum_type TEXT NOT NULL,
    payload TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS s3_uploads_key ON s3_uploads (bucket, key, upload_id);

CREATE TABLE IF NOT EXISTS s3_parts (
    payload TEXT NOT NULL,
    number INTEGER NOT NULL,
    size INTEGER NOT NULL,
    file TEXT NOT NULL,
    etag TEXT NOT NULL,
    algorithm TEXT,
    checksum TEXT,
    modified INTEGER NOT NULL,
    PRIMARY KEY (payload, number)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS s3_jobs (
    id TEXT NOT NULL UNIQUE,
    region TEXT NOT NULL,
    created INTEGER NOT NULL,
    token TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'Active',
    tasks INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT ''
);
"""
