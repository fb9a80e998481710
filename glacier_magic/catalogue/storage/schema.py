"""The tables, and the migration from each version to the next.

Times are whole milliseconds since 1970 UTC; sizes are bytes.  Words in braces differ between the
databases: each has its :class:`Words`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from ...errors import CatalogueError
from .object_tables import CHECKS, COPIES, MOVES, RENEWALS


class Words(TypedDict):
    """The parts of a definition that differ between the databases."""

    key: str  # the type of a row's id, which the database assigns
    text: str  # the type of a text that sorts by its bytes
    bytes: str
    by_key: str  # after a table whose rows are stored in the order of its primary key
    first: str  # after a column of an index in which nulls come first
    hash: str  # the tree hash of an archive in hexadecimal digits
    unhex_contents: str  # the statement that makes bytes of the hashes of contents


APPLICATION_ID = 0x676C6163
"""Identifies an SQLite file as a catalogue in its header."""

LATE_INDEXES = {
    "archive_rows_by_name": "archive_rows(vault_id, name, created{first})",
    "archive_rows_by_size": "archive_rows(vault_id, size{first})",
    "archive_rows_by_created": "archive_rows(vault_id, created{first})",
    "archive_rows_by_listed": "archive_rows(vault_id, listed)",
}
"""Indexes that are faster to create after many rows are written than to update meanwhile."""

SCHEMA = """
CREATE TABLE settings(
    key {text} PRIMARY KEY,
    value {text} NOT NULL
){by_key};

CREATE TABLE uploads(
    id {key},
    account {text} NOT NULL, region {text} NOT NULL, vault {text} NOT NULL,
    path {text} NOT NULL, size BIGINT NOT NULL, mtime_ns BIGINT NOT NULL,
    name {text} NOT NULL, description {text} NOT NULL,
    part_size BIGINT,             -- null: one request
    upload_id {text},
    state {text} NOT NULL,        -- sending, completing, unsettled, done, failed, aborted
    doubt BIGINT NOT NULL DEFAULT 0,  -- sent again after a lost answer: may be stored twice
    archive_id {text}, tree_hash {text}, error {text},
    owner {text}, lease_until DOUBLE PRECISION,
    started BIGINT NOT NULL, updated BIGINT NOT NULL
);
CREATE INDEX uploads_open ON uploads(account, region, vault, state, path);
CREATE INDEX uploads_by_archive ON uploads(archive_id);

CREATE TABLE inventories(
    account {text} NOT NULL, region {text} NOT NULL, vault {text} NOT NULL, job_id {text} NOT NULL,
    made BIGINT,                  -- the inventory's own date
    loaded BIGINT NOT NULL,
    archives BIGINT NOT NULL, bytes BIGINT NOT NULL,
    ordinal BIGINT,               -- null: older than an inventory read before
    whole BIGINT NOT NULL DEFAULT 1,
    added BIGINT, gone BIGINT,
    PRIMARY KEY(account, region, vault, job_id)
){by_key};

CREATE TABLE jobs(
    account {text} NOT NULL, region {text} NOT NULL, vault {text} NOT NULL, job_id {text} NOT NULL,
    action {text} NOT NULL,       -- ArchiveRetrieval, InventoryRetrieval, Select
    archive_id {text}, byte_range {text}, tier {text}, description {text},
    status {text} NOT NULL,       -- InProgress, Succeeded, Failed
    message {text}, parameters {text},
    size BIGINT, tree_hash {text},
    created BIGINT, completed BIGINT,
    gone BIGINT NOT NULL DEFAULT 0,  -- the service no longer knows it
    ours BIGINT NOT NULL DEFAULT 0,  -- requested from this catalogue
    output_hash {text},           -- the tree hash of the output
    PRIMARY KEY(account, region, vault, job_id)
){by_key};
CREATE INDEX jobs_by_archive ON jobs(account, region, vault, archive_id);

