"""Moves of archives to S3: the keys, the bucket, the copy with its record, and the proof."""
