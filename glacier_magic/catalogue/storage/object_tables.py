"""The tables of objects of S3: steps of :data:`.schema.MIGRATIONS`."""

MOVES = """
-- the objects of S3 that archives become, each of the download whose target it is
CREATE TABLE moved_objects(
    download BIGINT NOT NULL PRIMARY KEY,
    bucket {text} NOT NULL, key {text} NOT NULL, region {text} NOT NULL, storage_class {text} NOT NULL,
    metadata {text} NOT NULL,     -- JSON
    step {text} NOT NULL,         -- new, opening, sending, completing, stored, proven, conflict
    part_size BIGINT, opened BIGINT, upload_id {text},  -- null: one request; when it was to be started
    checksum {text}, etag {text}, version_id {text},    -- SHA-256 of what was sent, as S3 writes it
    proof BIGINT NOT NULL DEFAULT 0, proved BIGINT  -- 1: sent, 2: recorded, 3: at rest, 4: read back
){by_key};
CREATE INDEX moved_objects_by_key ON moved_objects(bucket, key);
CREATE TABLE moved_parts(         -- recorded before they are sent
    download BIGINT NOT NULL, number BIGINT NOT NULL,
    root {text} NOT NULL, sha256 {text} NOT NULL, etag {text},  -- null: the answer is not known
    PRIMARY KEY(download, number)
){by_key}"""

CHECKS = """
-- CRC-64/NVME in base64; null: not computed. The checksum of the algorithm that S3 was told is that of MOVES
ALTER TABLE moved_objects ADD COLUMN algorithm {text} NOT NULL DEFAULT 'SHA256';
ALTER TABLE moved_objects ADD COLUMN crc64 {text};
ALTER TABLE moved_parts ADD COLUMN crc64 {text}"""

RENEWALS = """
-- when it was requested to keep a copy longer, and the end that it had then, as in parameters
ALTER TABLE jobs ADD COLUMN renewal {text};
ALTER TABLE jobs ADD COLUMN renewed DOUBLE PRECISION"""

COPIES = """
-- the days for which the copy of an object of S3 is kept; null: a job of a vault
ALTER TABLE downloads ADD COLUMN days BIGINT"""