CREATE TABLE downloads(
    id {key},
    account {text} NOT NULL, region {text} NOT NULL, vault {text} NOT NULL,
    batch {text} NOT NULL,        -- one restore request of the user
    archive_id {text} NOT NULL, name {text} NOT NULL,
    size BIGINT, tree_hash {text}, mtime BIGINT,
    tier {text} NOT NULL, root {text} NOT NULL, target {text} NOT NULL,
    token {text} NOT NULL UNIQUE, -- our job description: finds a job whose answer was lost
    state {text} NOT NULL,        -- planned, asking, waiting, ready, downloading, verified, failed,
                                  -- unverified (a part that no hash covers), expired, forgotten
    job_id {text}, asked BIGINT, ended BIGINT,
    error {text}, failure {text}, -- the message and the class of the error
    done BIGINT NOT NULL DEFAULT 0,
    piece_size BIGINT, pieces {text}, -- verified pieces so far: JSON, index to tree hash
    part_path {text},
    owner {text}, lease_until DOUBLE PRECISION,
    home {text},                  -- the data folder of its user, where several share the catalogue
    due BIGINT,                   -- not requested before; null: at once
    limits {text},                -- of its batch: JSON [[bytes, milliseconds], ...]
    moves BIGINT NOT NULL DEFAULT 0,  -- refusals in a row that moved it
    renewal {text},               -- description of the job that keeps its output longer
    renewed DOUBLE PRECISION,     -- when that job was requested: seconds, by our clock
    part {text}, cover {text}     -- ranges, first-last in bytes: the one the user wants and the
                                  -- one requested; null: the whole archive
);
CREATE INDEX downloads_by_state ON downloads(account, region, state);
CREATE INDEX downloads_by_job ON downloads(account, region, vault, job_id);
CREATE INDEX downloads_by_archive ON downloads(account, region, vault, archive_id);
CREATE INDEX downloads_by_due ON downloads(account, region, state, due);
CREATE INDEX downloads_by_batch ON downloads(batch, due);
CREATE INDEX downloads_by_bytes ON downloads(tree_hash, size);

CREATE TABLE vaults(
    id {key},
    account {text} NOT NULL, region {text} NOT NULL, vault {text} NOT NULL,
    current BIGINT NOT NULL DEFAULT 0,  -- ordinal of the last inventory that was read to its end
    UNIQUE(account, region, vault)
);

CREATE TABLE archive_rows(
    id {key},
    vault_id BIGINT NOT NULL,
    id_key BIGINT NOT NULL,       -- the archive id in two numbers: see identity.py
    id_check BIGINT NOT NULL,
    archive_id {text} NOT NULL,
    name {text} NOT NULL,
    description {text},           -- null: it is the name
    format {text} NOT NULL, mtime BIGINT, size BIGINT, created BIGINT,
    tree_hash {bytes},
    origin BIGINT NOT NULL,       -- 0 an inventory, 1 an upload, 2 another tool's record
    listed BIGINT,                -- ordinal of the first inventory with it
    unlisted BIGINT,              -- ordinal of the first whole inventory without it since
    deleted BIGINT                -- when the service accepted its deletion
);
CREATE UNIQUE INDEX archive_rows_by_key ON archive_rows(vault_id, id_key, id_check);
CREATE INDEX archive_rows_by_unlisted ON archive_rows(vault_id, unlisted)
    WHERE unlisted IS NOT NULL;
CREATE INDEX archive_rows_by_deleted ON archive_rows(vault_id, deleted) WHERE deleted IS NOT NULL;

CREATE TABLE absences(            -- of archives that were listed again later
    archive BIGINT NOT NULL, vault_id BIGINT NOT NULL,
    since BIGINT NOT NULL, until BIGINT NOT NULL,   -- ordinals
    PRIMARY KEY(vault_id, since, archive)
){by_key};

CREATE TABLE folders(             -- sums of the present archives at any depth
    vault_id BIGINT NOT NULL,
    parent {text} NOT NULL, name {text} NOT NULL, -- each ends in a slash; both empty: the whole vault
    archives BIGINT NOT NULL, bytes BIGINT NOT NULL,
    oldest BIGINT, newest BIGINT,
    stale BIGINT NOT NULL DEFAULT 0,  -- oldest or newest is gone: they are bounds
    PRIMARY KEY(vault_id, parent, name)
){by_key};

CREATE TABLE loads(               -- inventories that are being read
    vault_id {key},
    job_id {text} NOT NULL, owner {text} NOT NULL, touched DOUBLE PRECISION NOT NULL,
    broken BIGINT NOT NULL DEFAULT 0  -- an earlier one was interrupted
);

CREATE VIEW archives AS SELECT
    a.id, v.account, v.region, v.vault, a.archive_id, a.name,
    COALESCE(a.description, a.name) AS description, a.format, a.mtime, a.size, a.created,
    CASE WHEN length(a.tree_hash)=32 THEN {hash} END AS tree_hash,
    CASE WHEN a.deleted IS NOT NULL THEN 'deleted' WHEN a.unlisted<=v.current THEN 'gone'
        WHEN a.listed<=v.current THEN 'listed' WHEN a.origin=1 THEN 'uploaded'
        WHEN a.origin=2 THEN 'unknown' END AS state
    FROM archive_rows a JOIN vaults v ON v.id=a.vault_id;

-- plans that were run: their promises and their outcomes
CREATE TABLE plans(
    id {key},
    account {text} NOT NULL, region {text} NOT NULL, vault {text} NOT NULL,
    kind {text} NOT NULL,         -- restore, delete, drop
    made BIGINT NOT NULL, run BIGINT NOT NULL,
    promised {text} NOT NULL,     -- JSON
    happened {text},              -- JSON; of a restore what its downloads say counts
    error {text}, ended BIGINT    -- both null: in progress, or ended with its process
);
CREATE INDEX plans_by_run ON plans(account, region, run);

CREATE TABLE plan_downloads(
    plan BIGINT NOT NULL, download BIGINT NOT NULL,
    asking BIGINT NOT NULL,       -- 1: the plan promised a request, 0: only a download
    size BIGINT,
    job_id {text},                -- the job that this plan paid for
    outcome {text},               -- verified, failed, expired, forgotten; null: still to come
    ended BIGINT, error {text},
    PRIMARY KEY(plan, download)
);
CREATE INDEX plan_downloads_open ON plan_downloads(download, outcome);

-- deletions: queues of archives to delete, and vaults to empty and drop
CREATE TABLE deletions(
    id {key},
    account {text} NOT NULL, region {text} NOT NULL, vault {text} NOT NULL,
    what {text} NOT NULL,         -- the plan in one sentence
    archives BIGINT NOT NULL, bytes BIGINT NOT NULL,
    promised {text} NOT NULL,     -- what the plan said: JSON
    state {text} NOT NULL,        -- open, done, forgotten
    deleted BIGINT NOT NULL DEFAULT 0, failed BIGINT NOT NULL DEFAULT 0,
    last BIGINT,                  -- the service's time when it accepted the latest deletion
    error {text},                 -- why it stopped
    owner {text}, lease_until DOUBLE PRECISION,
    created BIGINT NOT NULL, ended BIGINT,
    plan BIGINT                   -- its number in the history
);
CREATE INDEX deletions_by_state ON deletions(account, region, state);
CREATE TABLE deletion_items(
    deletion BIGINT NOT NULL,
    number BIGINT NOT NULL,       -- of the row in archive_rows; below 0 for one that has none
    archive_id {text} NOT NULL, name {text} NOT NULL, size BIGINT,
    created BIGINT NOT NULL,      -- 0 if not known
    state {text} NOT NULL,        -- queued, deleted, failed
    error {text},
    PRIMARY KEY(deletion, number)
){by_key};
CREATE INDEX deletion_items_by_age ON deletion_items(deletion, state, created, number);
CREATE TABLE drops(
    id {key},
    account {text} NOT NULL, region {text} NOT NULL, vault {text} NOT NULL,
    vault_created BIGINT,         -- distinguishes it from a later vault of this name
    state {text} NOT NULL,        -- listing, confirming, deleting, proving, dropped, stopped,
                                  -- forgotten
    job_id {text},                -- of the inventory that lists the archives to delete
    listed BIGINT,                -- the date of that inventory
    deletion BIGINT,              -- the queue that was confirmed
    after BIGINT,                 -- an inventory later than this can prove the vault empty
    next_check BIGINT,            -- the service's time
    note {text}, error {text},
    owner {text}, lease_until DOUBLE PRECISION,
    created BIGINT NOT NULL, ended BIGINT
);
CREATE INDEX drops_by_state ON drops(account, region, state);

-- settings of vaults and accounts: pending locks, purchased capacity, routes of notifications to a queue
CREATE TABLE vault_locks(         -- the service shows a lock id once; it completes the lock
    account {text} NOT NULL, region {text} NOT NULL, vault {text} NOT NULL,
    lock_id {text} NOT NULL, policy {text} NOT NULL,
    started BIGINT NOT NULL, expires BIGINT NOT NULL,
    PRIMARY KEY(account, region, vault)
);
CREATE TABLE purchases(
    id {key},
    account {text} NOT NULL, region {text} NOT NULL,
    known {text} NOT NULL,        -- units before the purchase: JSON list of ids
    state {text} NOT NULL,        -- asking, done, failed
    capacity_id {text}, asked BIGINT NOT NULL
);
CREATE UNIQUE INDEX purchases_open ON purchases(account, region) WHERE state='asking';
CREATE TABLE routes(
    account {text} NOT NULL, region {text} NOT NULL, vault {text} NOT NULL,
    topic {text} NOT NULL, queue {text} NOT NULL, url {text} NOT NULL, subscription {text} NOT NULL,
    token {text} NOT NULL,        -- the tag of a topic or queue that this catalogue created
    state {text} NOT NULL,        -- making, ready
    heard BIGINT NOT NULL,        -- when the last message arrived; 0: never
    PRIMARY KEY(account, region, vault)
);

CREATE TABLE listings(            -- zip and tar files whose members were listed
    id {key},
    account {text} NOT NULL, region {text} NOT NULL, vault {text} NOT NULL, archive_id {text} NOT NULL,
    kind {text} NOT NULL,         -- zip, tar, tar.gz
    listed BIGINT NOT NULL,       -- when
    complete BIGINT NOT NULL,     -- whether these are all members
    notes {text} NOT NULL,        -- JSON: sentences about problems and gaps
    source {text} NOT NULL,       -- a text: where it was read from
    paid {text} NOT NULL,         -- JSON, tier to [requests, bytes]
    most_bytes BIGINT NOT NULL, most_rounds BIGINT NOT NULL,   -- the limits it was read under
    members BIGINT NOT NULL,      -- how many are stored
    UNIQUE(account, region, vault, archive_id)
);
CREATE TABLE members(
    listing BIGINT NOT NULL, number BIGINT NOT NULL,
    name {text} NOT NULL, kind {text} NOT NULL,
    size BIGINT, packed BIGINT, start BIGINT, mtime BIGINT,
    written {text} NOT NULL, target {text} NOT NULL, encrypted BIGINT NOT NULL,
    PRIMARY KEY(listing, number)
);
"""
SCHEMA += ";\n".join(f"CREATE INDEX {name} ON {columns}" for name, columns in LATE_INDEXES.items())

NOTES = """
-- what the user or another tool recorded of an archive
ALTER TABLE archive_rows ADD COLUMN note {text} NOT NULL DEFAULT ''"""

BACKUPS = """
-- sets of folders that are backed up, their snapshots, and the packs that have the contents
CREATE TABLE backup_sets(
    id {key},
    account {text} NOT NULL, region {text} NOT NULL, vault {text} NOT NULL, name {text} NOT NULL,
    home {text} NOT NULL,         -- the data folder of its user, where several share the catalogue
    roots {text} NOT NULL, rules {text} NOT NULL, recipients {text} NOT NULL,   -- JSON
    created BIGINT NOT NULL, checked BIGINT,  -- when a run last found nothing new
    owner {text}, lease_until DOUBLE PRECISION,
    UNIQUE(account, region, vault, name)
);
CREATE TABLE snapshots(
    id {key}, set_id BIGINT NOT NULL, ordinal BIGINT NOT NULL,
    started BIGINT NOT NULL, finished BIGINT, -- null: still to be finished
    files BIGINT, bytes BIGINT, added BIGINT, unread BIGINT, -- stored for it; files not readable
    UNIQUE(set_id, ordinal)
);
CREATE TABLE packs(
    id {key},
    set_id BIGINT NOT NULL, ordinal BIGINT NOT NULL,
    kind {text} NOT NULL, name {text} NOT NULL,  -- files, manifest; of its archive
    state {text} NOT NULL,        -- packing, sealed, stored
    archive_id {text}, size BIGINT, tree_hash {text},
    head {bytes}, frames {bytes}  -- what opens a range of it
);
CREATE INDEX packs_by_set ON packs(set_id, state);
CREATE TABLE contents(            -- what a set has stored
    id {key},
    set_id BIGINT NOT NULL, sha256 {bytes} NOT NULL, size BIGINT NOT NULL,
    pack_id BIGINT NOT NULL, start BIGINT NOT NULL
);
CREATE INDEX contents_by_pack ON contents(pack_id);
CREATE TABLE entries(             -- in snapshot n if since <= n and (until is null or n < until)
    set_id BIGINT NOT NULL, path {text} NOT NULL, since BIGINT NOT NULL, until BIGINT,
    kind {text} NOT NULL,         -- file, folder, link
    mode BIGINT NOT NULL, mtime_ns BIGINT NOT NULL, ctime_ns BIGINT NOT NULL, inode BIGINT NOT NULL,
    size BIGINT NOT NULL, content_id BIGINT, target {text},
    PRIMARY KEY(set_id, path, since)
){by_key}"""

HASHES = """
-- earlier, hashes of contents were texts of hexadecimal digits; a new table is empty
{unhex_contents};
CREATE INDEX contents_by_hash ON contents(set_id, size, substr(sha256, 1, 4));
DROP INDEX IF EXISTS entries_by_content"""

LABELS = """
-- the user's words on archives and snapshots: labels, with spaces between, and a note
ALTER TABLE archive_rows ADD COLUMN labels {text} NOT NULL DEFAULT '';
CREATE INDEX archive_rows_by_labels ON archive_rows(vault_id) WHERE labels<>'';
ALTER TABLE snapshots ADD COLUMN labels {text} NOT NULL DEFAULT '';
ALTER TABLE snapshots ADD COLUMN note {text} NOT NULL DEFAULT ''"""

MIGRATIONS: tuple[str, ...] = (SCHEMA, NOTES, BACKUPS, HASHES, LABELS, MOVES, COPIES, CHECKS, RENEWALS)
"""Step n migrates a catalogue from version n to n + 1; version 0 is an empty database."""

UNRELEASED = 3
"""Versions that were never released; a database stores its version plus this number."""

LAST_UNRELEASED = ("CREATE INDEX downloads_by_bytes ON downloads(tree_hash, size)",)
"""The difference of the last of them from version 1; it is migrated because it may hold open requests."""


def mark() -> int:
    """Return the number that a database of the current version stores; an empty one stores 0."""
    return UNRELEASED + len(MIGRATIONS)


def check(stored: int, place: object) -> None:
    """Refuse a database whose version this program does not know.

    :param stored: the number that the database stores.
    :param place: the file or URL, without a password.
    :raises CatalogueError: it is from a newer version, or from one that was never released.
    """
    if stored > mark():
        raise CatalogueError(
            f"The catalogue {place} was written by a newer version of glacier_magic",
            cure="Upgrade with: pip install -U glacier_magic",
        )
    if 0 < stored < UNRELEASED:
        raise CatalogueError(
            f"The catalogue {place} was written by a version of glacier_magic that was never released",
            cure="Move it aside and connect again; an inventory brings the archives back.",
        )


def upgrade(stored: int, place: object, words: Words) -> Iterator[str]:
    """Yield the statements that migrate a database to the current version.

    :raises CatalogueError: see :func:`check`.
    """
    check(stored, place)
    yield from LAST_UNRELEASED if stored == UNRELEASED else ()
    # The last unreleased one has the tables of version 1.
    for step in MIGRATIONS[max(stored - UNRELEASED, 1) if stored else 0 :]:
        yield from step.format(**words).split(";\n")  # a driver takes one statement at a time
